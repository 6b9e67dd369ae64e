/**
 * Signatures and keys, on Web Crypto. Nothing a sender writes makes one of
 * these throw: garbage is `false`, `undefined` or a finding that says so.
 *
 * A vendor's scheme is data (`Scheme`); what is not in its reach is made of
 * the same parts.
 */
export * from "./signature/bytes.ts";
export * from "./signature/hmac.ts";
export * from "./signature/jwt.ts";
export * from "./signature/public_key.ts";
export * from "./signature/scheme.ts";
export * from "./signature/time.ts";
export * from "./signature/token.ts";
