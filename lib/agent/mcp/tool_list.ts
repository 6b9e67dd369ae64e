import { unlessAborted } from "../../async/deadline.ts";
import { errorText } from "../../process/log.ts";
import type { Redact } from "../../redaction/redact.ts";
import { listTools, type ToolPages } from "./client.ts";
import { type BrokenEntry, type Definition, readDefinition } from "./definition.ts";
import type { McpServer } from "./servers.ts";

/** For connecting and all pages. */
const LIST_MS = 20_000;
/** How long a server's list of tools is believed: a tool that changes is off a minute later. */
const FRESH_MS = 60_000;
/** How long one that gave none is left alone: each task would wait for it as long again. */
const AWAY_MS = 60_000;
/** The most of a server's own words that is kept. */
const MOST_REASON = 300;

/** What a server has said of its tools, or why it has said nothing. */
export type Listed =
  & { at: Date }
  & ({ tools: ReadonlyMap<string, Definition | BrokenEntry>; goesOn: boolean } | { error: string });

/** A tool of a server's list, or why it cannot be used. */
export function lookUp(listed: Listed, name: string): Definition | { off: string } {
  if ("error" in listed) return { off: `its server cannot be asked: ${listed.error}` };
  const { tools, goesOn } = listed;
  const found = tools.get(name);
  if (!found) {
    const among = goesOn ? ` among the first ${tools.size.toLocaleString("en")}` : "";
    return { off: `its server has no such tool${among}` };
  }
  return "broken" in found
    ? { off: `its entry in the server's list cannot be used: ${found.broken}` }
    : found;
}

/** The servers' lists of tools, each asked for once a minute. */
export interface ToolLists {
  /** Never rejects. */
  of(server: McpServer): Promise<Listed>;
  /** It is known to be another by now. */
  forget(server: McpServer): void;
}

export function createToolLists(redact: Redact): ToolLists {
  const asked = new Map<string, { listed?: Listed; listing: Promise<Listed> }>();
  return {
    of(server) {
      const kept = asked.get(server.name);
      if (kept && (!kept.listed || isFresh(kept.listed))) return kept.listing;
      const entry: { listed?: Listed; listing: Promise<Listed> } = {
        listing: list(server, redact),
      };
      entry.listing.then((listed) => entry.listed = listed);
      asked.set(server.name, entry);
      return entry.listing;
    },
    forget: (server) => void asked.delete(server.name),
  };
}

function isFresh(listed: Listed): boolean {
  return Date.now() - listed.at.getTime() < ("error" in listed ? AWAY_MS : FRESH_MS);
}

/** What a server's list says of its tools, now that it has come. */
export function readPages({ entries, goesOn }: ToolPages): Listed {
  const tools = new Map<string, Definition | BrokenEntry>();
  for (const entry of entries) {
    const read = readDefinition(entry);
    if (read && !tools.has(read.name)) tools.set(read.name, read);
  }
  return { at: new Date(), tools, goesOn };
}

async function list(server: McpServer, redact: Redact): Promise<Listed> {
  const stop = AbortSignal.timeout(LIST_MS);
  try {
    const listed = await unlessAborted(stop, listTools(server, stop));
    if (!listed) throw new Error(`no answer within ${LIST_MS / 1_000} seconds`);
    return readPages(listed);
  } catch (error) {
    return { at: new Date(), error: redact(errorText(error)).slice(0, MOST_REASON) };
  }
}
