import { credentials, isSecret, writeHeader } from "../lib/signature.ts";
import type { SecretPlace } from "./signed.ts";
import type { Incoming, Verdict } from "./source.ts";
import { mismatch, missing, verified } from "./verdict.ts";

/**
 * `verify`, `sign`, `prove`, `proof` and `secretNames` of a source that sends the secret itself: in a
 * header of its own, in `Authorization` (Bearer, Basic, or alone), or as a
 * parameter of the URL.
 */
export function provenBy(
  where: { header?: string; authorization?: boolean; parameters?: readonly string[] },
  { variable, is }: SecretPlace,
) {
  const { header, authorization, parameters = [] } = where;
  const places = [
    header && `\`${header}\``,
    authorization && "`Authorization` (Bearer or Basic)",
    ...parameters.map((name) => `\`?${name}=\` in the URL`),
  ].filter((place) => place);
  const name = header ?? (authorization ? "Authorization" : "token");
  return {
    async verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
      const query = URL.parse(request.url)?.searchParams;
      const tokens = [
        header ? request.headers.get(header) : null,
        ...authorization ? credentials(request.headers.get("authorization")) : [],
        ...parameters.map((parameter) => query?.get(parameter)),
      ].filter((token) => token);
      if (tokens.length === 0) {
        return missing(name, `Let the sender prove itself by ${plain(places.join(" or "))}.`);
      }
      let matches = false;
      for (const token of tokens) if (await isSecret(token, secrets)) matches = true;
      return matches ? verified : mismatch(name, `Set ${variable} to ${is}.`);
    },
    /** @throws {TypeError} when no header can hold the secret. */
    sign(_request: Incoming, secret: string): Promise<Record<string, string>> {
      const value = writeHeader(secret);
      return Promise.resolve(
        header ? { [header.toLowerCase()]: value } : { authorization: `Bearer ${value}` },
      );
    },
    /** For those who send it in the URL alone: the first parameter holds it. */
    prove(request: Incoming, secret: string): Promise<Incoming> {
      const url = new URL(request.url);
      url.searchParams.set(parameters[0], secret);
      return Promise.resolve({ ...request, url: url.href });
    },
    secretNames: [header, ...parameters].flatMap((name) => name?.toLowerCase() ?? []),
    proof: `the secret itself in ${places.join(" or ")}; the body is not signed`,
  };
}

function plain(text: string): string {
  return text.replaceAll("`", "");
}
