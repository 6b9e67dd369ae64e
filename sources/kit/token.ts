import { credentials, isSecret, writeHeader } from "../signature/signature.ts";
import type { SecretSetting } from "./signed.ts";
import type { Incoming, Verdict } from "../source.ts";
import { tokenMismatch, tokenMissing, verified } from "./verdict.ts";

/**
 * `verify`, `sign`, `prove`, `proof` and `secretNames` of a source that sends the
 * secret itself: in a header of its own, in `Authorization` (Bearer, Basic, or
 * alone), or as a parameter of the URL.
 */
export function provenBy(
  carrier: { header?: string; authorization?: boolean; parameters?: readonly string[] },
  { variable, is }: SecretSetting,
) {
  const { header, authorization, parameters = [] } = carrier;
  const carriers = [
    header && `\`${header}\``,
    authorization && "`Authorization` (Bearer or Basic)",
    ...parameters.map((name) => `\`?${name}=\` in the URL`),
  ].filter((each) => each);
  const inHeader = header || authorization ? `${header ?? "Authorization"} header` : undefined;
  const inUrl = `parameter ${parameters[0]} of its URL`;
  return {
    async verify(request: Incoming, secrets: readonly string[]): Promise<Verdict> {
      const query = URL.parse(request.url)?.searchParams;
      const headers = [
        header ? request.headers.get(header) : null,
        ...authorization ? credentials(request.headers.get("authorization")) : [],
      ].filter((token) => token);
      const values = parameters.map((parameter) => query?.get(parameter)).filter((token) => token);
      if (headers.length + values.length === 0) {
        const wanted = plain(carriers.join(" or "));
        return tokenMissing(inHeader ?? inUrl, `Let the sender prove itself by ${wanted}.`);
      }
      let matches = false;
      for (const token of [...headers, ...values]) {
        if (await isSecret(token, secrets)) matches = true;
      }
      const where = headers.length > 0 && inHeader || inUrl;
      return matches ? verified : tokenMismatch(where, `Set ${variable} to ${is}.`);
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
    proof: `the secret itself in ${carriers.join(" or ")}; the body is not signed`,
  };
}

function plain(text: string): string {
  return text.replaceAll("`", "");
}
