import { mediaType } from "./payload.ts";
import type { Incoming, Source } from "../source.ts";

const FORM = "application/x-www-form-urlencoded";

/** Requests that say everything in their URL, unless they have a body all the same. */
const BODILESS = new Set(["GET", "DELETE"]);

/**
 * An event without a body, as the form that its query would have been: so it is
 * kept, read, shown and replayed like any other. Anything else as it is. What
 * proves its sender is no part of what he says.
 */
export function readQuery(source: Source, incoming: Incoming): Incoming {
  if (!BODILESS.has(incoming.method) || incoming.body.length > 0) return incoming;
  const form = formOf(source, incoming.url);
  if (form === "") return incoming;
  const headers = new Headers(incoming.headers);
  headers.set("content-type", FORM);
  return { ...incoming, headers, body: new TextEncoder().encode(form) };
}

/** The request that `readQuery` was given, with the empty body that its sender signed. */
export function asSent(source: Source, incoming: Incoming): Incoming {
  const { method, url, headers, body } = incoming;
  if (!BODILESS.has(method) || mediaType(headers.get("content-type")) !== FORM) return incoming;
  return new TextDecoder().decode(body) === formOf(source, url)
    ? { ...incoming, body: new Uint8Array() }
    : incoming;
}

function formOf({ secretNames = [] }: Source, url: string): string {
  const query = URL.parse(url)?.searchParams ?? [];
  // Made anew: each deletion from the URL's own would write the whole URL again.
  return new URLSearchParams(
    Array.from(query).filter(([name]) => !secretNames.includes(name.toLowerCase())),
  ).toString();
}
