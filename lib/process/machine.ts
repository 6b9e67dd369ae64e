import { hostname } from "node:os";

/** The name of this machine or container, as `HOSTNAME` or the system says. */
export function machineName(configured: string | undefined): string {
  try {
    return configured ?? hostname();
  } catch {
    return "unknown";
  }
}
