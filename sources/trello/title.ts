import { changed, quoted, words } from "../kit/line.ts";
import { at, first, isObject, line } from "../kit/json_path.ts";
import { pastTense } from "../words/past_tense.ts";

/** `Ada archived card "It drops" on Phone`; an update is told by what it changed. */
export function titleOf(payload: unknown, actor: string | undefined): string | undefined {
  const action = at(payload, "action");
  const type = line(action, "type");
  if (!type) return undefined;
  const data = at(action, "data");
  const board = first(line(data, "board", "name"), line(payload, "model", "name"));
  const number = line(data, "card", "idShort");
  const name = first(quoted(line(data, "card", "name")), number && `#${number}`);
  const item = quoted(line(data, "checkItem", "name"));
  const member = first(line(action, "member", "fullName"), line(data, "member", "name"));
  const on = ["on", board] as const;
  switch (type) {
    case "updateCheckItemStateOnCard": {
      const did = line(data, "checkItem", "state") === "complete" ? "checked" : "unchecked";
      return words(actor, did, item, ["of card", name], on);
    }
    case "addMemberToCard":
      return words(actor, "added", member, ["to card", name], on);
    case "removeMemberFromCard":
      return words(actor, "removed", member, ["from card", name], on);
    case "addMemberToBoard":
      return words(actor, "added", member, ["to", board]);
    case "removeMemberFromBoard":
      return words(actor, "removed", member, ["from", board]);
    case "addLabelToCard":
    case "removeLabelFromCard": {
      const label = first(quoted(line(data, "label", "name")), line(data, "label", "color"));
      const isAdded = type === "addLabelToCard";
      return words(
        actor,
        isAdded ? "added label" : "removed label",
        label,
        [isAdded ? "to card" : "from card", name],
        on,
      );
    }
    case "addAttachmentToCard":
      return words(
        actor,
        "attached",
        quoted(line(data, "attachment", "name")),
        ["to card", name],
        on,
      );
    case "updateCard":
    case "updateList":
    case "updateBoard":
      return updateTitle(data, { kind: type.slice(6).toLowerCase(), actor, name, board });
  }
  const [verb, ...thing] = type.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .split(" ");
  const did = verb === "comment" ? "commented on" : pastTense(verb);
  return words(
    actor,
    did,
    ...thing,
    first(name, quoted(line(data, "list", "name"))),
    line(data, "checklist", "name") && `(${line(data, "checklist", "name")})`,
    item,
    on,
  );
}

/** What an update was, by `data.old`: archived, moved, renamed, given a date. */
function updateTitle(
  data: unknown,
  { kind, actor, name, board }: {
    kind: string;
    actor: string | undefined;
    name: string | undefined;
    board: string | undefined;
  },
): string {
  const old = at(data, "old");
  const thing = words(kind, kind === "card" ? name : quoted(line(data, kind, "name")));
  const on = ["on", kind === "board" ? undefined : board] as const;
  const told = (did: string, more?: string) => {
    const title = words(actor, did, thing, on);
    return more ? `${title}: ${more}` : title;
  };
  const has = (key: string) => isObject(old) && Object.hasOwn(old as object, key);
  const lists = line(data, "listBefore", "name") || line(data, "listAfter", "name")
    ? changed(undefined, line(data, "listBefore", "name"), line(data, "listAfter", "name"))
    : undefined;
  if (lists) return told("moved", lists);
  if (has("closed")) return told(at(data, kind, "closed") === true ? "archived" : "restored");
  if (has("name")) {
    return told("renamed", changed(undefined, line(old, "name"), line(data, kind, "name")));
  }
  if (has("dueComplete")) {
    return told(at(data, kind, "dueComplete") === true ? "completed" : "reopened");
  }
  if (has("due")) return told("updated", changed("due", line(old, "due"), line(data, kind, "due")));
  if (has("desc")) return told("updated", "description");
  if (has("pos")) return told("moved");
  return told("updated");
}
