import { assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { fetchAlone } from "../../lib/process/fetch_alone.ts";

it("each fetch alone has a connection of its own, though the server would keep it", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  const answer = "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 4\r\n\r\nfine";
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      connections++;
      (async () => {
        const buffer = new Uint8Array(65_536);
        while (await connection.read(buffer) !== null) {
          await connection.write(new TextEncoder().encode(answer));
        }
        connection.close();
      })().catch(() => {});
    }
  })();
  try {
    for (let call = 0; call < 5; call++) {
      const response = await fetchAlone(`http://127.0.0.1:${port}`, { method: "POST", body: "x" });
      assertEquals(await response.text(), "fine");
    }
    assertEquals(connections, 5);
  } finally {
    listener.close();
    await serving;
  }
});
