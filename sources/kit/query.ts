import { mediaType } from "./payload.ts";
import type { Incoming, Source } from "../source.ts";

const FORM = "application/x-www-form-urlencoded";

/** Requests that say everything in their URL, unless they have a body all the same. */
const BODILESS = new Set(["GET", "DELETE"]);

/**
 * A request with what its query says, where that is the event: as it came in, or
 * as it was kept, when the query's form stands in the place of the body. Either
 * way `body` is what its sender signed and `queryForm` what it says. What proves
 * the sender is no part of what they say.
 */
export function readQuery(
  source: Pick<Source, "secretNames">,
  request: Omit<Incoming, "queryForm">,
): Incoming {
  const plain = { ...request, queryForm: undefined };
  if (!BODILESS.has(request.method)) return plain;
  const form = formOf(source, request.url);
  if (request.body.length > 0) {
    const isKeptForm = mediaType(request.headers.get("content-type")) === FORM &&
      new TextDecoder().decode(request.body) === form;
    return isKeptForm ? { ...request, body: new Uint8Array(), queryForm: request.body } : plain;
  }
  if (form === "") return plain;
  const headers = new Headers(request.headers);
  headers.set("content-type", FORM);
  return { ...request, headers, queryForm: new TextEncoder().encode(form) };
}

function formOf({ secretNames = [] }: Pick<Source, "secretNames">, url: string): string {
  const query = URL.parse(url)?.searchParams ?? [];
  // Made anew: each deletion from the URL's own would write the whole URL again.
  return new URLSearchParams(
    Array.from(query).filter(([name]) => !secretNames.includes(name.toLowerCase())),
  ).toString();
}
