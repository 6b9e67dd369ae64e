import { type AnyNode, evaluate, type ObjectNode, parse } from "@humanwhocodes/momoa";
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { ConfigError } from "./config.ts";
import { errorText } from "./log.ts";

/**
 * JSON from a file that a variable names, checked.
 *
 * @throws {ConfigError} that names the file, the line and what would be right.
 */
export function readJsonFile<T extends z.ZodType>(
  variable: string,
  file: string,
  schema: T,
): z.infer<T> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(
      `Cannot read ${file} (${variable}): ${errorText(error)}. ` +
        "It must be a file that this process may read; Deno's may read its own folder.",
    );
  }
  return parseJson(`${file} (${variable})`, text, schema);
}

/** Checked JSON. What is in it is never shown: it may hold secrets. */
export function parseJson<T extends z.ZodType>(where: string, text: string, schema: T): z.infer<T> {
  const document = read(where, text);
  const parsed = schema.safeParse(evaluate(document));
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `Cannot start with ${where}:\n` + parsed.error.issues
      .map((issue) => {
        const { line } = nodeAt(document.body, placeOf(issue)).loc.start;
        return `  line ${line}: ${issue.path.join(".") || "the whole"}: ${messageOf(issue)}`;
      }).join("\n"),
  );
}

type Issue = z.core.$ZodIssue;

/** A key that should not be there is looked for itself, not what it is in. */
function placeOf(issue: Issue): PropertyKey[] {
  return issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0]] : issue.path;
}

/** Of a name that is wrong: why. */
function messageOf(issue: Issue): string {
  return issue.code === "invalid_key" ? issue.issues[0]?.message ?? issue.message : issue.message;
}

function read(where: string, text: string) {
  try {
    return parse(text.replace(/^\ufeff/, ""), { mode: "json", ranges: false });
  } catch (error) {
    const { line, column } = error as { line?: number; column?: number };
    throw new ConfigError(
      `Cannot understand ${where}: it is not JSON` +
        (line === undefined
          ? ": it ends too early, or is empty"
          : `: look at line ${line}, column ${column}`),
    );
  }
}

/** What lies at a path, or the last thing on the way to it that is there. */
function nodeAt(node: AnyNode, path: readonly PropertyKey[]): AnyNode {
  const [step, ...rest] = path;
  if (step === undefined) return node;
  if (node.type === "Array") {
    const element = node.elements[Number(step)];
    if (element) return nodeAt(element.value, rest);
    // A list that stands for an object: one step more than is written.
    return typeof step === "string" && rest.length > 0 ? nodeAt(node, rest) : node;
  }
  if (node.type !== "Object") return node;
  // Of two with the same name the last one counts, as in JSON.parse.
  const member = node.members.findLast(({ name }: ObjectNode["members"][number]) =>
    (name.type === "String" ? name.value : name.type === "Identifier" ? name.name : "") === step
  );
  if (!member) return node;
  // The name's own line: a value may begin on the next one.
  return rest.length === 0 ? member : nodeAt(member.value, rest);
}
