import { isIP } from "node:net";

/** For an address that is none, such as that of a socket which the platform does not tell. */
const UNKNOWN = "unknown";

/**
 * The network that an address is in, as far as one customer of a provider has it: /24 of IPv4, /48
 * of IPv6, which is what a site is given (RFC 6177). An IPv4 address that is written as IPv6
 * (`::ffff:192.0.2.7`) is one of IPv4. "unknown" for what is no address.
 */
export function clientPrefix(address: string): string {
  const [plain] = address.split("%");
  switch (isIP(plain)) {
    case 4:
      return prefixOfV4(plain.split("."));
    case 6: {
      const groups = groupsOf(plain);
      const [, , , , , marker, high, low] = groups;
      const isMapped = marker === 0xffff && groups.slice(0, 5).every((group) => group === 0);
      return isMapped
        ? prefixOfV4([high >> 8, high & 255, low >> 8])
        : `${groups.slice(0, 3).map((group) => group.toString(16)).join(":")}::/48`;
    }
    default:
      return UNKNOWN;
  }
}

function prefixOfV4([a, b, c]: readonly (string | number)[]): string {
  return `${a}.${b}.${c}.0/24`;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const [left, right] = address.split("::").map(readGroups);
  if (right === undefined) return left;
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return [...left, ...zeros, ...right];
}

function readGroups(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    // The last four bytes may be written as IPv4.
    const [a, b, c, d] = group.split(".").map(Number);
    return [a << 8 | b, c << 8 | d];
  });
}
