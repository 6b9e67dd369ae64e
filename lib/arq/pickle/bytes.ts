import { PickleError } from "./value.ts";

/** Bytes that grow as they are written. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }

  u8(...values: number[]): void {
    // The room first, everywhere: growing replaces the view.
    for (const value of values) {
      const at = this.#room(1);
      this.#view.setUint8(at, value);
    }
  }
  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
  }
  i32(value: number): void {
    const at = this.#room(4);
    this.#view.setInt32(at, value, true);
  }
  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }
  /** The one number that a pickle has with its highest byte first. */
  f64BigEndian(value: number): void {
    const at = this.#room(8);
    this.#view.setFloat64(at, value, false);
  }
  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Reads bytes in order; past the end is an error. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }
  get at(): number {
    return this.#at;
  }

  #take(count: number): number {
    if (count > this.left) {
      throw new PickleError(
        `The pickle ends too early: ${count} bytes are asked for at ${this.#at}, ${this.left} are there`,
      );
    }
    const at = this.#at;
    this.#at += count;
    return at;
  }

  u8 = () => this.#view.getUint8(this.#take(1));
  u16 = () => this.#view.getUint16(this.#take(2), true);
  i32 = () => this.#view.getInt32(this.#take(4), true);
  u32 = () => this.#view.getUint32(this.#take(4), true);
  f64BigEndian = () => this.#view.getFloat64(this.#take(8), false);

  /** A length of eight bytes: larger than what is left is an error, whatever it is. */
  u64Length(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(this.left)) {
      throw new PickleError(`A length of ${value} bytes is said, ${this.left} are there`);
    }
    return Number(value);
  }

  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Up to the next line feed, as the GLOBAL opcode has its names. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw new PickleError("The pickle ends too early: in the middle of a name");
    const line = decodeText(this.bytes(end - this.#at));
    this.#take(1);
    return line;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * UTF-8 as Python writes it: with lone surrogates as three bytes each ("surrogatepass").
 *
 * @throws {PickleError} for anything else.
 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return decodeSurrogates(bytes);
  }
}

/** Cuts the text at each surrogate (ED A0..BF xx); what is between must be plain UTF-8. */
function decodeSurrogates(bytes: Uint8Array): string {
  const parts: string[] = [];
  let from = 0;
  let afterHigh = -1;
  try {
    for (let i = 0; i + 2 < bytes.length; i++) {
      if (bytes[i] !== 0xed || bytes[i + 1] < 0xa0 || (bytes[i + 2] & 0xc0) !== 0x80) continue;
      const unit = 0xd000 | (bytes[i + 1] & 0x3f) << 6 | bytes[i + 2] & 0x3f;
      // Two halves side by side are two characters in Python, and would be one here.
      if (unit >= 0xdc00 && afterHigh === i) break;
      parts.push(utf8.decode(bytes.subarray(from, i)), String.fromCharCode(unit));
      from = i + 3;
      afterHigh = unit < 0xdc00 ? from : -1;
      i += 2;
    }
    if (from > 0) return parts.join("") + utf8.decode(bytes.subarray(from));
  } catch {
    // Said below.
  }
  throw new PickleError("A text in the pickle is not UTF-8");
}
