import { formFields } from "../kit/body/form.ts";

/** `querystring` reads no more fields than these. */
const LEGACY_FIELDS = 1_000;

/**
 * The texts Twilio may have signed for one request: the URL, and for forms
 * all fields after it, sorted, without separators (twilio.com/docs/usage/security,
 * "Validating signatures from Twilio"). Which port and escapes its servers put
 * into the URL varies, so twilio-node tries these; the likely ones come first.
 */
export function* signedTexts(
  url: string,
  form?: Uint8Array,
): Generator<string> {
  const fields = form ? sortedFields(form) : "";
  const asked = url.split("#", 1)[0];
  const normal = URL.parse(asked)?.href ?? asked;
  const tried = new Set<string>();
  for (const spell of [(url: string) => url, legacyQuery]) {
    for (const candidate of [asked, normal]) {
      for (
        const spelling of [
          spell(withoutPort(candidate)),
          spell(withPort(candidate)),
        ]
      ) {
        if (!tried.has(spelling)) yield spelling + fields;
        tried.add(spelling);
      }
    }
  }
}

/** One text for all spellings of what was signed: without a port, fields sorted and decoded. */
export function plainText(url: string, form?: Uint8Array): string {
  const asked = url.split("#", 1)[0];
  const spelt = legacyQuery(withoutPort(URL.parse(asked)?.href ?? asked));
  return spelt + (form ? sortedFields(form) : "");
}

/** The digest of a JSON body that Twilio appends to the URL it signs. */
export function bodyDigest(url: string): string | undefined {
  return URL.parse(url)?.searchParams.get("bodySHA256") ?? undefined;
}

/** Each field's name and value by name; a repeated name with its different values, sorted. */
function sortedFields(form: Uint8Array): string {
  const fields = formFields(form);
  return [...fields.keys()].sort()
    .map((name) =>
      [...new Set(fields.get(name))].sort().map((value) => name + value).join(
        "",
      )
    )
    .join("");
}

function withoutPort(url: string): string {
  const parts = splitPort(url);
  return parts ? parts.before + parts.after : url;
}

function withPort(url: string): string {
  const parts = splitPort(url);
  if (!parts || parts.port) return url;
  return `${parts.before}:${/^https:/i.test(url) ? 443 : 80}${parts.after}`;
}

/** Splits at the port by hand: `URL` would drop a default port and rewrite what Twilio signed. */
function splitPort(url: string) {
  const [, before, port, after] =
    /^([a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(?:\[[^\]/?#]*\]|[^:/?#]*))(:[^/?#]*)?(.*)$/is
      .exec(url) ?? [];
  return before === undefined ? undefined : { before, port, after };
}

/**
 * The query as Node's old `querystring` reads and writes it: fields of one name stand together,
 * names that are whole numbers first, and only `A-Z a-z 0-9 - _ . ! ~ * ' ( )` are not escaped.
 */
function legacyQuery(url: string): string {
  const start = url.indexOf("?");
  if (start === -1 || start === url.length - 1) return url;
  // `URLSearchParams` would drop a question mark at the beginning, which belongs to a name here.
  const fields = [...new URLSearchParams(`&${url.slice(start + 1)}`)].slice(0, LEGACY_FIELDS);
  // An object puts its keys that are numbers first, there as here.
  const written = Object.values(Object.groupBy(fields, ([name]) => name)).flat()
    .map((field) => field!.map(encodeURIComponent).join("="));
  return `${url.slice(0, start)}?${written.join("&")}`;
}
