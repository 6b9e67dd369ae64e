/** What stands where an answer should, and what people can do about it. */
interface Unreadable {
  says: string;
  hint: string;
  /** A model was at work for it. */
  mayHaveBilled?: true;
  /** Nobody can read it, or it may have in it what a model has thought. */
  isUnquoted?: true;
}

const ELSEWHERE = "Something else may answer there: check its address, and what stands before it";

/** Kinds of it, by how they begin. The first that fits decides. */
const KINDS: readonly (Unreadable & { begins: RegExp })[] = [
  { begins: /^$/, says: "answered nothing", hint: ELSEWHERE, mayHaveBilled: true },
  {
    begins: /^(data|event|id|retry)?:/,
    says: "answered a stream, though none was asked for",
    hint: "Its server, or a gateway before it, may know nothing else: check its settings",
    isUnquoted: true,
    mayHaveBilled: true,
  },
  { begins: /^</, says: "answered a page", hint: ELSEWHERE },
  {
    begins: /^[[{]/,
    says: "answered broken JSON, or it broke off",
    hint: ELSEWHERE,
    mayHaveBilled: true,
  },
  { begins: /^/, says: "answered what cannot be read", hint: ELSEWHERE },
];

/** What is said of a 200 whose body is no JSON: a captive portal's page, a stream, half an answer. */
export function unreadable(text: string): Unreadable {
  const start = text.trimStart().slice(0, 20);
  return KINDS.find(({ begins }) => begins.test(start))!;
}

/** What a connection fails with that time alone does not mend, in the words of Deno and Node. */
const BROKEN: readonly { words: RegExp; hint: string }[] = [
  {
    // glibc and musl, where a resolver that is away itself says something else. macOS, Windows and
    // Node there have the same words for a laptop without a network, which will have one again.
    words: /name or service not known|name does not resolve/i,
    hint: "No machine is known by this name: check its address",
  },
  {
    words:
      /peer certificate|self-signed|certificate (has|is|chain)|altnames|unable to (verify|get)/i,
    hint: "Check its address and its certificate: one of your own is named in DENO_CERT, or for " +
      "Node in NODE_EXTRA_CA_CERTS",
  },
  {
    words: /InvalidContentType|wrong version number|invalid HTTP version|does not match the HTTP/i,
    hint: "Check its address: its port may speak https where http is set, or the other way round",
  },
  {
    // The ports that the Fetch standard blocks, in Deno's words and Node's.
    words: /bad port|are blocked/i,
    hint: "Check the port of its address: it is one of those that no web client calls",
  },
  {
    words: /invalid gzip|incorrect header check|decompress|unexpected end of file/i,
    hint: "It, or a proxy before it, says that it compresses what it does not",
  },
];
/** Nothing was sent: nobody was there, or nobody who could be believed. */
const NOT_SENT =
  /\(connect\)|connect timeout|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UNREACH|self-signed|certificate|altnames|bad port|are blocked/i;

/** What is known of a connection that failed, by its words. */
export function brokenConnection(words: string): { hint?: string; mayHaveBilled: boolean } {
  const known = BROKEN.find((each) => each.words.test(words));
  // One that breaks may do so in the middle of an answer.
  return { hint: known?.hint, mayHaveBilled: !NOT_SENT.test(words) };
}
