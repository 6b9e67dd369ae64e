/** Set by whoever sends, by the connection or by a proxy on the way. */
const NOT_SENT = new Set([
  ...["host", "content-length", "accept-encoding", "transfer-encoding", "expect", "te"],
  ...["connection", "keep-alive", "upgrade", "x-real-ip", "forwarded", "via"],
]);

/** Whether a header of a kept request belongs in one that is to say the same again. */
export function isSentAgain(name: string): boolean {
  return !NOT_SENT.has(name) && !name.startsWith("x-forwarded-");
}
