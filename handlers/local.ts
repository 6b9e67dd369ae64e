import { isAlone, isLoopback } from "../lib/config/loopback.ts";
import { type Connection, hostName, isForwarded } from "./caller.ts";

type AloneSettings = Parameters<typeof isAlone>[0];

/**
 * Whether a request was made on this machine, by one who is alone on it. A tunnel or a proxy on the
 * same machine comes from loopback too, hence the look at everything that one of them would show: a
 * public name in Host, a header of its own.
 */
export function isFromHere(
  config: AloneSettings,
  request: Request,
  connection: Connection,
): boolean {
  return isAlone(config) && isLoopback(connection.address() ?? "") &&
    isLoopback(hostName(request.headers.get("host")) ?? "") && !isForwarded(request.headers);
}

/**
 * Whether a message was sent by the person at this machine, so that a model may work it although
 * nobody vouches for it. Any page in their browser can send a POST to localhost without asking; a
 * browser then says so in Origin, Sec-Fetch-Site or Referer (fetch.spec.whatwg.org, "origin";
 * w3c.github.io/webappsec-fetch-metadata). What Otto sends to itself, such as a sample, a person has
 * asked for on its pages.
 */
export function isSentFromHere(
  config: AloneSettings,
  request: Request,
  connection: Connection,
): boolean {
  if (connection.isInside) return isAlone(config);
  return isFromHere(config, request, connection) && !isOfAnotherSite(request.headers);
}

const OWN_SITE = new Set(["same-origin", "none"]);

function isOfAnotherSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && !OWN_SITE.has(site)) return true;
  const own = `http://${headers.get("host")}`;
  const origin = headers.get("origin");
  if (origin !== null && origin !== own) return true;
  const referer = headers.get("referer");
  return referer !== null && URL.parse(referer)?.origin !== own;
}
