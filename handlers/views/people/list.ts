import { html } from "hono/html";
import type { User } from "../../../lib/people/user.ts";
import { icon } from "../parts/icon.ts";
import { linkTo } from "../parts/filters.ts";
import { type Frame, page } from "../page.ts";
import { type PersonForm, personForm } from "./form.ts";

/** `/users`: the people that tasks can be given to, and a form for one more. */
export function peopleList(
  { frame, people, open, form, before, next }: {
    frame: Frame;
    people: readonly User[];
    /** How many open tasks each has. */
    open: ReadonlyMap<string, number>;
    form: PersonForm;
    before?: string;
    next?: string;
  },
) {
  const isNobody = !before && !people.some(({ kind }) => kind === "person");
  return page({
    title: "People",
    frame,
    watch: "any",
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/tasks">Tasks</a></nav>
      <div class="head">
        <h1>People</h1>
        <a class="button quiet" href="/audit">${icon("eye")}Audit log</a>
      </div>
      <div class="two">
        <div>
          <div class="list">
            <table>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">E-mail</th>
                  <th scope="col">Slack id</th>
                  <th scope="col">Kind</th>
                  <th scope="col" class="number">Open tasks</th>
                </tr>
              </thead>
              <tbody id="people" data-part>${people.map((user) =>
                personRow(user, open.get(user.id) ?? 0)
              )}</tbody>
            </table>
            ${isNobody && html`
              <div class="nothing">
                <h2>Nobody here yet</h2>
                <p>A task from a webhook belongs to the system user until it is given to somebody:
                  by you on the task's page, by the agent, or through the API. Add the first person
                  and there is somebody to give it to.</p>
              </div>
            `}
          </div>
          ${(before || next) && html`
            <nav class="pages" aria-label="Pages of people">
              ${before && html`<a href="/users">Newest</a>`}
              ${next && html`<a rel="next" href="${linkTo("/users", { before: next })}">Older</a>`}
            </nav>
          `}
        </div>
        <div>
          <section class="card write" aria-labelledby="add">
            <h2 id="add">Add a person</h2>
            ${personForm(form)}
          </section>
        </div>
      </div>
    `,
  });
}

function personRow({ id, name, email, slack_id, kind }: User, open: number) {
  return html`
    <tr id="u-${id}">
      <td class="main"><a class="open" href="/users/${id}" dir="auto">${name}</a></td>
      <td data-label="E-mail" class="clip" dir="auto" title="${email}">${email}</td>
      <td>${slack_id
        ? html`<code>${slack_id}</code>`
        : html`<span class="soft no-slack"><span class="words">no Slack id</span>–</span>`}</td>
      <td>${kind === "system" ? html`<span class="badge">system</span>` : "person"}</td>
      <td class="number" data-say="open tasks"><a class="plain" href="${linkTo("/tasks", {
        status: "open",
        assigned_to: id,
      })}">${open.toLocaleString("en")}</a></td>
    </tr>
  `;
}
