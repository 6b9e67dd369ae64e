import { httpLink } from "../kit/link.ts";
import { best, ranked, rankOf } from "./rank.ts";
import type { Leaf } from "./survey.ts";

const LINKS = ranked("htmlurl weburl permalink", "url link appurl href viewurl publicurl", "");
const LINK_ENDS = ranked("", "url link permalink");
/** Addresses of pictures, of programs and of what a reader should not open. */
const NO_LINK =
  /(avatar|image|icon|logo|photo|picture|thumb|gravatar|callback|unsubscribe|webhook|hook|api|schema|download|docs?|help|settings|runbook|banner|cover|profile|self|next|previous|clone|git|ssh|upload|background)/;

/** The page where it can be looked at. */
export function linkOf(leaves: readonly Leaf[]): string | undefined {
  const addresses = leaves.filter(({ value, key, aside }) =>
    typeof value === "string" && !NO_LINK.test(key) && aside !== "setting" &&
    httpLink(value) !== undefined
  );
  const leaf = best(addresses, (each) => {
    const rank = rankOf(each, LINKS, LINK_ENDS);
    const address = String(each.value);
    const isForPrograms = /^https?:\/\/api[.-]|\/api\/|\.(json|png|jpe?g|gif|svg|ico|zip)$/i.test(
      address,
    );
    return rank === undefined ? undefined : rank + (isForPrograms ? 12 : 0);
  });
  return leaf && httpLink(leaf.value);
}
