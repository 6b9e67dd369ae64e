import type { Description } from "../../sources/description.ts";

/** What is kept of a message's description with its task, beside the task's title and description. */
export interface KeptDescription extends Omit<Description, "title" | "description"> {
  /** Whether the person at this machine sent the message. */
  from_here?: true;
}

/** Longer ones are not kept twice: their message is read again when an agent wants to know. */
const MOST_CHARACTERS = 16_384;

/** What to keep of a description; null where it is long. */
export function keepDescription(
  { title: _title, description: _description, ...rest }: Description,
  { fromHere }: { fromHere: boolean },
): KeptDescription | null {
  const kept: KeptDescription = { ...rest, ...fromHere ? { from_here: true } : {} };
  return JSON.stringify(kept).length > MOST_CHARACTERS ? null : kept;
}
