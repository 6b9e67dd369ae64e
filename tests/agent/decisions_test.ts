import { assert, assertEquals } from "@std/assert";
import { it } from "@std/testing/bdd";
import { call, eventsOf, finish, issue, JSON_TYPE, openStage } from "./stage.ts";
import { startMcp } from "../fakes/mcp.ts";
import { describeWith } from "../servers/mod.ts";

const schema = { type: "object", properties: { text: { type: "string" } } };
const comment = { name: "comment", description: "Comments", inputSchema: schema };

describeWith({ postgres: true }, "several people who decide at once", (servers) => {
  it("are one decision, and the call is made when that was a yes, once", async () => {
    await using mcp = startMcp([comment]);
    await using stage = await openStage({
      sources: { github: { tools: ["desk__comment"], approve: ["desk__comment"] } },
      mcp_tools: { desk__comment: { reads: "public", effect: "external" } },
    }, {
      DATABASE_URL: await servers.postgres.createDatabase(),
      WORKER: "inline",
      MCP_CONFIG_JSON: JSON.stringify({ mcpServers: { desk: { url: mcp.url } } }),
    });
    const act = async (path: string, body: unknown) => {
      const init = { method: "POST", body: JSON.stringify(body), headers: JSON_TYPE };
      const response = await stage.otto.ask(path, init);
      await response.body?.cancel();
      return response.status;
    };
    for (
      const acts of ["approve approve", "approve deny", "deny cancel", "cancel approve approve"]
    ) {
      for (let round = 0; round < 2; round++) {
        mcp.called.length = 0;
        stage.fake.script = [call("desk__comment", { text: "x" }), finish("Done")];
        const id = await stage.signed(issue);
        const { approvals: [{ id: approval_id }] } = await stage.task(id);
        const names = acts.split(" ");
        const statuses = await Promise.all(
          names.map((name) => act(`/api/tasks/${id}/${name}`, { approval_id })),
        );
        await stage.otto.workOff();
        const task = await stage.task(id);
        const [{ state }] = task.approvals;
        const decided = [...eventsOf(task, "approved"), ...eventsOf(task, "denied")];
        const is = `${acts}: ${statuses} ${state} ${task.status}`;
        assert(decided.length <= 1, is);
        const yes = eventsOf(task, "approved").length === 1 && task.status === "completed";
        assertEquals(mcp.called.length, yes ? 1 : 0, is);
        assertEquals(state, yes ? "used" : task.status === "cancelled" ? state : "denied", is);
        // Whoever was told that they had decided has.
        const told = names.filter((name, at) => name !== "cancel" && statuses[at] === 200);
        assertEquals(told.length, decided.length, is);
        // Their word is used up, whatever comes after it.
        assertEquals(await act(`/api/tasks/${id}/approve`, { approval_id }), 409, is);
      }
    }
  });
});
