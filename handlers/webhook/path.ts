import { getPath } from "hono/utils/url";

const WEBHOOK = /^\/+webhook\/+(?=[^/])/i;
/** What a copied URL may have behind its last word. */
const SLIPS = "/ \t\r\n";

/**
 * The path that chooses the route: that of the URL, but a webhook's without the slips that people
 * make when they copy it (`//webhook/github`, `/webhook/github/`). The URL itself stays as it was
 * called, for some senders sign it.
 */
export function routePath(request: Request): string {
  const path = getPath(request);
  const [start] = WEBHOOK.exec(path) ?? [];
  if (start === undefined) return path;
  let end = path.length;
  while (SLIPS.includes(path[end - 1])) end--;
  return `/webhook/${path.slice(start.length, end)}`;
}
