import { line } from "./json_path.ts";

/** Where a payload of unknown shape says what a person would read first. */
const SAYING = ["title", "subject", "name", "summary", "message", "text", "msg", "description"];
const HAPPENED = ["event", "event_type", "eventType", "event_name", "type", "action", "topic"];
/** What holds it where it does not stand at the top. */
const HOLDERS = ["data", "payload", "object", "event", "item", "body", "resource"];

/** What a payload says that its source knows no shape of: the event and the words, one level down at most. */
export function sayingOf(payload: unknown): string | undefined {
  const happened = HAPPENED.map((key) => line(payload, key)).find((found) => found);
  const places = [[], ...HOLDERS.map((holder) => [holder])];
  const said = places.flatMap((path) => SAYING.map((key) => line(payload, ...path, key)))
    .find((found) => found) ?? line(payload, "raw_body");
  return happened && said ? `${happened}: ${said}` : happened ?? said;
}
