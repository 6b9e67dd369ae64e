import { quoted, words } from "../kit/line.ts";
import { line } from "../kit/json_path.ts";

/** What the title of an event is made of. */
export interface GitHubEvent {
  payload: unknown;
  /** The event's name, when it is known. */
  event: string | undefined;
  /** The action, when the event has one. */
  action: string | undefined;
  /** Who did it; "Someone" when GitHub does not say. */
  who: string;
  /** The action as a verb in the past: `member added`, `created`. */
  did: string;
  /** `in octo/repo`, or in the organization, or nothing. */
  where: string | undefined;
}

/** Reads what the titles of all events share. */
export function readEvent(payload: unknown, event: string | undefined): GitHubEvent {
  const action = line(payload, "action");
  const repository = line(payload, "repository", "full_name") ??
    line(payload, "organization", "login");
  return {
    payload,
    event,
    action,
    who: line(payload, "sender", "login") ?? "Someone",
    did: pastTense(action?.replaceAll("_", " ") ?? "updated"),
    where: repository && `in ${repository}`,
  };
}

/** Whether an action is one verb, such as `created`, and not words like `member added`. */
export function isVerb(did: string): boolean {
  return /^\w+ed$/.test(did);
}

/** Names an issue, a pull request or a discussion: `#7 "Answer the phone"`. */
export function numbered(payload: unknown, key: string): string {
  const number = line(payload, key, "number");
  return words(number && `#${number}`, quoted(line(payload, key, "title")));
}

/** A branch or tag without `refs/heads/`, `refs/tags/`. */
export function refName(ref: string | undefined): string | undefined {
  return ref?.replace(/^refs\/(?:heads|tags)\//, "");
}

/** The first seven digits of a commit's id. */
export function shortId(id: string | undefined): string | undefined {
  return id?.slice(0, 7);
}

/** A few events name their action in the present: `create`, `dismiss`, `suspend`. */
function pastTense(action: string): string {
  return /^(?:create|resolve)$/.test(action)
    ? `${action}d`
    : /^(?:dismiss|suspend|unsuspend)$/.test(action)
    ? `${action}ed`
    : action;
}
