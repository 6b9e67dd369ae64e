import { oneLine, quoted, words } from "../kit/line.ts";
import { formSummary, valueOf } from "./form.ts";
import { at, first, line } from "../kit/json_path.ts";

/** The event's name: of the inner event, `slash_command`, or what was clicked. */
export function eventOf(payload: unknown): string | undefined {
  return first(
    line(payload, "event", "type"),
    at(payload, "command") === undefined ? undefined : "slash_command",
    line(payload, "type"),
  );
}

/** The id of who did it. */
export function userOf(payload: unknown): string | undefined {
  return first(
    line(payload, "event", "user"),
    line(payload, "event", "user", "id"),
    line(payload, "user_id"),
    line(payload, "user", "id"),
  );
}

/** The id of the channel it happened in. */
export function channelOf(payload: unknown): string | undefined {
  return first(
    line(payload, "event", "channel"),
    line(payload, "event", "channel", "id"),
    line(payload, "event", "item", "channel"),
    line(payload, "channel_id"),
    line(payload, "channel", "id"),
  );
}

/** The line a person reads, for all three kinds of request that Slack sends. */
export function titleOf(payload: unknown): string {
  if (at(payload, "command") !== undefined) {
    return oneLine(commandTitle(payload));
  }
  return oneLine(
    at(payload, "event") === undefined ? clickTitle(payload) : eventTitle(payload),
  );
}

function commandTitle(payload: unknown): string {
  return words(
    line(payload, "command") ?? "Slash command",
    line(payload, "text"),
    ["from", line(payload, "user_name") ?? userOf(payload)],
    ["in", channelName(line(payload, "channel_name")) ?? channelOf(payload)],
  );
}

function eventTitle(payload: unknown): string {
  const type = eventOf(payload);
  const user = userOf(payload);
  const who = user ?? "Someone";
  const where = channelOf(payload);
  const said = line(payload, "event", "text");
  const reaction = line(payload, "event", "reaction");
  switch (type) {
    case "message": {
      const edited = messageChange(payload, where);
      if (edited) return edited;
      const subtype = line(payload, "event", "subtype")?.replaceAll("_", " ");
      const bot = line(payload, "event", "bot_id");
      const from = user ?? (bot && `bot ${bot}`);
      const message = words("Message", subtype && `(${subtype})`, [
        "from",
        from,
      ], ["in", where]);
      return said ? `${message}: ${quoted(said)}` : message;
    }
    case "app_mention": {
      const mention = words(who, "mentioned the app", ["in", where]);
      return said ? `${mention}: ${quoted(said)}` : mention;
    }
    case "reaction_added":
      return words(who, "reacted", reaction && `with :${reaction}:`, [
        "in",
        where,
      ]);
    case "reaction_removed":
      return words(who, "removed the reaction", reaction && `:${reaction}:`, [
        "in",
        where,
      ]);
    case "member_joined_channel":
      return words(who, "joined", where ?? "a channel");
    case "member_left_channel":
      return words(who, "left", where ?? "a channel");
    case "channel_created": {
      const name = channelName(line(payload, "event", "channel", "name"));
      const creator = line(payload, "event", "channel", "creator");
      return words("Channel", name ?? where, "was created", ["by", creator]);
    }
    case "app_home_opened":
      return words(who, "opened the app's home");
    case "file_shared": {
      const sharer = line(payload, "event", "user_id") ?? who;
      const channel = line(payload, "event", "channel_id") ?? where;
      return words(sharer, "shared file", line(payload, "event", "file_id"), [
        "in",
        channel,
      ]);
    }
    case "team_join":
      return words(
        line(payload, "event", "user", "name") ?? who,
        "joined the workspace",
      );
    default: {
      const about = subjectOf(payload);
      return words("Slack", type?.replaceAll("_", " ") ?? "event", about, [
        "from",
        user,
      ], ["in", where]);
    }
  }
}

/** An edited or deleted message holds the message that is meant. */
function messageChange(payload: unknown, where: string | undefined): string | undefined {
  const subtype = line(payload, "event", "subtype");
  if (subtype !== "message_changed" && subtype !== "message_deleted") return undefined;
  const isEdit = subtype === "message_changed";
  const message = at(payload, "event", isEdit ? "message" : "previous_message");
  const author = line(message, "user");
  const said = quoted(line(message, "text"));
  const title = isEdit
    ? words("Message", ["of", author], "edited", ["in", where])
    : words("Message", ["of", author], "deleted", ["in", where]);
  return said ? `${title}: ${said}` : title;
}

/** What other events name: an emoji, a link, a group, a file. */
function subjectOf(payload: unknown): string | undefined {
  const event = at(payload, "event");
  return first(
    channelName(line(event, "channel", "name")),
    line(event, "name") && quoted(line(event, "name")),
    line(event, "subteam", "handle"),
    line(event, "links", 0, "url"),
    quoted(line(event, "file", "name")),
    quoted(line(event, "function", "title")),
    quoted(line(event, "assistant_thread", "title")),
    quoted(line(event, "user", "name")),
  );
}

function clickTitle(payload: unknown): string {
  const type = line(payload, "type");
  const who = first(
    line(payload, "user", "username"),
    line(payload, "user", "name"),
    userOf(payload),
  ) ?? "Someone";
  const where = channelName(line(payload, "channel", "name")) ??
    channelOf(payload);
  const callback = line(payload, "callback_id");
  const view = quoted(line(payload, "view", "title", "text")) ??
    line(payload, "view", "callback_id");
  switch (type) {
    case "block_actions":
    case "interactive_message": {
      const action = quoted(first(
        line(payload, "actions", 0, "text", "text"),
        line(payload, "actions", 0, "action_id"),
        line(payload, "actions", 0, "name"),
      ));
      const value = line([
        line(payload, "actions", 0, "selected_option", "value") ??
          valueOf(at(payload, "actions", 0)),
      ], 0);
      return words(who, "used", action ?? "a control", value && `(${value})`, [
        "in",
        where,
      ]);
    }
    case "message_action":
      return words(who, "used shortcut", callback, "on a message", [
        "in",
        where,
      ]);
    case "shortcut":
      return words(who, "used shortcut", callback);
    case "dialog_submission":
    case "view_submission": {
      const title = words(who, "submitted", view ?? callback ?? "a form");
      const answers = formSummary(payload);
      return answers ? `${title}: ${answers}` : title;
    }
    case "view_closed":
      return words(who, "closed", view ?? "a form");
    case "app_rate_limited":
      return words("Slack is holding back events", [
        "for team",
        line(payload, "team_id"),
      ]);
    default:
      return words(
        "Slack",
        type?.replaceAll("_", " ") ?? "event",
        ["from", first(line(payload, "user_name"), userOf(payload))],
        ["in", where],
      );
  }
}

function channelName(name: string | undefined): string | undefined {
  return name === undefined || name.startsWith("#") ? name : `#${name}`;
}
