import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";

const root = new URL("../../", import.meta.url).pathname;

/** The lanes of the gate, each by what its command alone has among its arguments. */
const LANES = {
  check: "task check",
  first: "task test tests/agent/",
  second: "tests/store/",
  node: "task test tests/process/whole_test.ts",
};

/** An `npx` that answers as Deno does at its end: two tests per lane, and in `failing` one failed. */
function npxThatSays(failing: string): string {
  return `#!/bin/sh
case "$*" in
  *"which node") echo /no/node ;;
  *"${failing}"*) echo "FAILED | 1 passed (2 steps) | 1 failed (1s)"; exit 1 ;;
  *"task test"*) echo "running 2 tests from ./tests/a_test.ts"; echo "ok | 2 passed (2 steps) | 0 failed (1s)" ;;
esac
`;
}

/** Runs the gate as it is, but for what it starts and installs. Answers its exit code and last line. */
async function runGate(failing: string): Promise<{ code: number; lastLine: string }> {
  const bin = await Deno.makeTempDir();
  try {
    const programs = { npx: npxThatSays(failing), "apt-get": "#!/bin/sh\n" };
    for (const [name, text] of Object.entries(programs)) {
      await Deno.writeTextFile(`${bin}/${name}`, text, { mode: 0o755 });
    }
    const { code, stdout } = await new Deno.Command("bash", {
      args: [`${root}.ci/run`],
      env: { PATH: `${bin}:${Deno.env.get("PATH")}`, TMPDIR: bin },
      stderr: "null",
    }).output();
    const left = [...Deno.readDirSync(bin)].map(({ name }) => name).sort();
    assertEquals(left, ["apt-get", "npx"], "It leaves nothing behind");
    return { code, lastLine: new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) ?? "" };
  } finally {
    await Deno.remove(bin, { recursive: true });
  }
}

describe("the gate", () => {
  it("passes when each of its lanes does", async () => {
    assertEquals(await runGate("nothing at all"), { code: 0, lastLine: "6 passed, 0 failed" });
  });

  for (const [lane, command] of Object.entries(LANES)) {
    it(`fails when its lane ${lane} does`, async () => {
      const { code, lastLine } = await runGate(command);
      assertEquals(code, 1);
      assertMatch(lastLine, /^\d passed, 1 failed$/);
    });
  }
});
