import { createRedactor, type Redact } from "../redaction/redact.ts";
import type { Config } from "./config.ts";

/** Every secret among the settings, so that it can be kept out of what is written and sent. */
export function secretsIn(
  {
    secrets,
    retiredSecrets,
    adminToken,
    readToken,
    drainToken,
    shellToken,
    databaseUrl,
    redisUrl,
    apiKeys,
    slack,
    heartbeatUrl,
    replies,
  }: Config,
): string[] {
  return [
    adminToken,
    readToken,
    drainToken,
    shellToken,
    ...apiKeys,
    slack.botToken,
    // Whoever knows it can say that Otto lives.
    heartbeatUrl,
    ...[databaseUrl, redisUrl].flatMap((url) => passwordsIn(url ?? "")),
    ...retiredSecrets,
    ...[...secrets.values()].flat(),
    ...[...replies.values()].flatMap(({ token, key }) => [token, key]),
  ]
    .filter((secret) => secret !== undefined && secret !== "") as string[];
}

/** Takes every secret among the settings out of a text. */
export function redactorOf(config: Config): Redact {
  return createRedactor(() => secretsIn(config));
}

/** Before the host, and among libpq's parameters: of the database itself, and of a key for TLS. */
function passwordsIn(url: string): string[] {
  const [, user = ""] = /^\w+:\/\/([^/?#]*)@/.exec(url) ?? [];
  const parameters = url.matchAll(/[?&](?:ssl)?password=([^&#]*)/g);
  return [
    user.slice(user.indexOf(":") + 1 || user.length),
    ...[...parameters].map(([, value]) => value),
  ]
    .map(decodeURIComponent);
}
