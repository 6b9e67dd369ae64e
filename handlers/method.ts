import { mediaType } from "../lib/payload.ts";
import type { Incoming, Source } from "../sources/source.ts";
import type { Door } from "./door.ts";
import { Problem } from "./problem.ts";

const FORM = "application/x-www-form-urlencoded";

/** Requests that say everything in their URL, unless they have a body all the same. */
const BODILESS = new Set(["GET", "DELETE"]);

/** Whether a source's events come by this method: by POST always, by others where its vendor has them. */
export function takesMethod({ source }: Door, method: string): boolean {
  return method === "POST" || (source.methods?.includes(method) ?? false);
}

/**
 * An event without a body, as the form that its query would have been: so it is
 * kept, read, shown and replayed like any other. Anything else as it is. What
 * proves its sender is no part of what he says.
 */
export function readQuery({ source }: Pick<Door, "source">, incoming: Incoming): Incoming {
  if (!BODILESS.has(incoming.method) || incoming.body.length > 0) return incoming;
  const form = formOf(source, incoming.url);
  if (form === "") return incoming;
  const headers = new Headers(incoming.headers);
  headers.set("content-type", FORM);
  return { ...incoming, headers, body: new TextEncoder().encode(form) };
}

/** The request that `readQuery` was given, with the empty body that its sender signed. */
export function asSent({ source }: Pick<Door, "source">, incoming: Incoming): Incoming {
  const { method, url, headers, body } = incoming;
  if (!BODILESS.has(method) || mediaType(headers.get("content-type")) !== FORM) return incoming;
  return new TextDecoder().decode(body) === formOf(source, url)
    ? { ...incoming, body: new Uint8Array() }
    : incoming;
}

/** A method by which this source sends no events, or none that nobody vouches for. */
export function wrongMethod({ source, variable }: Door, method: string): Problem {
  const methods = source.methods ?? ["POST"];
  return new Problem(
    405,
    "method_not_allowed",
    `Cannot ${method.slice(0, 16)} a webhook`,
    methods.includes(method)
      ? `Send webhooks with POST, or set ${variable}: by GET only verified ones are taken, ` +
        "for browsers, crawlers and link previews send GETs, too"
      : `Send webhooks with ${methods.join(" or ")}`,
    { allow: methods.join(", ") },
  );
}

function formOf({ secretNames = [] }: Source, url: string): string {
  const query = URL.parse(url)?.searchParams ?? new URLSearchParams();
  for (const name of [...query.keys()]) {
    if (secretNames.includes(name.toLowerCase())) query.delete(name);
  }
  return query.toString();
}
