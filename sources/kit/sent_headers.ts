/** Set by whoever sends, by the connection or by a proxy on the way. */
const NOT_SENT =
  /^(host|content-length|connection|accept-encoding|transfer-encoding|x-forwarded-.*|x-real-ip|forwarded|via|expect|keep-alive|te|upgrade)$/;

/** Whether a header of a kept request belongs in one that is to say the same again. */
export function isSentAgain(name: string): boolean {
  return !NOT_SENT.test(name);
}
