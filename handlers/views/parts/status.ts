import { html } from "hono/html";
import type { Verification } from "../../../lib/message/message.ts";
import { icon, type IconName } from "./icon.ts";
import type { StageView } from "./stages.ts";

/** How things are with something: a word, an icon and a colour, so that none of them is needed alone. */
export function status(word: string, tone: StageView["state"], name: IconName = tone) {
  return html`<span class="status ${tone}">${icon(name)}${word}</span>`;
}

const SIGNATURES: Record<Verification, [string, StageView["state"], IconName]> = {
  verified: ["verified", "done", "shield"],
  unverified: ["unverified", "none", "open"],
  rejected: ["refused", "failed", "failed"],
};

export function signature(verification: Verification) {
  return status(...SIGNATURES[verification]);
}

export const SIGNATURE_SAYS: Record<Verification, string> = {
  verified: "The signature matches the bytes that were received.",
  unverified:
    "Anyone who knows the URL could have sent this: no secret is configured for this sender.",
  rejected: "Refused at the gate, and kept for diagnosis only.",
};

export const EDITED_SAYS = "Nobody has signed these bytes: a person edited them.";
