/** What the bench's GitHub secret is; it signs nothing else. */
export const SECRET = "a secret of the bench and of nobody else";

/** The body's size: what a push of four commits comes to. */
export const BODY_BYTES = 7 * 1024;

const OWNER = "octo-phone";
const REPOSITORY = `https://api.github.example/repos/${OWNER}/switchboard`;
const LINKS = ["archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits"]
  .concat("compare", "contents", "contributors", "deployments", "downloads", "events", "forks");

/**
 * A push event of our own making, in the shape and with the ballast of GitHub's: exactly
 * `BODY_BYTES` of UTF-8. With `wide` a commit has an emoji in its message, which makes a
 * JavaScript string of the body take two bytes for every character.
 */
export function makeBody({ wide = false }: { wide?: boolean } = {}): Uint8Array {
  const commits = Array.from({ length: 4 }, (_, index) => commit(index, wide && index === 1));
  const event = {
    ref: "refs/heads/main",
    before: hash(1),
    after: hash(9),
    repository: repository(),
    pusher: person(0),
    sender: account("ada"),
    created: false,
    deleted: false,
    forced: false,
    base_ref: null,
    compare: `https://github.example/${OWNER}/switchboard/compare/${hash(1)}...${hash(9)}`,
    commits,
    head_commit: commits.at(-1),
    padding: "",
  };
  const missing = BODY_BYTES - encode(event).byteLength;
  if (missing < 0) throw new Error(`The event is ${-missing} bytes too long`);
  const filler = "The quick brown fox jumps over the lazy dog. ".repeat(1 + missing / 45);
  return encode({ ...event, padding: filler.slice(0, missing) });
}

function repository() {
  return {
    id: 186_853_002,
    name: "switchboard",
    full_name: `${OWNER}/switchboard`,
    private: false,
    owner: account(OWNER),
    html_url: `https://github.example/${OWNER}/switchboard`,
    description: "Connects callers to the people they want to talk to, kindly and at once",
    fork: false,
    ...Object.fromEntries(LINKS.map((name) => [`${name}_url`, `${REPOSITORY}/${name}{/sha}`])),
    created_at: 1_557_933_565,
    updated_at: "2026-08-22T15:20:41Z",
    pushed_at: 1_787_412_041,
    size: 4_096,
    stargazers_count: 217,
    language: "TypeScript",
    archived: false,
    license: { key: "mit", name: "MIT License", spdx_id: "MIT" },
    topics: ["telephone", "switchboard", "webhooks"],
    visibility: "public",
    default_branch: "main",
  };
}

function commit(index: number, wide: boolean) {
  return {
    id: hash(index + 7),
    tree_id: hash(index + 4),
    distinct: true,
    message: `Greet callers by name, part ${index + 1}${wide ? " 📞" : ""}\n\n` +
      "The name comes from the address book; whoever is not in there is asked for it once.",
    timestamp: `2026-08-22T15:2${index}:41+02:00`,
    url: `https://github.example/${OWNER}/switchboard/commit/${hash(index + 7)}`,
    author: person(index),
    committer: person(0),
    added: [`lines/greeting_${index}.ts`],
    removed: [],
    modified: ["lines/mod.ts", "book/address.ts", `tests/greeting_${index}_test.ts`],
  };
}

function account(login: string) {
  const url = `https://api.github.example/users/${login}`;
  return {
    login,
    id: 21_031_067,
    node_id: "MDQ6VXNlcjIxMDMxMDY3",
    avatar_url: `https://avatars.github.example/u/21031067?v=4`,
    url,
    html_url: `https://github.example/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    events_url: `${url}/events{/privacy}`,
    type: "User",
    site_admin: false,
  };
}

function person(index: number) {
  const name = ["ada", "grace", "barbara"][index % 3];
  return { name, email: `${name}@${OWNER}.example`, username: name };
}

/** Forty digits that look like a commit's. */
function hash(seed: number): string {
  let digits = "";
  for (let state = seed * 7_919 + 1; digits.length < 40;) {
    state = state * 48_271 % 2_147_483_647;
    digits += state.toString(16).padStart(8, "0");
  }
  return digits.slice(0, 40);
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
