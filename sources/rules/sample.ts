import { jsonSample } from "../kit/sample.ts";
import { ANY, parsePath } from "./path_expression.ts";
import type { SourceSettings } from "./settings.ts";
import { pathExpressionsIn } from "./template.ts";

/** An event to try the source with: it has whatever the templates and the id look for. */
export function sampleOf({ event, title, id }: SourceSettings) {
  const paths = [event, title].flatMap((template) => pathExpressionsIn(template ?? ""));
  const payload: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  for (const path of [...paths, ...id ?? []]) {
    const isId = id?.includes(path);
    if (path.startsWith("header:")) {
      headers[path.slice("header:".length).toLowerCase()] = isId ? "SAMPLE" : "sample";
    } else put(payload, path, isId ? "SAMPLE" : `sample ${path}`);
  }
  return jsonSample(
    "sample",
    Object.keys(payload).length > 0 ? payload : { title: "A sample" },
    headers,
  );
}

/** The longest list in a sample: `items[1000000]` would make one of a million items. */
const MOST_ITEMS = 100;

/** Puts a value where a path expression will find it; a path that cannot be made is left out. */
function put(into: Record<string, unknown>, path: string, value: string): void {
  const steps = (parsePath(path) ?? []).map((step) => step === ANY ? 0 : step);
  let at: unknown = into;
  for (const [index, key] of steps.entries()) {
    if (typeof at !== "object" || at === null || key === "__proto__") return;
    if (typeof key === "number" && key > MOST_ITEMS) return;
    const holder = at as Record<string | number, unknown>;
    const next = steps[index + 1];
    if (next === undefined) holder[key] ??= value;
    else at = holder[key] ??= typeof next === "number" ? [] : {};
  }
}
