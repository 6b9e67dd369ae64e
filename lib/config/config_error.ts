import { Refusal } from "../process/refusal.ts";

/** A setting that Otto cannot start with; the message says what to set. */
export class ConfigError extends Refusal {
  override name = "ConfigError";
}
