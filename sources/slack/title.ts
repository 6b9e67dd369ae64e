import { oneLine, quoted, words } from "../kit/line.ts";
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
    default:
      return words("Slack", type?.replaceAll("_", " ") ?? "event", [
        "from",
        user,
      ], ["in", where]);
  }
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
      const value = first(
        line(payload, "actions", 0, "selected_option", "value"),
        line(payload, "actions", 0, "value"),
      );
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
    case "view_submission":
      return words(who, "submitted", view ?? "a form");
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
