import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join, relative, sep } from "node:path";
import process from "node:process";
import { at, isObject } from "../sources/kit/json_path.ts";
import { parsePayload } from "../sources/kit/payload.ts";
import { createRegistry, labelOf, type Named } from "../sources/rules/registry.ts";

const HELP = `Counts how many payloads in a folder get a title that says nothing of them.

  deno task titles FOLDER            lists the bare ones, and those that say only the event
  deno task titles FOLDER --all      lists all titles

A file is one body: .json, .xml, .form (a form's), or any other text. {"headers": {…}, "body": …} is a
request. Its type is the first folder or beginning of a file's name that is a known sender's, else the
folder it lies in.`;

const CONTENT_TYPES: Record<string, string> = {
  ".json": "application/json",
  ".xml": "application/xml",
  ".form": "application/x-www-form-urlencoded",
};
const registry = createRegistry();

interface Told {
  path: string;
  title: string;
  /** Whether it says nothing, or nothing but the event. */
  says: "nothing" | "event" | "more" | "failed";
}

/** The source that a file's path names, and the type that it would be sent to. */
function sourceOf(path: string): Named & { type: string } {
  const parts = path.split(sep);
  const names = parts.flatMap((part) => [part, part.split(/[._-]/)[0]]);
  const type = names.find((name) => registry.find(name).name !== "generic") ??
    (parts.at(-2) || basename(path, extname(path)));
  return { ...registry.find(type), type };
}

function tell(path: string, bytes: Uint8Array): Told {
  const named = sourceOf(path);
  const { source, type } = named;
  try {
    let payload = parsePayload(bytes, CONTENT_TYPES[extname(path)]);
    const headers = new Headers();
    if (isObject(payload, "headers") && at(payload, "body") !== undefined) {
      for (const [name, value] of Object.entries(at(payload, "headers") as object)) {
        headers.set(name, String(value));
      }
      payload = at(payload, "body");
    }
    const { title, event = "" } = source.describe(payload, { headers, type });
    const rest = [type, labelOf(named), "webhook", event]
      .reduce((left, part) => left.replace(part, ""), title)
      .replace(/[^\p{L}\p{N}]/gu, "");
    const says = rest !== "" ? "more" : event && title.includes(event) ? "event" : "nothing";
    return { path, title, says };
  } catch (error) {
    return { path, title: (error as Error).message, says: "failed" };
  }
}

async function main(): Promise<void> {
  const [folder] = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  if (!folder) return console.log(HELP);
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const told: Told[] = [];
  for (const file of files) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    told.push(tell(relative(folder, path), await readFile(path)));
  }
  const all = process.argv.includes("--all");
  for (const { path, title, says } of told) {
    if (all || says !== "more") console.log(`${says.padEnd(8)} ${path}  ${title}`);
  }
  const share = (says: Told["says"]) => {
    const count = told.filter((each) => each.says === says).length;
    return `${count} (${(100 * count / Math.max(1, told.length)).toFixed(1)} %)`;
  };
  console.log(
    `${told.length} payloads: ${share("more")} say who or what, ${
      share("event")
    } only the event, ` +
      `${share("nothing")} are bare, ${share("failed")} could not be read`,
  );
}

await main();
