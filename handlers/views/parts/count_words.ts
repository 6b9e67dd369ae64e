import { MOST_COUNTED } from "../../../lib/monitor/needs/needs.ts";

/** How many need somebody, in a few characters. */
export function countWords(count: number): string {
  return count < MOST_COUNTED ? String(count) : `${MOST_COUNTED}+`;
}
