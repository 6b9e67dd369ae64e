/** Those of the 136 that one request cannot show, and the test that comes nearest to them. */
export const ELSEWHERE: readonly [
  number: number,
  what: string,
  test: string,
][] = [
  [
    16,
    "two hundred connections that say nothing",
    "tests/hostile/hostile_test.ts",
  ],
  [81, "secrets that no source reads", "tests/config/config_test.ts"],
  [89, "the same request again", "tests/hostile/hostile_test.ts"],
  [
    90,
    "the same signed bytes under another id",
    "tests/hostile/hostile_test.ts",
  ],
  [91, "the same id with another body", "tests/hostile/hostile_test.ts"],
  [
    92,
    "a request that was captured days ago",
    "tests/handlers/source_rules_test.ts",
  ],
  [95, "how signatures are compared, untimed", "tests/sources/signature_test.ts"],
  [
    96,
    "an unknown source, which is taken as generic",
    "tests/hostile/hostile_test.ts",
  ],
  [
    97,
    "the same delivery a hundred times at once",
    "tests/hostile/hostile_test.ts",
  ],
  [
    98,
    "a delivery that is spilled, and its repeat",
    "tests/message/spill_test.ts",
  ],
  [99, "the same id from two sources", "tests/hostile/hostile_test.ts"],
  [100, "a burst", "tests/hostile/hostile_test.ts"],
  [101, "a flood of wrong signatures", "tests/hostile/hostile_test.ts"],
  [102, "one source that floods", "tests/handlers/source_rules_test.ts"],
  [
    106,
    "a list of the sender's addresses",
    "tests/handlers/source_rules_test.ts",
  ],
  [120, "sessions, passwords and old cookies", "tests/handlers/access_test.ts"],
  [
    122,
    "a payload that is opened in a browser",
    "tests/hostile/hostile_test.ts",
  ],
  [
    129,
    "addresses that are nobody's business",
    "tests/hostile/hostile_test.ts",
  ],
  [130, "redirections to such addresses", "tests/hostile/hostile_test.ts"],
  [131, "URLs that are no web addresses", "tests/hostile/hostile_test.ts"],
  [132, "pages without an end", "tests/hostile/hostile_test.ts"],
  [133, "what the agent itself did", "tests/handlers/source_rules_test.ts"],
  [
    134,
    "five hundred events about one thing",
    "tests/handlers/source_rules_test.ts",
  ],
];
