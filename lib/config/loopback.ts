/** The settings that tell who can reach Otto; they are part of the config. */
interface Reach {
  host: string;
  /** Whether the platform decides where Otto listens, whatever `HOST` says. */
  hosted: boolean;
  publicUrl: string | undefined;
  trustedProxies: number;
  allowedHosts: readonly string[];
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/i;

/** Whether a host name or an address without port is this machine itself. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^::ffff:/i, ""));
}

/** Whether nothing in the settings speaks of a way in from another machine. */
export function isAlone(
  { host, hosted, publicUrl, trustedProxies, allowedHosts }: Reach,
): boolean {
  return isLoopback(host) && !hosted && publicUrl === undefined && trustedProxies === 0 &&
    allowedHosts.length === 0;
}
