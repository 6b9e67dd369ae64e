import { at, first, line, list, text } from "../kit/json_path.ts";

/** What identifies a message in Slack: its channel, and its time as an id within it. */
interface SlackMessageId {
  channel: string;
  ts: string;
}

/** Something a person does to a message that is there already. */
export type SlackCommand =
  & SlackMessageId
  & { user: string }
  & (
    | { kind: "click"; action: string; value: string; threadTs?: string; typed: string }
    | { kind: "reply"; threadTs: string; byBot: boolean; text: string }
  );

/** The subtypes of messages in which somebody says something; all others report something that was done. */
const SAYINGS = new Set([
  undefined,
  "thread_broadcast",
  "file_share",
  "bot_message",
  "me_message",
]);

/**
 * The message that a task came from, with the thread in which to answer it:
 * for `message` and `app_mention` events.
 */
export function threadOf(payload: unknown): SlackMessageId | undefined {
  if (!isSaying(payload)) return undefined;
  const channel = slackId(text(payload, "event", "channel"));
  const ts = first(
    timestamp(text(payload, "event", "thread_ts")),
    timestamp(text(payload, "event", "ts")),
  );
  return channel && ts ? { channel, ts } : undefined;
}

/** A click on a button, or a reply in a thread. Whether it is about a message of ours is for the caller to find out. */
export function commandOf(payload: unknown): SlackCommand | undefined {
  return at(payload, "type") === "block_actions" ? clickOf(payload) : replyOf(payload);
}

function clickOf(payload: unknown): SlackCommand | undefined {
  const channel = slackId(first(
    text(payload, "container", "channel_id"),
    text(payload, "channel", "id"),
  ));
  const ts = timestamp(first(
    text(payload, "container", "message_ts"),
    text(payload, "message", "ts"),
  ));
  const user = slackId(text(payload, "user", "id"));
  const action = text(payload, "actions", 0, "action_id");
  if (!channel || !ts || !user || !action) return undefined;
  return {
    kind: "click",
    channel,
    ts,
    user,
    action,
    value: text(payload, "actions", 0, "value") ?? "",
    threadTs: timestamp(first(
      text(payload, "container", "thread_ts"),
      text(payload, "message", "thread_ts"),
    )),
    typed: typedIn(payload),
  };
}

/** What was written into the message's only field. */
function typedIn(payload: unknown): string {
  const blocks = Object.values(at(payload, "state", "values") ?? {});
  return blocks.flatMap((block) => Object.values(block ?? {}))
    .map((field) => text(field, "value"))
    .find((value) => value !== undefined) ?? "";
}

function replyOf(payload: unknown): SlackCommand | undefined {
  if (!isSaying(payload)) return undefined;
  const channel = slackId(text(payload, "event", "channel"));
  const ts = timestamp(text(payload, "event", "ts"));
  const threadTs = timestamp(text(payload, "event", "thread_ts"));
  if (!channel || !ts || !threadTs || threadTs === ts) return undefined;
  const user = slackId(text(payload, "event", "user"));
  const byBot = text(payload, "event", "bot_id") !== undefined;
  if (!user && !byBot) return undefined;
  return {
    kind: "reply",
    channel,
    ts,
    threadTs,
    user: user ?? "",
    byBot,
    text: text(payload, "event", "text") ?? "",
  };
}

function isSaying(payload: unknown): boolean {
  const type = at(payload, "event", "type");
  return (type === "message" || type === "app_mention") &&
    SAYINGS.has(at(payload, "event", "subtype") as string | undefined);
}

/**
 * The subtype of a `message` event in which nobody says anything: `message_changed`,
 * `message_deleted`, `channel_join` and the like (docs.slack.dev, "message event").
 *
 * @returns undefined when somebody says something, and for other events.
 */
export function unsaidOf(payload: unknown): string | undefined {
  return at(payload, "event", "type") === "message" && !isSaying(payload)
    ? line(payload, "event", "subtype") ?? "unknown"
    : undefined;
}

/** The app's own ids, which Slack gives on request; those in an event's envelope are used as well. */
export interface SlackSelf {
  userId?: string;
  botId?: string;
}

/**
 * Whether an event reports what the app itself did: it posted, edited, reacted, or
 * its message was deleted. An edit has the new and the old message inside the event.
 */
export function isEcho(payload: unknown, self: SlackSelf = {}): boolean {
  const users = new Set([
    self.userId,
    ...list(payload, "authorizations")
      .filter((each) => at(each, "is_bot") === true)
      .map((each) => text(each, "user_id")),
  ]);
  const app = text(payload, "api_app_id");
  users.delete(undefined);
  return speakers(payload).some((speaker) => {
    const user = first(text(speaker, "user"), text(speaker, "user", "id"));
    const bots = [text(speaker, "bot_id"), text(speaker, "bot_profile", "id")];
    const apps = [text(speaker, "app_id"), text(speaker, "bot_profile", "app_id")];
    return (user !== undefined && users.has(user)) ||
      (self.botId !== undefined && bots.includes(self.botId)) ||
      (app !== undefined && apps.includes(app));
  });
}

/** Whether a bot, perhaps this app, has a part in an event. */
export function hasBot(payload: unknown): boolean {
  return speakers(payload).some(isBot);
}

/** Whether every bot that has a part in an event surely belongs to another app than this one. */
export function isOtherApps(payload: unknown): boolean {
  const ours = text(payload, "api_app_id");
  return ours !== undefined && speakers(payload).filter(isBot).every((speaker) => {
    const apps = [text(speaker, "app_id"), text(speaker, "bot_profile", "app_id")]
      .filter((app) => app !== undefined);
    return apps.length > 0 && !apps.includes(ours);
  });
}

const isBot = (speaker: unknown) =>
  text(speaker, "bot_id") !== undefined || text(speaker, "bot_profile", "id") !== undefined;

/** The event itself and the messages in it: whatever may have an author. */
function speakers(payload: unknown): unknown[] {
  return [
    at(payload, "event"),
    at(payload, "event", "message"),
    at(payload, "event", "previous_message"),
  ].filter((speaker) => typeof speaker === "object" && speaker !== null);
}

function slackId(id: string | undefined): string | undefined {
  return id && /^[A-Z][A-Z0-9]{1,39}$/.test(id) ? id : undefined;
}

function timestamp(ts: string | undefined): string | undefined {
  return ts && /^\d{1,12}\.\d{1,9}$/.test(ts) ? ts : undefined;
}
