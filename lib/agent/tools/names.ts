/** Tools that every message may use: they see nothing but the message, and end the work. */
export const ALWAYS = ["get_payload", "search_payload", "finish"] as const;

/** All tools of Otto's own. */
export const BUILT_IN = [
  ...ALWAYS,
  "list_subject",
  "ask_human",
  "wait_for_event",
  "add_note",
  "set_title",
  "reassign_task",
  "notify",
  "reply",
] as const;

/** A tool's full name as its server's and its own. */
export function splitName(full: string): [server: string, tool: string] {
  const at = full.indexOf("__");
  return [full.slice(0, at), full.slice(at + 2)];
}
