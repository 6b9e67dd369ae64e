import { PASSING_ERRORS } from "../../../sources/slack/passing_errors.ts";

/**
 * What an error of Slack's means for us.
 *
 * - `later`: the same call may work in a while.
 * - `reformat`: the same text may go through without blocks.
 * - `gone`: the message to update is out of reach; a new one can be posted.
 * - `destination`: nothing can be told here.
 * - `integration`: nothing can be told anywhere.
 */
export type SlackErrorKind = "later" | "reformat" | "gone" | "destination" | "integration";

/** Sources: the error tables of each method on docs.slack.dev. */
const KINDS: Record<Exclude<SlackErrorKind, "later" | "destination">, readonly string[]> = {
  reformat: [
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
    "markdown_text_conflict",
  ],
  gone: ["message_not_found", "cant_update_message", "edit_window_closed"],
  integration: [
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "not_allowed_token_type",
    "team_access_not_granted",
    "two_factor_setup_required",
    "enterprise_is_restricted",
  ],
};

/** What an error's code means. One that is not known is taken to be about the destination. */
export function kindOf(code: string): SlackErrorKind {
  if (PASSING_ERRORS.has(code)) return "later";
  for (const [kind, codes] of Object.entries(KINDS)) {
    if (codes.includes(code)) return kind as SlackErrorKind;
  }
  return "destination";
}

const HINTS: Record<string, string> = {
  channel_not_found: "the channel does not exist or is private; check SLACK_CHANNELS",
  not_in_channel: "invite the app into the channel: /invite @Otto",
  is_archived: "the channel is archived; set another one in SLACK_CHANNELS",
  restricted_action: "the workspace does not let apps post there",
  users_not_found: "Slack knows nobody with this e-mail; set the user's slack_id",
  user_not_found: "Slack knows no user with this id; set the user's slack_id",
  messages_tab_disabled: "switch on the Messages Tab under App Home",
  invalid_auth: "set SLACK_BOT_TOKEN to the app's bot token (OAuth & Permissions)",
  not_authed: "set SLACK_BOT_TOKEN to the app's bot token (OAuth & Permissions)",
  account_inactive: "the app was removed from the workspace; install it again",
  token_revoked: "install the app again and set SLACK_BOT_TOKEN to its new token",
  token_expired: "install the app again and set SLACK_BOT_TOKEN to its new token",
  not_allowed_token_type: 'set SLACK_BOT_TOKEN to the bot token, which starts with "xoxb-"',
};

/** An error as people read it: Slack's code, and what to do about it where we know. */
export function explain(code: string, needed?: string): string {
  if (code === "missing_scope") {
    return `missing_scope: add the scope ${needed ?? "that docs/slack.md lists"} to the app ` +
      "and install it again";
  }
  const hint = HINTS[code];
  return hint ? `${code}: ${hint}` : code;
}
