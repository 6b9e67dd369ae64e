import type { NeedKind } from "../config/settings.ts";
import type { Destination } from "../task/destination.ts";
import { SLACK_CHANNEL } from "./slack/message.ts";

/** Whom `NOTIFY_ROUTES` names: ids of Slack's by `refused:github`, `*:github`, `refused` or `*`. */
export type Routes = ReadonlyMap<string, readonly string[]>;

/**
 * Who is told of what needs somebody: the most precise route alone, of a kind and source, of a
 * source, of a kind, or of all. Nobody where none fits.
 *
 * @param source a source or webhook type; empty for what is about all of them.
 */
export function routeOf(
  routes: Routes,
  { kind, source }: { kind: NeedKind; source: string },
): Destination[] {
  const name = routeNameOf(routes, { kind, source });
  return (name === undefined ? [] : routes.get(name)!).map((destination) => ({
    channel: SLACK_CHANNEL,
    destination,
  }));
}

/** The name of the route that is taken. */
export function routeNameOf(
  routes: Routes,
  { kind, source }: { kind: NeedKind; source: string },
): string | undefined {
  const its = source.toLowerCase();
  const names = [...its ? [`${kind}:${its}`, `*:${its}`] : [], kind, "*"];
  return names.find((name) => routes.has(name));
}
