import { hostname, uptime } from "node:os";

/** The name of this machine or container, as `HOSTNAME` or the system says. */
export function machineName(configured: string | undefined): string {
  try {
    return configured ?? hostname();
  } catch {
    return "unknown";
  }
}

/**
 * For how many milliseconds this machine has been up, asleep or awake, whatever its clock has been
 * set to meanwhile; undefined where the process may not know (Deno: `--allow-sys=osUptime`). Linux
 * counts sleep in (`CLOCK_BOOTTIME`); macOS moves the time of its start with the clock.
 */
export function machineUpMs(): number | undefined {
  try {
    return uptime() * 1_000;
  } catch {
    return undefined;
  }
}
