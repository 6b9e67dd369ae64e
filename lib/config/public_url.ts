import type { Config } from "./config.ts";

/** The URL that the sender has on file, which some signatures are made over: our own path at `PUBLIC_URL`. */
export function toPublicUrl({ publicUrl }: Pick<Config, "publicUrl">, url: string): string {
  if (publicUrl === undefined) return url;
  const { pathname, search } = new URL(url);
  return publicUrl + pathname + search;
}
