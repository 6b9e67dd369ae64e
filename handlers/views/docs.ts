import { html } from "hono/html";
import { page } from "./page.ts";

/** As much of an OpenAPI 3.1 document as the page shows. */
export interface Document {
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, Operation>>;
}

interface Operation {
  summary?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string }[];
  requestBody?: unknown;
  responses?: Record<string, { description: string }>;
}

/** The API, route by route. */
export function docsPage({ info, paths = {} }: Document) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  );
  return page({
    title: `API · ${info.title}`,
    body: html`
      <div class="docs">
        <h1>${info.title} API</h1>
        <p>${info.description ?? ""}</p>
        <p>The whole description for programs is <a href="/openapi.json">/openapi.json</a>.</p>
        ${operations.map(operationSection)}
      </div>
    `,
  });
}

function operationSection(
  { path, method, operation }: { path: string; method: string; operation: Operation },
) {
  const parameters = operation.parameters ?? [];
  return html`
    <section>
      <h2><code>${method.toUpperCase()} ${path}</code></h2>
      <p>${operation.summary ?? ""}${operation.security?.length === 0
        ? " (open to anyone)"
        : ""}</p>
      ${parameters.length > 0
        ? html`<dl>${
          parameters.map((parameter) =>
            html`
              <dt><code>${parameter.name}</code> (${parameter.in}${parameter.required
                ? ", required"
                : ""})</dt>
              <dd>${parameter.description ?? ""}</dd>
            `
          )
        }</dl>`
        : ""}
      <ul>
        ${Object.entries(operation.responses ?? {}).map(([status, response]) =>
          html`<li><code>${status}</code> ${response.description}</li>`
        )}
      </ul>
    </section>
  `;
}
