/** What `servers_test.ts` starts as a child, on Deno and on Node. */
import { createServer } from "node:http";
import process from "node:process";

const [mode, port]: string[] = process.argv.slice(2);

if (mode === "redis") {
  const { startRedis } = await import("./redis.ts");
  console.log(`redis at ${(await startRedis())?.url}`);
} else if (mode === "serve") {
  const server = createServer((request, response) => {
    if (request.url !== "/events") return void response.end("hello");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(
      ": a comment\n\nid: 7\nevent: told\ndata: one\ndata: two\n\n",
    );
    response.write("data: th");
    response.write("ree\n\n");
  });
  server.listen(Number(port), "127.0.0.1", () => console.log("listening"));
  process.on("SIGTERM", () => {
    console.log("bye");
    process.exit(3);
  });
} else {
  console.error(`runtime ${"Deno" in globalThis ? "deno" : process.version}`);
  console.log(`env ${JSON.stringify(Object.keys(process.env).sort())}`);
}
