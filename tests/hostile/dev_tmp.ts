import { startMain } from "../servers/mod.ts";
import { BODIES } from "./body.ts";
import { SECRETS } from "./case.ts";
import { FRAMING } from "./framing.ts";
import { AGENT, DASHBOARD, IDENTITY, SHOWN } from "./identity.ts";
import { ROUTING } from "./routing.ts";
import { SIGNATURES } from "./signature.ts";
import { speak } from "./speak.ts";
import { check, expectedOf, piecesOf } from "./expected.ts";
const runtime = (Deno.args[0] ?? "deno") as "deno" | "node";
const folder = await Deno.makeTempDir();
const main = await startMain({ ...SECRETS, OTTO_DATA_DIR: folder }, { runtime });
console.log("started");
for (
  const [name, cases] of Object.entries({
    FRAMING,
    ROUTING,
    SIGNATURES,
    DASHBOARD,
    ...(Deno.args[1] ? { BODIES, IDENTITY, SHOWN, AGENT } : {}),
  })
) {
  const faults = await Promise.all(cases.map(async (each) => {
    const said = await speak(main.port, piecesOf(each), each);
    try {
      check(expectedOf(each, runtime), said);
    } catch (error) {
      return `${each.number}, ${each.what}: ${(error as Error).message} | ${
        said.raw.slice(0, 15)
      } ${said.answers.at(-1)?.body.slice(0, 150)}`;
    }
  }));
  console.log(name, faults.filter(Boolean));
}
console.log(main.process.lines.filter((l) => !/webhook.refused/.test(l)).slice(-8).join("\n"));
await main[Symbol.asyncDispose]();
await Deno.remove(folder, { recursive: true });
Deno.exit();
