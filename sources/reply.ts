/** Where a message came from, and the request of the vendor's API that answers there. */
export interface ReplyCall {
  /** The place as people read it, such as `octo/phone#7`; replies are counted by it, too. */
  to: string;
  /** Below the API's address: made of constants and of ids that were checked. */
  path: string;
  /** The same place by the vendor's number alone: where it says that it is there now, it is asked there. */
  moved?: string;
  /** The fields of the request. */
  body: Readonly<Record<string, unknown>>;
  /** The account that the message was for, where the payload names one. */
  account?: string;
}

/** How a reply is written. */
export interface ReplyOptions {
  /** Whether `@name` may call that person, and `#7` be told there; else they are shown, and call nobody. */
  mentions?: boolean;
  /** Who alone may read what the answer may be made of (`Source.audience`); such an answer is for them, or there is none. */
  audiences?: readonly string[];
}

/** What a vendor says of a call that its HTTP status does not say. */
export interface ReplyRefusal {
  /** The vendor's own words. */
  error: string;
  /** The same call may work in a while. */
  later?: boolean;
  /** It may have been carried out all the same. */
  unsure?: boolean;
  retryAfterSeconds?: number;
}

/**
 * A vendor's API, as far as replies need it. The address is this constant or the operator's
 * setting, never a payload's.
 */
export interface ReplyApi {
  /** Its address where no setting names another one. */
  url: string;
  /** The setting that does. */
  urlVariable: string;
  /** What every path begins with. */
  base?: string;
  /**
   * How the credential is attached: `bearer` in a header; `basic` as the password of a key;
   * `path` in the first part of the path, behind `bot`.
   */
  credential: "bearer" | "basic" | "path";
  tokenVariable: string;
  /** The key's name, for `basic`. */
  keyVariable?: string;
  /** The account, where `{account}` stands in paths. */
  accountVariable?: string;
  /** Whether it takes forms; else JSON. */
  form?: boolean;
  /** The most characters of one reply, as it is sent: UTF-16 code units, which no vendor counts more of. */
  most: number;
  /**
   * Why a person has to agree to this reply; undefined where none has to.
   *
   * @param listed beginnings of what the operator lets pass.
   */
  asksFirst?(call: ReplyCall, listed: readonly string[]): string | undefined;
  /** What can be asked without any effect, to try the credential; POST where the API has nothing else. */
  probe: { method: "GET" | "POST"; path: string; query?: string };
  /** Whose credential it is, in the probe's answer; undefined where that does not say. */
  accountOf?(answer: unknown): string | undefined;
  /**
   * Where the vendor says what the credential is for, if not in the header `x-oauth-scopes`;
   * undefined where it does not say it in scopes.
   */
  scopes?: { path: string; in(answer: unknown): string[] | undefined };
  /** The scopes that let it write, where the vendor says which there are: any of them will do. */
  writes?: readonly string[];
  /** The id that the vendor gave to what was sent; the same that `sentReply` reads. */
  idOf(answer: unknown): string | undefined;
  /** Whether an answer without an id says that it was sent; else none does. */
  isSent?(answer: unknown): boolean;
  /** The id of something else that was made with it, and that the vendor tells of by itself. */
  besideOf?(answer: unknown): string | undefined;
  /** Whether it refuses with a 200, too, and says so in the body alone. */
  refusesInBody?: boolean;
  /** What a call was refused with; undefined where the answer says nothing of the kind. */
  refusalOf(answer: unknown): ReplyRefusal | undefined;
  /** The fields with our own id of the reply in them, where nobody sees it and `search` finds it. */
  mark?(body: ReplyCall["body"], id: string): ReplyCall["body"];
  /** A question whose answer tells whether a call was made, where its end is unknown. */
  search?: {
    path(call: Pick<ReplyCall, "path" | "body">, since: Date): {
      path: string;
      query: string;
      /** How many a page has, where what is looked for may be on a later one. */
      perPage?: number;
    };
    /** What is found, the newest first or last: ids as above, our own among them, and the text. */
    found(answer: unknown, call: Pick<ReplyCall, "path" | "body">): {
      id: string | undefined;
      beside?: string;
      mark?: string;
      text: string | undefined;
      /** When it was said: what is older than the question's `since` is not ours. */
      at?: string;
    }[];
    /** Whether there is more than what was found, and no way to ask for it. */
    isCut?(answer: unknown): boolean;
  };
}

/** A message that may be what we have sent ourselves, come back. */
export interface SentReply {
  /** The vendor's id of it. */
  id: string | undefined;
  /** The place, as in `ReplyCall`. */
  to?: string;
  text?: string;
  /** Why it did not arrive, where that is what the vendor tells. */
  failure?: string;
}
