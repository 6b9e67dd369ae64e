import { assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { withoutLookalikes } from "../../lib/redaction/looks.ts";
import { randomFor } from "../../bench/storm/random.ts";

const DIGITS = "0123456789";
const HEX = `${DIGITS}abcdef`;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const ALL = `${LETTERS}${LETTERS.toUpperCase()}${DIGITS}`;

const random = randomFor("secrets");
/** As machines make them. */
const made = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[random.between(0, alphabet.length - 1)]).join("");

/** Prefixes, alphabets and lengths of https://github.com/gitleaks/gitleaks, config/gitleaks.toml. */
const SECRETS: Record<string, string> = {
  "Slack, of a browser": `xoxc-${made(DIGITS, 12)}-${made(DIGITS, 12)}-${made(HEX, 64)}`,
  "Slack, a configuration": `xoxe.xoxp-1-${made(ALL.slice(26), 163)}`,
  Groq: `gsk_${made(ALL, 52)}`,
  Perplexity: `pplx-${made(ALL, 48)}`,
  Stripe: `rk_prod_${made(ALL, 24)}`,
  Square: `sq0atp-${made(ALL, 22)}`,
  Shippo: `shippo_live_${made(HEX, 40)}`,
  EasyPost: `EZAK${made(ALL, 54)}`,
  "Azure AD": `abc1Q~${made(ALL, 34)}`,
  "HashiCorp Vault": `hvs.${made(ALL, 90)}`,
  OpenShift: `sha256~${made(ALL, 43)}`,
  Databricks: `dapi${made(HEX, 32)}`,
  Doppler: `dp.pt.${made(ALL, 43)}`,
  PlanetScale: `pscale_tkn_${made(ALL, 43)}`,
  Postman: `PMAK-${made(HEX, 24)}-${made(HEX, 34)}`,
  "New Relic": `NRAK-${made(ALL.slice(26), 27).toUpperCase()}`,
  Pulumi: `pul-${made(HEX, 40)}`,
  Mailgun: `key-${made(HEX, 32)}`,
  Grafana: `glsa_${made(ALL, 32)}_${made(HEX, 8)}`,
  Sentry: `sntryu_${made(HEX, 64)}`,
  Docker: `dckr_pat_${made(ALL, 27)}`,
  Linear: `lin_api_${made(ALL, 40)}`,
  Notion: `ntn_${made(DIGITS, 11)}${made(ALL, 35)}`,
  "Fly.io": `fo1_${made(ALL, 43)}`,
  Atlassian: `ATATT3${made(ALL, 186)}`,
  age: `AGE-SECRET-KEY-1${made("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)}`,
  Brevo: `xkeysib-${made(HEX, 64)}-${made(ALL, 16)}`,
  RubyGems: `rubygems_${made(HEX, 48)}`,
  PGP: "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQVYBF\n-----END PGP PRIVATE KEY BLOCK-----",
  Teams: `webhook.office.com/webhookb2/${made(HEX, 36)}@${made(HEX, 36)}/IncomingWebhook/x`,
};

/** In what people paste: the secret stands at `…`. */
const TOLD = [
  "token = …",
  "const token = '…';",
  'client_secret: "…"',
  "api_key=…",
  "API_TOKEN=…",
  "export ACCESS_KEY='…'",
  "password: …",
  '{"private_key":"…"}',
  "https://h/x?access_token=…&page=2",
  "curl -H 'Authorization: Bearer …'",
  "secret: … # for staging",
  "Cookie: …",
];

describe("secrets that nobody has told Otto", () => {
  it("are known by their looks, whoever has made them", () => {
    for (const [maker, secret] of Object.entries(SECRETS)) {
      assertEquals(withoutLookalikes(`it is ${secret} of x`), "it is ••• of x", maker);
    }
  });

  it("are taken out where a text tells them as such", () => {
    const secrets = [
      made(HEX, 32),
      made(HEX, 40),
      made(`${LETTERS}${DIGITS}`, 20) + "1x",
      made(ALL, 24) + "7",
      made(`${ALL}-_`, 43) + "4x",
      made(`${ALL}+/`, 40) + "9==",
      crypto.randomUUID(),
      "hunter2hunter2",
      "Summer2024!",
    ];
    for (const form of TOLD) {
      // A bearer's are longer.
      for (const secret of secrets.filter((each) => each.length > 16 || !form.includes("Bearer"))) {
        const shown = withoutLookalikes(form.replace("…", secret));
        assertStringIncludes(shown, "•••", form);
        assertEquals(shown.includes(secret.slice(0, 8)), false, `${shown} of ${secret}`);
      }
    }
  });

  it("are hardly ever taken for names, when a machine has made them", () => {
    for (const [alphabet, length] of [[ALL, 20], [`${LETTERS}${DIGITS}`, 16], [HEX, 16]] as const) {
      const kept = Array.from({ length: 2_000 }, () => made(alphabet, length))
        .filter((secret) => /\d/.test(secret))
        .filter((secret) => withoutLookalikes(`token: ${secret}`).includes(secret));
      assertEquals(kept.length <= 8, true, kept.join(" "));
    }
  });

  it("are passwords even when people make them of words", () => {
    for (
      const text of [
        "password: correct-horse-battery-1",
        "DB_PASSWORD=john.smith1",
        "pwd = Tiger_Woods9",
        "passphrase: my-dog-rex2",
        "password=$ecret123",
        "WEBHOOK_SECRET=my-super-secret-1",
        "https://h/x?token=my-deploy-token-1",
        "secret: mysecret123",
      ]
    ) assertStringIncludes(withoutLookalikes(text), "•••", text);
  });

  it("are no code, no variables, no names and no places", () => {
    for (
      const text of [
        "token = getToken2()",
        "const token = await getToken2(user);",
        "token = getToken2();",
        "let password = req.body.password1;",
        "password: user.password_v2",
        "secret = base64.b64decode(data2)",
        "private_key = key2.private",
        "secret=self.secret_v2",
        "api_key=mod2::get_key()",
        "$token = $config2->token1;",
        "access_key = keys2[0].value",
        "token = tokens[i+1]",
        "apiKey: process.env.API_KEY_V2,",
        "api_key = os.environ['API_KEY2']",
        "secret: name-with-digits1",
        "  secret: db-credentials-v2",
        "secret: prod/db/main-credentials2",
        "credential: jenkins-deploy-key1",
        "token: ${{ secrets.GITHUB_TOKEN2 }}",
        "password: ${DB_PASSWORD_1}",
        "password=$DB_PASSWORD1",
        "token=%TOKEN_V2%",
        "api_key: {{ .Values.apiKey2 }}",
        "token: op://vault1/item/field",
        "secret=arn:aws:secretsmanager:us-east-1:123456789012:secret:prod",
        "token: 2026-11-30T20:45:35Z",
        "password = <your-password-1>",
        "secretName: my-tls-secret-v2",
      ]
    ) assertEquals(withoutLookalikes(text), text);
  });
});
