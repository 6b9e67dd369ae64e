import type { Description } from "./description.ts";
import { quoted, spoken, words } from "./kit/line.ts";
import { at, first, line, text, whole } from "./kit/json_path.ts";
import { payloadOf, usableId } from "./kit/incoming.ts";
import { jsonSample } from "./kit/sample.ts";
import { signedBy } from "./kit/signed.ts";
import type { DescribeContext, Incoming, Verdict } from "./source.ts";
import { toDescription } from "./kit/to_description.ts";

export const label = "Box";
export const secretVariable = "BOX_WEBHOOK_SIGNATURE_KEY";
export const secretIsTheirs = true;
export const setup =
  "Developer console → the app → Webhooks: URL; Manage signature keys: the primary key, the secondary too";
export const troubles = [
  "A webhook tells of one file or folder; keys are per application.",
];

/** Ten minutes are the page's own (developer.box.com, "Signature verification"). */
const [primary, secondary] = ["BOX-SIGNATURE-PRIMARY", "BOX-SIGNATURE-SECONDARY"].map((header) =>
  signedBy({
    header,
    encoding: "base64",
    signed: "{body}{time}",
    time: {
      header: "BOX-DELIVERY-TIMESTAMP",
      unit: "date",
      window: { past: 600, future: 600 },
    },
  }, { variable: secretVariable, is: "the app's primary or secondary signature key" })
);

export const { sign } = primary;
export const proof = `${primary.proof} (or \`BOX-SIGNATURE-SECONDARY\`)`;

/** Each of the app's two keys signs in a header of its own: one is enough while they are rotated. */
export async function verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
  const verdict = await primary.verify(request, secrets);
  if (verdict.ok || !request.headers.has("box-signature-secondary")) return verdict;
  const other = await secondary.verify(request, secrets);
  return other.ok || verdict.code === "signature_missing" ? other : verdict;
}

/** The event's id; the delivery's is another on each retry. */
export function deliveryId(request: Incoming): string | undefined {
  return usableId(text(payloadOf(request), "id"));
}

/** Says who did what to which file, such as `Ada Byron uploaded file "calls.csv" in Phone`. */
export function describe(payload: unknown, context?: DescribeContext): Description {
  const trigger = line(payload, "trigger");
  const source = at(payload, "source");
  const [noun, ...did] = trigger?.split(".") ?? [];
  const actor = first(line(payload, "created_by", "name"), line(payload, "created_by", "login"));
  const item = first(at(source, "item"), source);
  const name = first(line(item, "name"), line(source, "name"));
  const said = line(source, "message");
  const action = spoken(did.join(" ") || "changed");
  const thing = words(first(line(item, "type"), noun?.toLowerCase()), quoted(name));
  const title = trigger && words(
    noun === "COMMENT"
      ? words(actor ?? "Somebody", action, "a comment", ["on", thing])
      : actor
      ? words(actor, action, thing)
      : words("Box", thing, action),
    ["in", line(item, "parent", "name")],
  );
  return toDescription({ name: "box", label }, payload, context, {
    event: trigger,
    title: title && said ? `${title}: ${said}` : title,
    links: [itemLink(line(item, "type"), line(item, "id"))],
    actor,
    fields: {
      id: line(item, "id"),
      kind: line(item, "type"),
      folder: line(item, "parent", "name"),
      size: line(item, "size"),
      status: first(line(item, "item_status"), line(source, "status")),
      login: line(payload, "created_by", "login"),
    },
    text: first(whole(source, "message"), whole(item, "description")),
  });
}

/** Small events to try the source with. */
export const samples = [
  jsonSample("FILE.UPLOADED", {
    type: "webhook_event",
    id: "SAMPLE",
    created_at: "2026-01-02T03:04:05-08:00",
    trigger: "FILE.UPLOADED",
    webhook: { id: "1", type: "webhook" },
    created_by: { type: "user", id: "2", name: "Ada Byron", login: "ada@example.com" },
    source: { id: "3", type: "file", name: "calls.csv", size: 42, parent: { name: "Phone" } },
    additional_info: [],
  }),
];

function itemLink(kind: string | undefined, id: string | undefined): string | undefined {
  return (kind === "file" || kind === "folder") && id && /^\d+$/.test(id)
    ? `https://app.box.com/${kind}/${id}`
    : undefined;
}
