import * as generic from "./generic.ts";
import * as github from "./github.ts";
import * as slack from "./slack.ts";
import type { Source } from "./source.ts";
import * as stripe from "./stripe.ts";
import * as twilio from "./twilio.ts";

/** Every system we know, by the name in its webhook's URL. To add one, write its module and list it here. */
export const sources = { github, stripe, slack, twilio } satisfies Record<
  string,
  Source
>;

/** A source and the one name it has in tables, metrics and policies. */
export interface Named {
  name: string;
  source: Source;
}

/** The source for a `webhook_type` as a sender wrote it; all that we do not know are one, the generic source. */
export function findSource(type: string): Named {
  const name = type.toLowerCase();
  return Object.hasOwn(sources, name)
    ? { name, source: sources[name as keyof typeof sources] }
    : { name: "generic", source: generic };
}
