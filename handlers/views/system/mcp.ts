import { html } from "hono/html";
import type { DeclaredTool, McpServerStatus } from "../../../lib/agent/mcp/server_status.ts";
import { status } from "../parts/status.ts";
import { age } from "../parts/time.ts";

/** The MCP servers: whether they answer, their tools, and who may use them; nothing without any. */
export function mcpServers(
  { mcp, names }: { mcp: readonly McpServerStatus[]; names: ReadonlyMap<string, string> },
) {
  if (mcp.length === 0) return "";
  return html`
    <section class="card" aria-labelledby="mcp">
      <h2 id="mcp">Tools of MCP servers</h2>
      <div class="scroll" tabindex="0" role="group" aria-label="MCP servers" id="mcp-servers"
        data-part>${mcp.map((each) => server(each, names))}</div>
    </section>
  `;
}

function server(
  { name, host, at, error, undeclared, tools }: McpServerStatus,
  names: ReadonlyMap<string, string>,
) {
  return html`
    <h3><span dir="auto">${name}</span> ${error !== undefined
      ? status("away", "failed")
      : at === undefined
      ? status("has not answered yet", "active")
      : status("fine", "done")}</h3>
    <p class="hint"><span dir="auto">${host}</span>${at && html`, asked ${age(at)}`}</p>
    ${error !== undefined && html`<p class="error" dir="auto">${error}</p>`}
    ${tools.length > 0 && html`
      <table>
        <thead>
          <tr>
            <th scope="col">Tool</th>
            <th scope="col">Allowed for</th>
          </tr>
        </thead>
        <tbody>${tools.map((each) => tool(each, names))}</tbody>
      </table>
    `}
    ${undeclared > 0 &&
      html`<p class="hint">${
        undeclared === 1 ? "One more tool is" : `${undeclared.toLocaleString("en")} more tools are`
      } off: nobody has declared what ${undeclared === 1 ? "it does" : "they do"}.</p>`}
  `;
}

function tool({ name, sources, off }: DeclaredTool, names: ReadonlyMap<string, string>) {
  const allowed = sources.map((source) =>
    source === "*" ? "sources without rules of their own" : names.get(source) ?? source
  );
  return html`
    <tr>
      <th scope="row" dir="auto">${name}</th>
      <td dir="auto">${allowed.length === 0
        ? "no source lists it"
        : allowed.join(", ")}${off !== undefined &&
        html`<p class="error" dir="auto">Off: ${off}</p>`}</td>
    </tr>
  `;
}
