import { PickleError } from "./value.ts";

/** The largest integer in bytes: 1 KiB is 2,466 digits. */
const MOST_BYTES = 1_024;

/** The fewest bytes that hold an integer, lowest first, the sign in the highest bit. */
export function encodeInteger(value: bigint): Uint8Array {
  const positive = value < 0n ? -value - 1n : value;
  const hex = positive.toString(16);
  // One bit more than the value has, for the sign.
  const bits = hex.length * 4 - Math.clz32(Number.parseInt(hex[0], 16)) + 28 + 1;
  const length = Math.ceil(bits / 8);
  if (length > MOST_BYTES) {
    throw new PickleError(`An integer of more than ${MOST_BYTES} bytes cannot be pickled`);
  }
  const digits = BigInt.asUintN(length * 8, value).toString(16).padStart(length * 2, "0");
  return Uint8Array.from(
    { length },
    (_, i) => Number.parseInt(digits.slice(digits.length - 2 * i - 2, digits.length - 2 * i), 16),
  );
}

/** An integer, as a number where that is exact; no bytes are 0. */
export function decodeInteger(bytes: Uint8Array): number | bigint {
  if (bytes.length > MOST_BYTES) {
    throw new PickleError(`An integer of ${bytes.length} bytes is longer than ${MOST_BYTES}`);
  }
  let hex = "";
  for (const byte of bytes) hex = byte.toString(16).padStart(2, "0") + hex;
  const value = hex === "" ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
