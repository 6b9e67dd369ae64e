import { at, first, isObject, line, list, whole } from "../kit/json_path.ts";
import { firstFew, wholeText } from "../kit/line.ts";

/** The most fields of a form that are read: Slack allows a hundred blocks. */
const MAX_FIELDS = 100;

/** What a person filled in, in the order of the form. */
interface Answer {
  label: string | undefined;
  value: string;
}

/**
 * What was filled into a modal (`view.state.values`), into the controls of a message
 * (`state.values`), or into the dialogs before them (`submission`).
 */
export function answersOf(payload: unknown): Answer[] {
  const submission = at(payload, "submission");
  if (isObject(submission)) {
    return Object.keys(submission as object).slice(0, MAX_FIELDS)
      .flatMap((label) => {
        const value = whole(submission, label);
        return value ? [{ label, value }] : [];
      });
  }
  const values = first(at(payload, "view", "state", "values"), at(payload, "state", "values"));
  if (!isObject(values)) return [];
  const labels = new Map(
    [...list(payload, "view", "blocks"), ...list(payload, "message", "blocks")]
      .slice(0, MAX_FIELDS)
      .map((block) => [
        line(block, "block_id"),
        first(line(block, "label", "text"), line(block, "text", "text")),
      ]),
  );
  const found: Answer[] = [];
  for (const block of Object.keys(values as object).slice(0, MAX_FIELDS)) {
    const actions = at(values, block);
    if (!isObject(actions)) continue;
    for (const action of Object.keys(actions as object).slice(0, MAX_FIELDS)) {
      const value = valueOf(at(actions, action));
      // A block's id is made by Slack where the app gives none: then the action's is better.
      if (value) found.push({ label: labels.get(block) ?? line([action], 0), value });
      if (found.length === MAX_FIELDS) return found;
    }
  }
  return found;
}

/** The answers as a person would write them down, a line each. */
export function formText(payload: unknown): string | undefined {
  return wholeText(
    answersOf(payload).map(({ label, value }) => label ? `${label}: ${value}` : value).join("\n"),
  ) || undefined;
}

/** The first few answers, for a title. */
export function formSummary(payload: unknown): string | undefined {
  return firstFew(answersOf(payload).slice(0, 20).map(({ value }) => line([value], 0)));
}

/** What one control holds, as the person saw it. */
export function valueOf(control: unknown): string | undefined {
  const several = [
    ...list(control, "selected_options").map((each) => line(each, "text", "text")),
    ...["selected_users", "selected_channels", "selected_conversations"].flatMap((key) =>
      list(control, key).map((each) => line([each], 0))
    ),
    ...list(control, "files").map((each) => line(each, "name")),
  ].slice(0, MAX_FIELDS).filter((each) => each).join(", ");
  return first(
    line(control, "selected_option", "text", "text"),
    line(control, "selected_option", "value"),
    line(control, "selected_options", 0, "value") && !several
      ? line(control, "selected_options", 0, "value")
      : undefined,
    several || undefined,
    line(control, "selected_user"),
    line(control, "selected_channel"),
    line(control, "selected_conversation"),
    line(control, "selected_date"),
    line(control, "selected_time"),
    richText(at(control, "rich_text_value")),
    whole(control, "value"),
  );
}

function richText(value: unknown): string | undefined {
  return list(value, "elements").slice(0, MAX_FIELDS)
    .flatMap((each) => list(each, "elements").slice(0, MAX_FIELDS))
    .map((each) => line(each, "text")).filter((each) => each).join(" ") || undefined;
}
