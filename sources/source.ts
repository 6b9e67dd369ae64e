import type { Description } from "./description.ts";
import type { Subject } from "./subject.ts";
import type { ReplyApi, ReplyCall, ReplyOptions, SentReply } from "./reply.ts";

/** One webhook request, as its sender sent it and with what it says; nothing is parsed. */
export interface Incoming {
  /** The path's last part as the sender wrote it. */
  readonly type: string;
  /** In capitals, as in `POST`. */
  readonly method: string;
  /** The URL the sender called: `PUBLIC_URL`'s origin if that is set, else the request's own. */
  readonly url: string;
  /** As they came; where there is a `queryForm`, the content type is a form's. */
  readonly headers: Headers;
  /** The body as it was sent: what signatures are made over. */
  readonly body: Uint8Array;
  /**
   * The query as a form, where an event by GET or DELETE has no body and says all
   * in its URL: it is kept, read, shown and replayed in the body's place. `readQuery`
   * sets it; `contentOf` gives whichever of the two says something, as it came: it may be
   * encoded (gzip), so that `payloadOf` and `plainRequest` are for what it says.
   */
  readonly queryForm: Uint8Array | undefined;
  /** The most bytes that the body may say once it is decoded; what is parsed at all, unless it is given. */
  readonly bodyLimit?: number;
  /** When the request arrived, in milliseconds since 1970: time windows are judged at this moment. */
  readonly receivedAt: number;
  /** What lies at `certificateUrl`, where the source asks for it. */
  readonly certificate?: VendorCertificate;
  /** What lies at `keySetUrl`, a JSON Web Key Set as text, where the source asks for it. */
  readonly keySet?: string;
}

/** A certificate that a vendor signs with. Whose it must be and when is for its source to judge. */
export interface VendorCertificate {
  /** Whom it was issued to: the subject's CN, empty where it has none. */
  readonly commonName: string;
  /** From when on it is valid, in milliseconds since 1970; NaN where that is no time. */
  readonly validFrom: number;
  /** The last moment at which it is valid, as above. */
  readonly validTo: number;
  /** Its public key: an SPKI structure in DER. */
  readonly publicKey: Uint8Array;
}

/** What a check of a signature found. A refusal says what to do about it, never what was expected. */
export type Verdict =
  | { ok: true }
  | { ok: false; code: string; message: string; hint: string };

/** An answer that a sender needs instead of Otto's own JSON. */
export interface HandshakeReply {
  status: number;
  contentType?: string;
  body?: string;
  headers?: Readonly<Record<string, string>>;
  /**
   * A new secret that came with a handshake. It is shown to the operator and
   * never adopted: whoever can reach the URL could send one.
   */
  offered?: string;
}

/** What the operator has set for a source. */
export interface SourceSecrets {
  readonly secrets: readonly string[];
  /** The values of `verifyTokenVariable`. */
  readonly verifyTokens: readonly string[];
}

/** What `describe` and `subject` may know besides the payload. All of it can be missing. */
export interface DescribeContext {
  headers?: Headers;
  /** The path's last part as the sender wrote it. */
  type?: string;
}

/** A request of this source, ready to be sent: used for "Send a sample". */
export interface Sample {
  event: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * A system that sends webhooks: a plain module with these exports. Only
 * `describe` is needed; `mod.ts` checks each module with `satisfies`.
 *
 * A source is pure: no I/O, no environment. Nothing a sender can put into a
 * request may make one of these functions throw, except `describe`, whose
 * error marks the message as failed.
 */
export interface Source {
  /** The name people read, such as `GitHub`. */
  readonly label?: string;
  /**
   * Other names in the URL that mean this source, such as `whatsapp` for Meta's, in lower case: by
   * them it is found, answered and kept as if it had been called by its own.
   */
  readonly aliases?: readonly string[];
  /** The vendor's own variable for its secret; `WEBHOOK_SECRET_{SOURCE}` always works too. */
  readonly secretVariable?: string;
  /** The variable for a second, lesser secret that only proves us to the vendor (Meta). */
  readonly verifyTokenVariable?: string;
  /** Where the URL and the secret belong in the vendor's settings, in one line. */
  readonly setup?: string;
  /**
   * What to check with this sender when nothing comes, or all of it is refused, a
   * sentence each: for docs/sources.md, which says by itself what holds for all.
   */
  readonly troubles?: readonly string[];
  /** What proves a message, in one line with `code` marks: for docs/sources.md. */
  readonly proof?: string;
  /** What its messages can be about, by `subject`, in one line: for docs/sources.md. */
  readonly about?: string;
  /** Headers and parameters of the URL that hold the secret itself, in lower case: what they hold is never shown. */
  readonly secretNames?: readonly string[];
  /** The sender makes its secret, or shows the key that it signs with; else a person chooses one. */
  readonly secretIsTheirs?: boolean;
  /** Refuse every message while no secret is configured. */
  readonly secretRequired?: boolean;
  /** The methods by which events come, where POST is not the only one; never HEAD. By GET only verified ones are taken. */
  readonly methods?: readonly string[];
  /** The largest body this vendor sends, in bytes, where it is more than Otto's 1 MiB. */
  readonly bodyLimit?: number;
  /** Turns a parsed payload into words. Works on the payload alone. */
  describe(payload: unknown, context?: DescribeContext): Description;
  /**
   * Says what a parsed payload is about, where that can be said by the sender's ids alone. With a
   * part of the key missing there is none; of a batch only where all of it is about the same.
   */
  subject?(payload: unknown, context?: DescribeContext): Subject | undefined;
  /**
   * Who alone may read what a payload says, where those are fewer than all who read the place that
   * it is about: a name, the same for the same people. A part of them has their name, a slash
   * and a word more.
   */
  audience?(payload: unknown): string | undefined;
  /** Where the certificate lies that a request is signed with: only an address that is the vendor's for certain, and only where all else that is cheap to check is right. */
  certificateUrl?(request: Incoming, secrets: readonly string[]): string | undefined;
  /** Where the vendor publishes the public keys that a request is signed with: a constant of the source's. */
  keySetUrl?(request: Incoming): string | undefined;
  /** Checks the signature on the raw bytes against each secret (several during a rotation). */
  verify?(request: Incoming, secrets: readonly string[]): Promise<Verdict>;
  /**
   * The vendor's id of this delivery, the same on every retry. It makes a repeat only of what has
   * the same content: an id that comes with another body is another message.
   */
  deliveryId?(request: Incoming): string | undefined;
  /**
   * What a retry of this vendor may say otherwise than the first attempt, and the order of lists
   * too: keys of the payload at any depth, such as the number of the attempt; or `anything`, where
   * the id is made of the content, or the vendor's documents say that one id is one event.
   */
  readonly changesOnRetry?: readonly string[] | "anything";
  /**
   * An answer to a request of any method that is not signed and carries no
   * event; nothing of it is kept.
   */
  probe?(
    request: Incoming,
    known: SourceSecrets,
  ): HandshakeReply | undefined | Promise<HandshakeReply | undefined>;
  /**
   * An answer to a signed handshake, given after the signature was checked and
   * refused where there is no secret to check it with; nothing of it is kept.
   */
  handshake?(
    request: Incoming,
    known: SourceSecrets,
  ): HandshakeReply | undefined | Promise<HandshakeReply | undefined>;
  /** The answer to an accepted message, where this sender needs another than Otto's JSON. */
  answer?(request: Incoming): HandshakeReply | undefined;
  /**
   * What whoever has captured a signed request cannot change in it, where its
   * delivery id is not signed: a request with any of it is the old one again,
   * whatever id it shows. Left out where the same may be news.
   */
  signedContentKeys?(request: Incoming): readonly (string | Uint8Array)[];
  /** Whether a secret can be one of this source: for vendors whose signature only they can make. */
  takes?(secret: string): Promise<boolean>;
  /** Signs a sample the way the vendor would: the headers to add. */
  sign?(request: Incoming, secret: string): Promise<Record<string, string>>;
  /** A sample as its sender would send it, where its proof stands in the URL or the body. */
  prove?(request: Incoming, secret: string): Promise<Incoming>;
  /** The vendor's API that takes replies. */
  readonly replyApi?: ReplyApi;
  /**
   * What says a text where a message came from: made of the payload's ids alone, each of which is
   * checked; undefined where there is no such place. The text is put as the vendor takes it.
   */
  reply?(payload: unknown, text: string, options?: ReplyOptions): ReplyCall | undefined;
  /** What a message says of one that we may have sent ourselves: it, or its status. */
  sentReply?(payload: unknown): SentReply | undefined;
  /** Small events of our own making, to try the source with. */
  readonly samples?: readonly Sample[];
}
