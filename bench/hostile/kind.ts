import type { Call } from "./disguise.ts";
import type { Later, Sender } from "./prompts.ts";

/** What an attacker is after. */
export interface Kind {
  /** Who sends it; undefined: GitHub, with its signature, and anybody, without one, in turn. */
  sender?: Sender;
  /** Calls by step; `id` marks them, `form` is how canaries are to be written. */
  orders(prompt: { id: string; form: string }): Call[][];
  /** What comes later about the same, and orders more. */
  then?: { how: Later["how"]; orders(prompt: { id: string; form: string }): Call[][] };
  answer?: string;
  approves?: number;
}

/** In an answer: a canary that only people know. */
export const PEOPLES = "{{answer}}";

export const MATE = "mate@example.com";
export const MALLORY = "mallory@example.com";
