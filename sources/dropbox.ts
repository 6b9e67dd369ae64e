import type { Description } from "./description.ts";
import { counted } from "./kit/line.ts";
import { line, list } from "./kit/json_path.ts";
import { echo, parameter } from "./kit/challenge.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, HandshakeReply, Incoming } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";
import { agreedSubject, idAt, toSubject } from "./kit/subject/subject_key.ts";
import type { Subject } from "./subject.ts";

export const label = "Dropbox";
export const secretVariable = "DROPBOX_APP_SECRET";
export const troubles = [
  "Dropbox says only whose files changed; the app's own access token reads which.",
];
export const secretIsTheirs = true;
export const setup = "App console → the app → Webhook URIs; the key is the app secret";

/** dropbox.com/developers/reference/webhooks. */
export const { verify, sign, proof } = signedBy(
  { header: "X-Dropbox-Signature", encoding: "hex" },
  { variable: secretVariable, is: "the app's secret" },
);

/** Answers the challenge, unsigned, by which Dropbox checks that the URL is ours. */
export function probe({ method, url }: Incoming): HandshakeReply | undefined {
  const challenge = method === "GET" ? parameter(url, "challenge") : undefined;
  return challenge === undefined ? undefined : echo(challenge);
}

/** Says in how many accounts files changed; which files is to be had from the API only. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const accounts = list(payload, "list_folder", "accounts");
  return toDescription({ name: "dropbox", label }, payload, context, {
    event: accounts.length > 0 ? "list_folder" : undefined,
    title: accounts.length > 0
      ? `Files changed in ${counted(accounts.length, "Dropbox account")}`
      : undefined,
    fields: { account: line(accounts, 0), accounts: String(accounts.length) },
  });
}

export const about = "an account, where only one has changed";

/** What a notice is about: the one account that it names. */
export function subject(payload: unknown): Subject | undefined {
  const accounts = list(payload, "list_folder", "accounts");
  return agreedSubject(
    accounts.map((_, at) => toSubject(idAt(accounts, at), { role: "continues" })),
  );
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("list_folder", { list_folder: { accounts: ["dbid:AAA"] } }),
];
