import { oneLine, wholeText } from "../kit/line.ts";
import { httpLink } from "../kit/link.ts";
import { matchesGlob } from "./glob.ts";
import type { SourceSettings } from "./settings.ts";
import { fillLink, fillTemplate } from "./template.ts";
import type { DescribeContext, Source } from "../source.ts";
import type { Description } from "../description.ts";

/** What a source says, in the words of the operator's file where it has some. */
export function describeWith(
  settings: SourceSettings,
  base: Source,
  payload: unknown,
  context: DescribeContext | undefined,
): Description {
  const description = base.describe(payload, context);
  const request = { payload, headers: context?.headers };
  const fill = (template: string | undefined) =>
    template === undefined ? undefined : fillTemplate(template, request);
  const line = (template: string | undefined) => oneLine(fill(template) ?? "") || undefined;
  const event = line(settings.event) ?? description.event;
  return {
    ...description,
    event,
    title: line(titleFor(settings, event)) ?? line(settings.title) ?? description.title,
    description: line(settings.description) ?? description.description,
    link: httpLink(settings.link && fillLink(settings.link, request)) ?? description.link,
    actor: line(settings.actor) ?? description.actor,
    text: (settings.text && wholeText(fill(settings.text) ?? "").trim()) || description.text,
  };
}

/** The longest event that is compared with patterns. */
const MOST_EVENT = 1_000;

/** The title for an event: of its own name, else the first pattern that it fits. */
function titleFor({ titles }: SourceSettings, event: string | undefined): string | undefined {
  if (!titles || event === undefined || event.length > MOST_EVENT) return undefined;
  if (Object.hasOwn(titles, event)) return titles[event];
  const pattern = Object.keys(titles).find((each) => matchesGlob(each, event));
  return pattern === undefined ? undefined : titles[pattern];
}
