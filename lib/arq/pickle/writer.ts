import { ByteWriter } from "./bytes.ts";
import { encodeInteger } from "./integer.ts";
import { OP } from "./opcodes.ts";
import { PickleError } from "./value.ts";

/** A pickle that is being written: its bytes so far, and what CPython would remember of them. */
export interface PickleWriter {
  readonly to: ByteWriter;
  /** Whether objects of this class ("module.name") may be written. */
  readonly allow: (path: string) => boolean;
  /** How many values have a number, by which later bytes could refer to them. */
  memoSize: number;
  /** Numbers of the texts and bytes of which CPython keeps one object: "", b"", and those of one byte. */
  readonly shared: Map<string, number>;
}

/** A writer that has written nothing. */
export function createWriter(allow: (path: string) => boolean): PickleWriter {
  return { to: new ByteWriter(), allow, memoSize: 0, shared: new Map() };
}

/** Gives the value just written its number, as CPython does for all but numbers and constants. */
export function memoize(writer: PickleWriter): void {
  writer.to.u8(OP.MEMOIZE);
  writer.memoSize++;
}

const utf8 = new TextEncoder();

export function writeText(writer: PickleWriter, text: string): void {
  if (!text.isWellFormed()) {
    throw new PickleError("A text with half a surrogate pair cannot be pickled");
  }
  const isShared = text === "" || text.length === 1 && text <= "\xff";
  writeOnce(writer, isShared ? `s${text}` : undefined, () => {
    writeSized(writer.to, utf8.encode(text), {
      short: OP.SHORT_BINUNICODE,
      long: OP.BINUNICODE,
    });
  });
}

export function writeBytes(writer: PickleWriter, bytes: Uint8Array): void {
  const isShared = bytes.length < 2;
  writeOnce(writer, isShared ? `b${bytes}` : undefined, () => {
    writeSized(writer.to, bytes, { short: OP.SHORT_BINBYTES, long: OP.BINBYTES });
  });
}

/** Writes and numbers a value; of one that is shared, the second time only its number. */
function writeOnce(writer: PickleWriter, sharedKey: string | undefined, write: () => void): void {
  const { to, shared } = writer;
  const number = sharedKey === undefined ? undefined : shared.get(sharedKey);
  if (number === undefined) {
    write();
    if (sharedKey !== undefined) shared.set(sharedKey, writer.memoSize);
    memoize(writer);
  } else if (number < 256) {
    to.u8(OP.BINGET, number);
  } else {
    to.u8(OP.LONG_BINGET);
    to.u32(number);
  }
}

export function writeInteger({ to }: PickleWriter, value: number | bigint): void {
  if (value >= 0 && value < 256) {
    to.u8(OP.BININT1, Number(value));
  } else if (value >= 0 && value < 65_536) {
    to.u8(OP.BININT2);
    to.u16(Number(value));
  } else if (value >= -(2 ** 31) && value < 2 ** 31) {
    to.u8(OP.BININT);
    to.i32(Number(value));
  } else {
    writeSized(to, encodeInteger(BigInt(value)), { short: OP.LONG1, long: OP.LONG4 });
  }
}

export function writeFloat({ to }: PickleWriter, value: number): void {
  to.u8(OP.BINFLOAT);
  to.f64BigEndian(value);
}

/** Bytes behind their length, which takes one byte or four. */
function writeSized(
  to: ByteWriter,
  bytes: Uint8Array,
  { short, long }: { short: number; long: number },
): void {
  if (bytes.length < 256) to.u8(short, bytes.length);
  else {
    to.u8(long);
    to.u32(bytes.length);
  }
  to.bytes(bytes);
}
