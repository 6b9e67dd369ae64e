/**
 * Signatures and keys, on Web Crypto. Nothing a sender writes makes one of
 * these throw: garbage is `false`, `undefined` or a finding that says so.
 *
 * A vendor's scheme is data (`Scheme`); what is not in its reach is made of
 * the same parts.
 */
export * from "./bytes.ts";
export * from "./crc32.ts";
export * from "./hmac.ts";
export * from "./id_token.ts";
export * from "./jwt.ts";
export * from "./public_key.ts";
export * from "./scheme.ts";
export { isKeyOf } from "./scheme_key.ts";
export * from "./time.ts";
export * from "./token.ts";
