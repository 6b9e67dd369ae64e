import { type Node, parseTree } from "jsonc-parser";
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { ConfigError } from "./config_error.ts";
import { findJsonFault, placeAt } from "./json_fault.ts";
import { errorText } from "../process/log.ts";

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
  return parseJson(`${file} (${variable})`, text.replace(/^\ufeff/, ""), schema);
}

/** Checked JSON. What is in it is never shown: it may hold secrets. */
export function parseJson<T extends z.ZodType>(where: string, text: string, schema: T): z.infer<T> {
  const fault = findJsonFault(text);
  if (fault) {
    throw new ConfigError(
      `Cannot understand ${where}: it is not JSON: look at line ${fault.line}, ` +
        `column ${fault.column}: ${fault.says}`,
    );
  }
  const root = parseTree(text)!;
  const twice = findRepeated(root);
  if (twice) {
    const { line } = placeAt(text, twice.offset);
    throw new ConfigError(
      `Cannot start with ${where}:\n  line ${line}: ${twice.value}: stands here a second time, ` +
        "and only the last would count: make one of them both",
    );
  }
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    `Cannot start with ${where}:\n` + parsed.error.issues.flatMap(faultsOf)
      .map(({ path, says }) => {
        const { line } = placeAt(text, nodeAt(root, path).offset);
        return `  line ${line}: ${path.join(".") || "the whole"}: ${says}`;
      }).join("\n"),
  );
}

interface Fault {
  path: PropertyKey[];
  says: string;
}

/** What is wrong, in words for who wrote the file: each key that should not be there by itself. */
function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  const { path, message } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      says: key === "secret"
        ? "a secret is never in the file: set it as a variable"
        : "there is no such field here",
    }));
  }
  if (issue.code === "invalid_union") {
    // Of what may stand here, the one that was meant: it is wrong in a place of its own.
    const meant = issue.errors.find((each) => each.every((inner) => inner.path.length > 0));
    if (meant?.length) {
      return meant.flatMap((inner) => faultsOf({ ...inner, path: [...path, ...inner.path] }));
    }
  }
  if (issue.code === "invalid_key") return [{ path, says: issue.issues[0]?.message ?? message }];
  // Zod says the same of what is missing and of what is wrong.
  const [, wanted] = /expected ([a-z]+), received undefined$/.exec(message) ?? [];
  if (wanted) return [{ path, says: `is missing: it must be ${WORDS[wanted] ?? `a ${wanted}`}` }];
  return [{ path, says: message }];
}

/** Zod's names of types, in words for who wrote the file. */
const WORDS: Record<string, string> = {
  string: "a text",
  record: "an object",
  object: "an object",
  array: "a list",
};

/** A name that its object has already. */
function findRepeated({ type, children = [] }: Node): Node | undefined {
  const names = new Set<unknown>();
  for (const child of children) {
    const name = type === "object" ? child.children![0] : undefined;
    if (name && names.has(name.value)) return name;
    if (name) names.add(name.value);
    const below = findRepeated(child);
    if (below) return below;
  }
}

/** What lies at a path, or the last thing on the way to it that is there. */
function nodeAt(node: Node, path: readonly PropertyKey[]): Node {
  const [step, ...rest] = path;
  if (step === undefined) return node;
  if (node.type === "array") {
    const element = node.children?.[Number(step)];
    if (element) return nodeAt(element, rest);
    // A list that stands for an object: one step more than is written.
    return typeof step === "string" && rest.length > 0 ? nodeAt(node, rest) : node;
  }
  if (node.type !== "object") return node;
  // Of two with the same name the last one counts, as in JSON.parse.
  const property = node.children?.findLast(({ children }) => children?.[0].value === step);
  if (!property) return node;
  // The name's own line: a value may begin on the next one.
  return rest.length === 0 ? property : nodeAt(property.children![1], rest);
}
