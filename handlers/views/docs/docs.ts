import { html } from "hono/html";
import type { Described } from "./examples.ts";
import { marked } from "../parts/marked.ts";
import { type Frame, page } from "../page.ts";

/** As much of an OpenAPI 3.1 document as the page shows. */
export interface Document extends Described {
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, Operation>>;
}

interface Operation {
  summary?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string }[];
  requestBody?: { content?: Record<string, { example?: unknown }> };
  responses?: Record<string, {
    description: string;
    content?: Record<string, { example?: unknown }>;
  }>;
}

interface Route {
  path: string;
  method: string;
  operation: Operation;
}

/** The API, route by route, with a command and an answer for each. */
export function docsPage(
  { info, paths = {} }: Document,
  { frame, origin }: { frame: Frame; origin: string },
) {
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  );
  const common = commonOf(routes);
  const place = ([name]: [string, Route[]]) => Object.keys(TITLES).indexOf(name);
  const groups = [...Map.groupBy(routes, groupOf)].sort((one, other) => place(one) - place(other));
  return page({
    title: "API",
    frame,
    body: html`
      <div class="docs">
        <nav aria-label="Parts of the API">
          ${groups.map(([name]) => html`<a href="#${name}">${TITLES[name] ?? name}</a>`)}
        </nav>
        <div>
          <div class="head"><h1>${info.title} API</h1></div>
          <p>${marked(info.description ?? "")}</p>
          <p>Programs read all of it at <a href="/openapi.json">/openapi.json</a>. They show the admin's
            token, or to look at things <code>READ_TOKEN</code>:
            <code>Authorization: Bearer …</code></p>
          <p>Each route that needs a token may also answer:</p>
          <p class="answers">${[...common].map(answerWords)}</p>
          ${groups.map(([name, its]) =>
            html`
              <section aria-labelledby="${name}"><h2 id="${name}">${TITLES[name] ?? name}</h2>
                ${its.map((route) => operationCard(route, { origin, common }))}</section>
            `
          )}
        </div>
      </div>
    `,
  });
}

const TITLES: Record<string, string> = {
  webhook: "Webhooks",
  messages: "Messages",
  tasks: "Tasks",
  users: "Users",
  notifications: "Notifications",
  stream: "Live stream",
  sources: "Sources",
  other: "Health and metrics",
};

/** The answers of most routes, said once: repeated at each, they would hide what is its own. */
function commonOf(routes: readonly Route[]): Map<string, string> {
  const said = routes.flatMap(({ operation: { responses = {} } }) =>
    Object.entries(responses).map(([status, { description }]) => `${status} ${description}`)
  );
  return new Map(
    [...Map.groupBy(said, (each) => each)].filter(([, all]) => all.length > routes.length / 2)
      .map(([each]): [string, string] => [each.slice(0, 3), each.slice(4)]).sort(),
  );
}

function answerWords([status, description]: [string, string]) {
  return html`<span><code>${status}</code> ${marked(description)}</span>`;
}

function groupOf({ path }: Route): string {
  const [first, second] = path.split("/").slice(1);
  return first === "api" ? second : first === "webhook" ? "webhook" : "other";
}

function operationCard(
  { path, method, operation }: Route,
  { origin, common }: { origin: string; common: ReadonlyMap<string, string> },
) {
  const { parameters = [], responses = {}, security, summary } = operation;
  const answer = Object.entries(responses).find(([status]) => status.startsWith("2"));
  const body = operation.requestBody?.content?.["application/json"]?.example;
  const example = answer?.[1].content?.["application/json"]?.example;
  const name = `${method.toUpperCase()} ${path}`;
  return html`
    <article class="card">
      <h3><span class="badge method ${method}">${method
        .toUpperCase()}</span> <code>${path}</code></h3>
      <p>${marked(summary ?? "")}${security?.length === 0 && html`
        <span class="badge">open to anyone</span>
      `}</p>
      ${parameters.length > 0 && html`<dl>${
        parameters.map((parameter) =>
          html`
            <dt><code>${parameter.name}</code></dt>
            <dd>${marked(parameter.description ?? "")} <span class="soft">${parameter
              .in}${parameter.required && ", required"}</span></dd>
          `
        )
      }</dl>`}
      <p class="answers">${Object.entries(responses)
        .filter(([status, { description }]) => common.get(status) !== description)
        .map(([status, { description }]) => answerWords([status, description]))}</p>
      <details><summary>Example<span class="words">: ${name}</span></summary>
        <pre tabindex="0" role="group" aria-label="Command for ${name}">${commandOf({
          path,
          method,
          origin,
          body,
          isOpen: security?.length === 0,
        })}</pre>
        ${example !== undefined && html`
          <pre tabindex="0" role="group" aria-label="Answer of ${name}">${JSON.stringify(
            example,
            null,
            2,
          )}</pre>
        `}
      </details>
    </article>
  `;
}

function commandOf(
  { path, method, origin, body, isOpen }: {
    path: string;
    method: string;
    origin: string;
    body: unknown;
    isOpen: boolean;
  },
): string {
  const url = origin + path.replace("{type}", "github").replace(
    "{id}",
    "0198c0de-0000-7000-8000-000000000001",
  );
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${url}`,
    ...(isOpen ? [] : ["-H 'authorization: Bearer '$ADMIN_TOKEN"]),
    ...(body === undefined
      ? []
      : ["-H 'content-type: application/json'", `-d '${JSON.stringify(body)}'`]),
  ].join(" \\\n  ");
}
