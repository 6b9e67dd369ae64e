import { oneLine, words } from "../kit/line.ts";
import { spoken, wordsOf } from "./key.ts";
import { best, ranked } from "./rank.ts";
import { type Leaf, WRAPPERS } from "./survey.ts";

/** The longest identity, in characters: longer is text. */
const MAX_IDENTITY = 90;

const IDENTITIES = ranked(
  "number identifier",
  "key slug reference",
  "ref",
  "path domain",
  "id",
  "email",
);

/** Which one, such as `order number 1001`; the thing's own before what it belongs to. */
export function identityOf(leaves: readonly Leaf[]): string | undefined {
  const usable = leaves.filter(({ value, aside }) =>
    typeof value !== "boolean" && aside !== "setting" && String(value).trim() !== "" &&
    String(value).length <= 100
  );
  const leaf = best(usable, ({ key, words }) => {
    const last = words.at(-1) ?? "";
    const rank = Object.hasOwn(IDENTITIES, last) ? IDENTITIES[last] : undefined;
    const isOther =
      /^(event|webhook|delivery|message|request|account|trace|correlation|project|app|zip|country|status|phone|area|error|currency|promo|subscription|store|tenant|team|workspace|org|site|user)/
        .test(key) && words.length > 1;
    return rank === undefined || isOther ? undefined : rank * 2 + (words.length > 1 ? 1 : 0);
  });
  if (!leaf) return undefined;
  if (leaf.key === "email") return oneLine(String(leaf.value));
  const own = leaf.words.length === 1;
  const kind = own ? kindOf(leaf, leaves) : undefined;
  const name = own && leaf.key === "id" && kind ? "" : spoken(leaf.path.at(-1)!);
  return oneLine(words(kind, name, String(leaf.value)), MAX_IDENTITY);
}

/** What a thing is called whose number stands within it: `payment` of `payment.entity.id`. */
function kindOf({ path }: Leaf, leaves: readonly Leaf[]): string | undefined {
  const holders = path.slice(0, -1);
  const named = holders.findLast((key) => !WRAPPERS.has(wordsOf(key).join("")));
  if (named) return spoken(named);
  const kind = leaves.find((leaf) =>
    leaf.key === "type" && leaf.path.length === path.length &&
    leaf.path.at(-2) === path.at(-2) && holders.length > 0 &&
    /^[a-z_]{2,20}$/.test(String(leaf.value))
  );
  return kind && spoken(String(kind.value));
}
