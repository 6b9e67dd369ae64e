import { Refusal } from "../lib/process/refusal.ts";
import { EXIT } from "./exit.ts";

/**
 * Headers that were given as lines, `X-Event: ping`.
 *
 * @throws {Refusal} that names the line which is none.
 */
export function headersOf(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    try {
      if (colon < 1) throw new TypeError();
      headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    } catch {
      throw new Refusal(
        `--header needs a name and a value, as "X-Event: ping", not "${line.slice(0, 100)}"`,
        EXIT.wrongUse,
      );
    }
  }
  return headers;
}
