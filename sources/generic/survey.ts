import { isSecretKey, wordsOf } from "./key.ts";
import { openedText } from "./opened.ts";

/** One plain value of a payload, and where it stands. */
export interface Leaf {
  /** The keys that lead to it; an array's number is left out. */
  path: readonly string[];
  /** The words of its key. */
  words: readonly string[];
  /** Its key without case and separators, such as `eventtype`. */
  key: string;
  value: string | number | boolean;
  /** How far from what is told it stands: 0 at the top, more for each step, much more for what is only beside it. */
  distance: number;
  /** The last of the containers around it that is a person, a place or a setting rather than what is told. */
  aside: Aside | undefined;
  /** The array that it is the first of, where that has more. */
  list: { name: string; length: number } | undefined;
}

export type Aside = "person" | "place" | "setting";

/** Values that are looked at: what a person would read of a payload stands before these. */
const MOST_VALUES = 2_000;
/** Keys of one object that are looked at. */
const MOST_KEYS = 200;
/** Deeper lies nothing that a title is made of. */
const MAX_DEPTH = 7;
/** Texts within the payload that are opened: JSON in a field, base64. */
const MOST_OPENED = 20;
/** How much farther `customer_name` is than `name`. */
const ASIDE_KEY = 6;

/** Around what is told, and say nothing of it. */
export const WRAPPERS = new Set(
  ("data payload body object attributes properties event eventdata message record resource details detail " +
    "essentials fields content result notification item items entry entries events records alerts alert " +
    "messages new after current value values params arguments args hook webhook rawrequest mandrillevents " +
    "notificationitems notificationrequestitem msg info envelope root response parsed entity actions")
    .split(" "),
);

/** Arrays of what is told: their first is as near as they are. */
const LISTS = new Set(
  "event events records actions entry entries alerts data notificationitems".split(" "),
);

/** Who did it, or whom it is about. */
const PEOPLE = new Set(
  ("user sender actor author creator createdby updatedby modifiedby owner initiator performer member customer " +
    "contact person client lead visitor buyer subscriber employee candidate attendee invitee assignee from by " +
    "committer pusher reporter requester triggeredby account profile recipient guest patient student")
    .split(" "),
);

/** Where it happened, or what it belongs to. */
const PLACES = new Set(
  ("repository repo project organization organisation org workspace team company space site shop store tenant " +
    "parent bucket board group channel location environment app application installation merchant source " +
    "destination server host instance table cluster namespace device address billing shipping city country page")
    .split(" "),
);

/** About the request or the thing's form rather than about what happened. */
const SETTINGS = new Set(
  ("meta config configuration settings options headers links context ua geo tags labels schema previous " +
    "previousattributes old oldvalue before changes diff custom customfields extra request tracking utm debug " +
    "permissions features trigger locale plan pagination formats avatar image images icon logo attachments hosts " +
    "breadcrumbs stacktrace backtrace traceback query integrity sdk auth subscription")
    .split(" "),
);

interface Place {
  value: unknown;
  path: readonly string[];
  distance: number;
  depth: number;
  aside: Aside | undefined;
  list: Leaf["list"];
}

/** The plain values of a payload, those at the top first; at most 2,000 of them, what is secret left out. */
export function survey(payload: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  const queue: Place[] = [
    { value: payload, path: [], distance: 0, depth: 0, aside: undefined, list: undefined },
  ];
  let opened = 0;
  let looked = 0;
  for (let next = 0; next < queue.length && looked < MOST_VALUES; next++) {
    const place = queue[next];
    if (Array.isArray(place.value)) {
      const [first] = place.value;
      const name = place.path.at(-1) ?? "event";
      const length = place.value.length;
      const distance = place.distance + (LISTS.has(wordsOf(name).join("")) ? 0 : 1);
      const list = length > 1 && typeof first === "object" ? { name, length } : place.list;
      if (length > 0) visit({ ...place, value: first, distance, list });
      continue;
    }
    let keys = 0;
    for (const key in place.value as object) {
      if (!Object.hasOwn(place.value as object, key)) continue;
      if (++keys > MOST_KEYS || ++looked > MOST_VALUES) break;
      visit({
        ...place,
        value: (place.value as Record<string, unknown>)[key],
        path: [...place.path, key],
      }, place);
    }
    addPerson(place);
  }
  return leaves;

  /** Notes a plain value, or puts what holds others behind those that are to be looked at. */
  function visit(place: Place, holder?: Place): void {
    const key = place.path.at(-1) ?? "";
    let { value } = place;
    let words: string[] | undefined;
    if (typeof value === "string") {
      const held = opened < MOST_OPENED
        ? openedText(key, value, holder?.value as object ?? {})
        : undefined;
      if (held !== undefined) {
        opened++;
        value = held;
        if (typeof held === "string") words = ["text"];
      }
    }
    words ??= wordsOfPlace(place, value);
    if (typeof value === "object" && value !== null) {
      if (place.depth < MAX_DEPTH && !isSecretKey(words)) {
        queue.push(
          holder ? within({ ...place, value }, words) : { ...place, value, depth: place.depth + 1 },
        );
      }
    } else if (/^(string|number|boolean)$/.test(typeof value) && !isSecretKey(words)) {
      const { path, list } = place;
      const name = words.join("");
      const near = beside(words.slice(0, -1));
      const aside = words.length > 1 && /^(name|email)$/.test(words.at(-1)!)
        ? near ?? place.aside
        : place.aside;
      const distance = place.distance + (aside && !place.aside ? ASIDE_KEY : 0);
      leaves.push({ path, words, key: name, value: value as Leaf["value"], distance, aside, list });
    }
  }

  /** A first and a last name are one name. */
  function addPerson({ value, path, distance, aside, list }: Place): void {
    const name = fullName(value as Record<string, unknown>);
    if (name) {
      leaves.push({
        path: [...path, "name"],
        words: ["full", "name"],
        key: "fullname",
        value: name,
        distance,
        aside: aside ?? "person",
        list,
      });
    }
  }
}

/** How much farther away what a container holds is, by the container's name. */
function within(place: Place, words: readonly string[]): Place {
  const name = words.join("");
  const aside = WRAPPERS.has(name) ? undefined : beside(words);
  const step = aside === "setting"
    ? 14
    : aside
    ? 9
    : name === "metadata"
    ? 6
    : WRAPPERS.has(name)
    ? 1
    : 2;
  return {
    ...place,
    distance: place.distance + step,
    depth: place.depth + 1,
    aside: aside ?? place.aside,
  };
}

/** What a container of such a name is, beside what is told. */
function beside(words: readonly string[]): Aside | undefined {
  const names = [words.join(""), words.at(-1) ?? ""].flatMap((
    name,
  ) => [name, name.replace(/s$/, "")]);
  const isOf = (set: Set<string>) => names.some((name) => set.has(name));
  return isOf(PEOPLE) ? "person" : isOf(PLACES) ? "place" : isOf(SETTINGS) ? "setting" : undefined;
}

/** The words of a key; those of its holder for the languages of one text, `title: {"en-US": "…"}`. */
function wordsOfPlace({ path }: Place, value: unknown): string[] {
  const key = path.at(-1) ?? "";
  const isLanguage = typeof value === "string" && path.length > 1 &&
    /^[a-z]{2}(-[A-Z]{2})?$/.test(key);
  return wordsOf(isLanguage && key !== "id" ? path.at(-2)! : key);
}

const FIRST = [
  "first_name",
  "firstName",
  "firstname",
  "given_name",
  "givenName",
  "FNAME",
  "First",
  "first",
];
const LAST = [
  "last_name",
  "lastName",
  "lastname",
  "family_name",
  "familyName",
  "LNAME",
  "Last",
  "last",
];

function fullName(value: Record<string, unknown>): string | undefined {
  const read = (keys: string[]) =>
    keys.map((key) => Object.hasOwn(value, key) ? value[key] : undefined)
      .find((found) => typeof found === "string" && found.trim() !== "");
  const name = [read(FIRST), read(LAST)];
  return name.every((part) => part) ? name.join(" ") : undefined;
}
