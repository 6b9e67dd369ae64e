// deno-lint-ignore no-control-regex -- escaping them is the point
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text in one line that moves no cursor, sets no title or clipboard and turns no line round: each
 * control, escape, bidirectional and line-separator character is shown as `\u001b`.
 */
export function escapeControls(text: string): string {
  return text.replace(
    CONTROLS,
    (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}
