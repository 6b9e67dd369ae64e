import type { Identity } from "../lib/people/admin.ts";
import type { Act, Actor } from "../lib/people/audit.ts";
import type { Config } from "../lib/config/config.ts";

/** What the server knows of a connection; each runtime hands it over in its own way. */
export interface Connection {
  /** The address of the socket's other end; undefined for requests made inside the process. */
  address(): string | undefined;
  /** A request that Otto makes to itself, such as a sample: it has no address. */
  readonly isInside?: true;
}

/** Who asks, as far as the guard has found out. */
export interface Who extends Identity {
  /** Whether they have a session to end. */
  isSignedIn: boolean;
  proof: Actor["proof"];
  /** Whether they may still be here, for what goes on after they were let in; undefined: always. */
  mayStay?: () => Promise<boolean>;
}

/** Hono's `c.env`, and what `c.get` knows once the guard has let a request pass. */
export type Env = {
  Bindings: Connection;
  Variables: { who?: Who; actor?: Actor; act?: Partial<Act> };
};

/**
 * Who sent a request: the socket's address, or with `TRUST_PROXY=n` the n-th
 * entry of X-Forwarded-For from the right. What stands left of it was written
 * by the sender and proves nothing.
 */
export function clientAddress(
  request: Request,
  connection: Connection,
  { trustedProxies }: Pick<Config, "trustedProxies">,
): string {
  const socket = connection.address() ?? "";
  if (trustedProxies === 0) return socket;
  const hops = (request.headers.get("x-forwarded-for") ?? "").split(",")
    .map((hop) => hop.trim()).filter((hop) => hop !== "");
  return withoutPort(hops.at(-trustedProxies) ?? socket).slice(0, 64);
}

/** Some proxies write the client's port, too: `192.0.2.7:51234`, `[2001:db8::7]:51234`. */
function withoutPort(hop: string): string {
  return /^\[([0-9A-Fa-f:.]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

const HOST = /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/;

/** Nearly all requests name the same host, and parsing it costs as much as finding their route. */
let lastHost: { header: string; name: string | undefined } = { header: "", name: undefined };

/** The name in a Host header, without the port; undefined when it is none. */
export function hostName(header: string | null | undefined): string | undefined {
  if (!header) return undefined;
  if (header !== lastHost.header) lastHost = { header, name: parseHost(header) };
  return lastHost.name;
}

function parseHost(header: string): string | undefined {
  // Some names of the right shape are no hosts all the same, such as 999.1.1.1.
  if (!URL.canParse(`http://${header}`)) return undefined;
  return HOST.exec(header)?.[1].toLowerCase();
}

/**
 * Headers that a proxy or a tunnel adds. Some are families: ngrok and VS Code write
 * X-Forwarded-*, cloudflared CF-*, Tailscale's funnel Tailscale-*, hosts Fly-* and X-Vercel-*.
 */
const FORWARDING = new RegExp(
  "^(forwarded|via|cdn-loop|x-real-ip|x-client-ip|true-client-ip|fastly-client-ip|x-original-host|" +
    "x-original-forwarded-for|x-cluster-client-ip|x-envoy-external-address|x-azure-clientip|" +
    "x-amzn-trace-id|(x-forwarded|cf|tailscale|fly|x-vercel)(-.*)?)$",
);

/** Whether something between the sender and us has left its mark. */
export function isForwarded(headers: Headers): boolean {
  for (const name of headers.keys()) if (FORWARDING.test(name)) return true;
  return false;
}
