import type { Config } from "./config.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/i;

/** Whether a host name or an address without port is this machine itself. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^::ffff:/i, ""));
}

/** Whether nothing in the settings speaks of a way in from another machine. */
export function isAlone(
  { host, hosted, publicUrl, trustedProxies, allowedHosts }: Pick<
    Config,
    "host" | "hosted" | "publicUrl" | "trustedProxies" | "allowedHosts"
  >,
): boolean {
  return isLoopback(host) && !hosted && publicUrl === undefined && trustedProxies === 0 &&
    allowedHosts.length === 0;
}
