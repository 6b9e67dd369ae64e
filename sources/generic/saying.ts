import { oneLine } from "../kit/line.ts";
import { withoutTags } from "../kit/to_description.ts";
import { amountOf } from "./amount.ts";
import { identityOf } from "./identity.ts";
import { linkOf } from "./page.ts";
import { nameBeside, peopleOf } from "./people.ts";
import { best, ranked, rankOf } from "./rank.ts";
import type { Leaf } from "./survey.ts";

/** How much of a text a title has, in characters. */
const MAX_DETAIL = 110;
const MAX_HEAD = 90;

const HEADS = ranked(
  "title subject headline",
  "name summary displayname fullname formtitle shortdescription",
  "alertrule rulename alertname monitorname label caption",
  "",
  "servicedesc host hostname service monitor check job app application project repository device camera product site website",
);
const HEAD_ENDS = ranked("", "", "title subject", "name summary rule headline label");

const TEXTS = ranked(
  "message msg text strippedtext bodyplain textbody plaintext body",
  "content description comment errormessage commitmessage statusmessage feedback",
  "problem reason error details detail output serviceoutput desc markdown html bodyhtml answer question review remarks",
);
const TEXT_ENDS = ranked(
  "",
  "",
  "message text",
  "description comment reason content details",
);

/** Names of something other than what is told. */
const NO_HEAD =
  /^(event|hook|webhook|user|screen|nick|first|last|given|family|middle|field|class|type|table|index|plan|os|browser|region|city|country|state|metric|property|attribute|column|action|trigger|token|key|header|variable|topic|method|schema|operation|workflow|integration)$/;

/** What there is to tell of a payload; anything can be missing. */
export interface Saying {
  /** What it is about, as its sender calls it. */
  head: Leaf | undefined;
  /** What a person or a program wrote about it. */
  text: Leaf | undefined;
  /** Which one it is, where it has no name. */
  identity: string | undefined;
  status: string | undefined;
  amount: string | undefined;
  actor?: string;
  who?: string;
  link: string | undefined;
}

/** Looks for what a person would read first. */
export function sayingOf(leaves: readonly Leaf[]): Saying {
  const head = best(leaves.filter(isHeadline), (leaf) => rankOf(leaf, HEADS, HEAD_ENDS));
  const people = peopleOf(leaves);
  return {
    head,
    text: best(leaves.filter(isText), (leaf) => rankOf(leaf, TEXTS, TEXT_ENDS)),
    identity: identityOf(leaves),
    status: statusOf(leaves),
    amount: amountOf(leaves),
    ...people,
    who: people.who ?? nameBeside(leaves, head),
    link: linkOf(leaves),
  };
}

/** A headline, cut to leave place for more. */
export function headOf({ value }: Leaf): string {
  return oneLine(withoutMarkup(String(value)), MAX_HEAD);
}

export function detailOf({ value }: Leaf): string {
  return oneLine(withoutMarkup(String(value)), MAX_DETAIL);
}

/** Words without HTML, where they have it. */
export function withoutMarkup(text: string): string {
  return /<(p|div|br|span|html|b|a|ul|table|h\d|strong|em)\b/i.test(text.slice(0, 2_000))
    ? withoutTags(text) ?? text
    : text;
}

function isHeadline(leaf: Leaf): boolean {
  const { words } = leaf;
  return isProse(leaf) &&
    !(words.length > 1 && /^(name|title|label)$/.test(words.at(-1)!) &&
      NO_HEAD.test(words.at(-2)!));
}

function isText(leaf: Leaf): boolean {
  return isProse(leaf) && leaf.aside !== "setting";
}

/** Whether a value is words, rather than a number, an address, a time or a key of a machine. */
function isProse({ value }: Leaf): boolean {
  if (typeof value !== "string") return false;
  const text = value.slice(0, 300).trim();
  return text !== "" && /\p{L}/u.test(text) && !/^(https?|ftp|arn|urn|data):/i.test(text) &&
    !/^[0-9a-f]{8}-[0-9a-f-]{20,}$/i.test(text) && !/^[0-9a-f]{20,}$/i.test(text) &&
    !/^\d{4}-\d\d-\d\d/.test(text) && !/^[[{][^]*[\]}]$/.test(text) &&
    !/^(true|false|null|none|undefined)$/i.test(text);
}

const STATES = ranked(
  "status state conclusion outcome currentstate newstate currentstatus newstatus alertstate monitorcondition buildstatus",
  "result level severity decision verdict",
  "priority phase stage sentiment",
);

function statusOf(leaves: readonly Leaf[]): string | undefined {
  const usable = leaves.filter(({ value, aside, distance }) =>
    typeof value === "string" && aside === undefined && distance <= 8 &&
    /^\p{L}[\p{L}\p{N} _.-]{0,30}$/u.test(value.trim())
  );
  const leaf = best(usable, (each) => rankOf(each, STATES, {}));
  return leaf && oneLine(String(leaf.value));
}
