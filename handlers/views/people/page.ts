import { html } from "hono/html";
import type { PersonToken } from "../../../lib/people/person_token.ts";
import type { User } from "../../../lib/people/user.ts";
import { linkTo } from "../parts/filters.ts";
import { type Frame, page } from "../page.ts";
import { type PersonForm, personForm } from "./form.ts";
import { type MadeToken, type TokenForm, tokenSection } from "./tokens.ts";

/** `/users/{id}`: one person, and what can be changed of them. */
export function personPage(
  { frame, user, open, tokens, made, form, tokenForm }: {
    frame: Frame;
    user: User;
    open: number;
    /** Undefined for those who may not see them. */
    tokens?: readonly PersonToken[];
    made?: MadeToken;
    form?: PersonForm;
    tokenForm?: TokenForm;
  },
) {
  const { id, name, email, slack_id, kind } = user;
  const tasks = (status: string | undefined) => linkTo("/tasks", { status, assigned_to: id });
  return page({
    title: name,
    frame,
    body: html`
      <nav class="crumbs" aria-label="Where this is"><a href="/users">People</a></nav>
      <div class="head">
        <h1 dir="auto">${name}</h1>
      </div>
      <div class="two">
        <div>
          ${kind === "person" && html`
            <section class="card write" aria-labelledby="change">
              <h2 id="change">Name and Slack id</h2>
              ${personForm(
                form ?? { values: { name, slack_id: slack_id ?? "" }, errors: {} },
                user,
              )}
            </section>
          `}
          ${kind === "person" && tokens &&
            tokenSection({ userId: id, tokens, made, form: tokenForm })}
          ${kind === "system" && html`
            <section class="card" aria-labelledby="system">
              <h2 id="system">The system user</h2>
              <p class="said">Tasks from webhooks belong to it until they are given to somebody. It
                cannot be changed, and nobody reads its mail.</p>
            </section>
          `}
        </div>
        <div>
          <section class="card" aria-labelledby="about">
            <h2 id="about">About</h2>
            <dl>
              <dt>E-mail</dt>
              <dd dir="auto">${email}</dd>
              <dt>Slack id</dt>
              <dd>${slack_id ? html`<code>${slack_id}</code>` : "none"}</dd>
              <dt>Kind</dt>
              <dd>${kind}</dd>
              <dt>Open tasks</dt>
              <dd><a href="${tasks("open")}">${open.toLocaleString("en")}</a></dd>
            </dl>
            <p class="hint"><a href="${tasks(undefined)}">All of their tasks</a></p>
            <p class="hint"><a href="${linkTo("/audit", { who: id })}">What they did</a></p>
          </section>
        </div>
      </div>
    `,
  });
}
