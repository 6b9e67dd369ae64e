import { oneLine } from "../kit/line.ts";
import { best, ranked, rankOf } from "./rank.ts";
import type { Leaf } from "./survey.ts";

/** Whoever does something, where a sender says so by these names. */
const ACTORS =
  /^(actor|sender|author|creator|initiator|performer|pusher|user|username|createdby|updatedby|modifiedby|triggeredby|initiatedby|submittedby|committer|requester|reporter|from|authorname|actorname|sendername|useremail|by)$/;
const NAMES = ranked(
  "name fullname displayname realname",
  "username login nickname handle publicname",
  "email emailaddress",
  "firstname",
);

/** Who did it, and who is named at all: `who` may be whom it was done to. */
export function peopleOf(leaves: readonly Leaf[]): { actor?: string; who?: string } {
  const named = leaves.filter((leaf) =>
    isShort(leaf) && leaf.aside === "person" && leaf.distance <= 14
  );
  const direct = leaves.filter((leaf) =>
    isShort(leaf) && leaf.aside === undefined && leaf.distance <= 4 && ACTORS.test(leaf.key)
  );
  const isActor = ({ path, key }: Leaf) =>
    ACTORS.test((path.at(-2) ?? "").replace(/[_-]/g, "").toLowerCase()) ||
    (ACTORS.test(key) && path.length === 1);
  const name = (some: readonly Leaf[]) => {
    const leaf = best(some, (each) => rankOf(each, NAMES, {}));
    return leaf && (oneLine(String(leaf.value), 60) || undefined);
  };
  const said = direct[0] && oneLine(String(direct[0].value), 60);
  const actor = name(named.filter(isActor)) ?? said;
  const mail = leaves.find((leaf) =>
    isShort(leaf) && leaf.aside !== "setting" && /^(customer)?email(address)?$/.test(leaf.key)
  );
  return { actor, who: actor ?? name(named) ?? (mail && oneLine(String(mail.value), 60)) };
}

function isShort({ value }: Leaf): boolean {
  return typeof value === "string" && value.trim() !== "" && value.length <= 100 &&
    !/^https?:/i.test(value) &&
    !/^[0-9a-f-]{24,}$/i.test(value) && /\p{L}|^\+\d{7}/u.test(value);
}

/** Who filled in a form that has a subject: the `name` beside it. */
export function nameBeside(leaves: readonly Leaf[], head: Leaf | undefined): string | undefined {
  const name = head?.key === "subject"
    ? leaves.find(({ key, distance }) => key === "name" && distance === head.distance)
    : undefined;
  return name && isShort(name) ? oneLine(String(name.value), 60) : undefined;
}
