import { counted, firstFew, quoted, words } from "../kit/line.ts";

/** What is said of a mail that came in. */
interface Mail {
  /** As in the header: `Bob Ray <bob@example.com>`, or several of them. */
  from: string | undefined;
  to: string | undefined;
  subject: string | undefined;
  attachments?: number;
}

/** `Mail from Bob Ray to support@example.com: "The line drops" (2 attachments)`. */
export function mailTitle({ from, to, subject, attachments = 0 }: Mail): string {
  const head = words("Mail", ["from", peopleOf(from)], ["to", peopleOf(to)]);
  const files = attachments > 0 ? `(${counted(attachments, "attachment")})` : undefined;
  return subject ? words(`${head}:`, quoted(subject), files) : words(head, files);
}

/** Names where the header has them, else addresses; a comma in a quoted name parts nothing. */
function peopleOf(header: string | undefined): string | undefined {
  const people = header?.match(/(?:"[^"]*"|[^",])+/g)?.map((each) => {
    const [, name, address] = /^([^<>]*)<([^<>]*)>/.exec(each.trim()) ?? [];
    return (name ?? each).replaceAll('"', "").trim() || address?.trim() || undefined;
  });
  return people && firstFew(people, 2);
}
