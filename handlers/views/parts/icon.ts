import { html } from "hono/html";

/** Outlines on a field of 16 by 16, drawn in the colour of the text beside them. */
const PATHS = {
  done: "M3.5 8.5l3 3 6-7",
  failed: "M4.5 4.5l7 7m0-7l-7 7",
  active: "M8 2.75a5.25 5.25 0 1 1-5.25 5.25",
  waiting: "M8 2.75a5.25 5.25 0 1 0 0 10.5a5.25 5.25 0 1 0 0-10.5M8 5v3.2l2 1.3",
  none: "M4 8h8",
  pause: "M5.8 4v8M10.2 4v8",
  ask: "M5.8 6.2a2.2 2.2 0 1 1 3.3 1.9c-.7.4-1.1.8-1.1 1.6M8 12.4v.1",
  bell:
    "M8 2.5a3.6 3.6 0 0 0-3.6 3.6c0 3.4-1.4 4.4-1.4 4.4h10s-1.4-1-1.4-4.4A3.6 3.6 0 0 0 8 2.5M6.8 13a1.3 1.3 0 0 0 2.4 0",
  eye:
    "M1.75 8S4 3.75 8 3.75 14.25 8 14.25 8 12 12.25 8 12.25 1.75 8 1.75 8M8 6.2a1.8 1.8 0 1 0 0 3.6a1.8 1.8 0 1 0 0-3.6",
  exit: "M9.5 3H4v10h5.5M7 8h6.5M11.2 5.5L13.7 8l-2.5 2.5",
  sun:
    "M8 5.2a2.8 2.8 0 1 0 0 5.6a2.8 2.8 0 1 0 0-5.6M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13 9.6A5.3 5.3 0 0 1 6.4 3a5.3 5.3 0 1 0 6.6 6.6",
  auto: "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 2.5v11M8 5l3.6 1.4M8 8h5.4M8 11l3.6-1.4",
  shield: "M8 1.9l4.8 1.7v4c0 3-2 5-4.8 6.4-2.8-1.4-4.8-3.4-4.8-6.4v-4zM5.8 7.9l1.6 1.6 2.9-3.2",
  open: "M8 1.9l4.8 1.7v4c0 3-2 5-4.8 6.4-2.8-1.4-4.8-3.4-4.8-6.4v-4z",
  again: "M13 8a5 5 0 1 1-1.6-3.7M13 2.2v2.9h-2.9",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4a4.2 4.2 0 1 0 0-8.4M10.2 10.2l3 3",
  pencil: "M3 13l.7-3L10.7 3l2.3 2.3-7 7zM9.2 4.5l2.3 2.3",
  person: "M8 2.5a2.6 2.6 0 1 0 0 5.2a2.6 2.6 0 1 0 0-5.2M3 13.5c.4-2.6 2.3-4 5-4s4.6 1.4 5 4",
  play: "M5 3.2l7 4.8-7 4.8z",
  more: "M4.5 6.5L8 10l3.5-3.5",
  warn: "M8 2.4l6 10.7H2zM8 6.5v3M8 11.4v.1",
} as const;

export type IconName = keyof typeof PATHS;

const BOX = html`viewBox="0 0 16 16" width="16" height="16"`;

/** A small picture beside a word; it says nothing by itself. */
export function icon(name: IconName) {
  return html`
    <svg class="icon i-${name}" ${BOX} aria-hidden="true">
      <path d="${PATHS[name]}" />
    </svg>
  `;
}
