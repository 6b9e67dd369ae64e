import { z } from "zod";
import { sources } from "../../sources/mod.ts";
import type { Source } from "../../sources/source.ts";
import { ConfigError } from "./config_error.ts";

/** Goes into a header, or into a path. */
const credential = z.string().regex(/^[\x21-\x7e]+$/, {
  error: "must be a token without spaces, as the vendor shows it once",
}).optional();
const sid = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}[0-9a-fA-F]{32}$`), {
    error: `must be a SID of Twilio's: ${prefix} and 32 hex digits`,
  }).optional();
const address = z.string().refine(isAddress, {
  error: "must be a URL without a query or a password, such as https://gitlab.example.com",
}).transform((text) => text.replace(/\/+$/, "")).optional();

/** The settings for answers where messages came from. Slack has its own. */
export const replySettings = {
  REPLY_TOKEN_GITHUB: credential,
  REPLY_TOKEN_GITLAB: credential,
  REPLY_TOKEN_TELEGRAM: credential.pipe(
    z.string().regex(/^\d{1,20}:[A-Za-z0-9_-]{20,100}$/, {
      error: "must be a bot's token, as @BotFather shows it: digits, a colon, letters",
    }).optional(),
  ),
  TWILIO_ACCOUNT_SID: sid("AC"),
  TWILIO_API_KEY: sid("SK"),
  TWILIO_API_SECRET: credential,
  TWILIO_API_URL: address,
  GITHUB_API_URL: address,
  GITLAB_URL: address,
  TELEGRAM_API_URL: address,
  REPLY_TWILIO_PREFIXES: z.string().transform((text) =>
    text.split(",").map((item) => item.trim()).filter((item) => item !== "")
  ).refine((prefixes) => prefixes.every((each) => /^\+[1-9]\d{0,14}$/.test(each)), {
    error: 'must be beginnings of numbers, separated by commas, such as "+49,+43"',
  }).default([]),
};

/** How replies to one source reach its vendor. */
export interface ReplyAccess {
  /** The API's address, with what every path begins with. */
  readonly url: string;
  readonly token: string;
  /** Whose secret the token is, where the vendor asks for both. */
  readonly key?: string;
  /** The only account that is answered for, where the vendor has several. */
  readonly account?: string;
}

/** By the source's name. */
export type ReplyAccesses = ReadonlyMap<string, ReplyAccess>;

/**
 * The sources that can be answered with what is set.
 *
 * @throws {ConfigError} where only a part of what a vendor asks for is set.
 */
export function readReplyAccesses(settings: Record<string, unknown>): ReplyAccesses {
  const accesses = new Map<string, ReplyAccess>();
  for (const [name, { replyApi: api }] of Object.entries<Source>(sources)) {
    if (!api) continue;
    const asked = [api.tokenVariable, api.keyVariable, api.accountVariable]
      .filter((variable) => variable !== undefined);
    const missing = asked.filter((variable) => settings[variable] === undefined);
    if (missing.length === asked.length) continue;
    if (missing.length > 0) {
      throw new ConfigError(
        `Cannot answer ${name} with a part of its credentials: ${missing.join(", ")} ` +
          `${missing.length === 1 ? "is" : "are"} not set. Set all of ${
            asked.join(", ")
          }, or none.`,
      );
    }
    const text = (variable: string | undefined) =>
      variable === undefined ? undefined : settings[variable] as string;
    const account = text(api.accountVariable);
    const base = (api.base ?? "").replace("{account}", account ?? "");
    accesses.set(name, {
      url: `${text(api.urlVariable) ?? api.url}${base}`,
      token: text(api.tokenVariable)!,
      key: text(api.keyVariable),
      account,
    });
  }
  return accesses;
}

/** Nothing but where it is: a credential of ours is sent there. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username, password } = new URL(text);
  return ["https:", "http:"].includes(protocol) &&
    search + hash + username + password === "" && !/[?#]/.test(text);
}
