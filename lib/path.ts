import type { Step } from "./pick.ts";

/** `a.b[0].c` as steps. A key with a dot in it cannot be named, only what holds it. */
export function stepsOf(path: string): Step[] {
  return path.split(/[.[\]]+/).filter((step) => step !== "");
}
