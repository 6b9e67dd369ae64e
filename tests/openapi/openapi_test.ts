import { assertEquals } from "@std/assert";
import { afterAll, beforeAll, describe, it } from "@std/testing/bdd";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";
import type { App } from "../../handlers/mod.ts";
import { openOtto, type Otto } from "../otto.ts";
import { ROOT } from "../servers/mod.ts";

interface Operation {
  operationId?: string;
  security?: unknown[];
  parameters?: unknown[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, { content?: Record<string, { schema?: unknown }> }>;
}

/** What a caller may meet, and why it must be described: by what an operation takes. */
const REFUSALS: [
  why: string,
  applies: (at: string, operation: Operation) => boolean,
  ...string[],
][] = [
  ["everything can be asked wrongly", () => true, "400"],
  ["it is not for anyone", (_, { security }) => security?.length !== 0, "401", "403"],
  ["it names one thing in its path", (at) => /\{(id|name)\}/.test(at), "404"],
  ["it takes a body", (_, { requestBody }) => requestBody !== undefined, "413"],
  ["its body is JSON", (_, operation) => takesOnlyJson(operation), "415"],
];

function takesOnlyJson({ requestBody }: Operation): boolean {
  return requestBody !== undefined &&
    Object.keys(requestBody.content).every((type) => type === "application/json");
}

/** A program that uses what was generated, as somebody would who wrote it by the description. */
const PROGRAM = `
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

const client = createClient<paths>({ baseUrl: Deno.args[0] });
const { data, error } = await client.GET("/api/messages", { params: { query: { limit: 1 } } });
if (error) throw new Error(error.error.message);
const [message]: components["schemas"]["Message"][] = data.items;
const one = await client.GET("/api/messages/{id}", { params: { path: { id: message.message_id } } });
const missing = await client.GET("/api/tasks/{id}", {
  params: { path: { id: "00000000-0000-7000-8000-000000000000" } },
});
const replayed = await client.POST("/api/messages/replay", { body: { ids: [message.message_id] } });
// @ts-expect-error -- there is no such path
await client.GET("/api/mesages");
// @ts-expect-error -- there is no such phase
await client.GET("/api/messages", { params: { query: { phase: "broken" } } });
console.log(JSON.stringify({
  phase: message.phase satisfies string,
  payload: one.data?.payload,
  code: missing.error?.error.code,
  replayed: replayed.data?.done,
}));
`;

describe("/openapi.json", () => {
  let otto: Otto;
  let text: string;
  let operations: [at: string, operation: Operation][];
  beforeAll(async () => {
    otto = await openOtto();
    text = await (await otto.ask("/openapi.json")).text();
    operations = Object.entries(JSON.parse(text).paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Operation>)
        .map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation])
    );
  });
  afterAll(() => otto[Symbol.asyncDispose]());

  it("has nothing that a linter finds, and its examples fit their schemas", async () => {
    const rules = {
      // Otto is given to nobody under a licence.
      "info-license": "off",
      "no-invalid-media-type-examples": "error",
      "no-invalid-schema-examples": "error",
      "no-invalid-parameter-examples": "error",
    } as const;
    const config = await createConfig({ extends: ["recommended-strict"], rules });
    const problems = await lintFromString({ source: text, config });
    assertEquals(
      problems.map(({ ruleId, message, location: [place] }) =>
        `${place?.pointer ?? ""}: ${message} (${ruleId})`
      ),
      [],
      "handlers/openapi.ts has what routes share; handlers/views/docs/examples.ts makes examples",
    );
  });

  it("describes on each operation how it may be refused, in the one shape errors have", () => {
    const missing = operations.flatMap(([at, operation]) =>
      REFUSALS.filter(([, applies]) => applies(at, operation)).flatMap(([why, , ...codes]) =>
        codes.filter((code) => operation.responses[code] === undefined)
          .map((code) => `${at} does not describe ${code}, and ${why}`)
      )
    );
    assertEquals(missing, [], "spread `refusals`, `missing` and `conflict` into its responses");
    const odd = operations.flatMap(([at, { responses }]) =>
      Object.entries(responses).filter(([code]) => code.startsWith("4"))
        .filter(([, { content }]) =>
          JSON.stringify(content?.["application/json"]?.schema) !==
            '{"$ref":"#/components/schemas/Error"}'
        ).map(([code]) => `${at} answers ${code} in another shape`)
    );
    assertEquals(odd, []);
  });

  it("makes a TypeScript client that compiles, and speaks to a running Otto", async () => {
    await otto.send("demo", '{"title":"Hello"}', { "content-type": "application/json" });
    await otto.workOff();
    await using server = serve(otto);
    const folder = await Deno.makeTempDir({ dir: `${ROOT}/tests/openapi`, prefix: ".client-" });
    try {
      await Deno.writeTextFile(`${folder}/api.ts`, astToString(await openapiTS(text)));
      await Deno.writeTextFile(`${folder}/program.ts`, PROGRAM);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--check",
          "--no-prompt",
          "--config",
          `${ROOT}/tests/deno.json`,
          "--allow-net=127.0.0.1",
          `${folder}/program.ts`,
          `http://127.0.0.1:${server.addr.port}`,
        ],
        env: { NO_COLOR: "1" },
      }).output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assertEquals(code, 0, decode(stderr));
      assertEquals(JSON.parse(decode(stdout)), {
        phase: "done",
        payload: { title: "Hello" },
        code: "task_not_found",
        replayed: 1,
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});

/** The same app at a port, for a program of its own. */
function serve({ app }: { app: Pick<App, "fetch"> }): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request, info) => app.fetch(request, { address: () => info.remoteAddr.hostname }),
  );
}
