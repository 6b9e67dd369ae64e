import { html } from "hono/html";
import type { PersonToken } from "../../../lib/people/person_token.ts";
import { age, ahead, exact } from "../parts/time.ts";

/** What was typed into the form for a token, and what is wrong with it. */
export interface TokenForm {
  values: { name: string; role: string; expires_in_days: string };
  errors: Partial<Record<keyof TokenForm["values"], string>>;
}

/** What is right in each field, said where it is not. */
export const TOKEN_SAYS: Record<keyof TokenForm["values"], string> = {
  name: "A token's name has 1 to 100 characters, such as “laptop”.",
  role: "A role is admin or reader.",
  expires_in_days: "A whole number of days, 1 to 3,650; empty for a token that does not end.",
};

/** A token that was made just now, with the secret that is shown this once. */
export interface MadeToken {
  secret: string;
  token: PersonToken;
}

/** What a person signs in with: made and revoked here, by admins. */
export function tokenSection(
  { userId, tokens, made, form }: {
    userId: string;
    tokens: readonly PersonToken[];
    made?: MadeToken;
    form?: TokenForm;
  },
) {
  return html`
    <section class="card write tokens" aria-labelledby="tokens">
      <h2 id="tokens">Tokens</h2>
      <p class="hint">With a token of their own a person signs in under their name, or calls the API
        with <code>Authorization: Bearer</code>. What they do then stands under it.</p>
      ${made && madeNote(made)}
      ${tokens.length > 0 && html`
        <ul class="plain-list">${tokens.map((token) => tokenItem(userId, token))}</ul>
      `}
      ${makeForm(
        userId,
        form ?? { values: { name: "", role: "reader", expires_in_days: "" }, errors: {} },
      )}
    </section>
  `;
}

function madeNote({ secret, token }: MadeToken) {
  return html`
    <div class="note" role="status">
      <p><strong>The token “<span dir="auto">${token.name}</span>”, shown this once.</strong> Otto
        keeps no copy: hand it over now, and not by a way that others read.</p>
      <pre id="secret" tabindex="0" role="group" aria-label="Token">${secret}</pre>
      <button class="quiet" data-copy="secret" hidden>Copy</button>
    </div>
  `;
}

function tokenItem(userId: string, token: PersonToken) {
  const { id, name, handle, role, created_at, expires_at, last_used_at } = token;
  const hasEnded = expires_at !== null && expires_at.getTime() <= Date.now();
  const ends = expires_at === null
    ? "does not end"
    : hasEnded
    ? html`ended <time datetime="${expires_at.toISOString()}">${exact(expires_at)}</time>`
    : html`ends ${ahead(expires_at)}`;
  return html`
    <li>
      <strong dir="auto">${name}</strong> <span class="badge">${role}</span>
      <code>${handle}…</code>
      <p class="hint">made ${age(created_at)} · ${last_used_at
        ? html`last used ${age(last_used_at)}`
        : "never used"} · ${ends}</p>
      <form method="post" action="/users/${userId}/tokens/${id}/revoke">
        <button class="quiet">Revoke<span class="words"> the token ${name}</span></button>
      </form>
    </li>
  `;
}

function makeForm(userId: string, { values, errors }: TokenForm) {
  const says = (name: keyof TokenForm["values"], hint: string) =>
    errors[name]
      ? html`<span id="token-${name}-says" class="error" role="alert">${errors[name]}</span>`
      : html`<span id="token-${name}-says" class="hint">${hint}</span>`;
  const invalid = (name: keyof TokenForm["values"]) =>
    errors[name] && html`
      aria-invalid="true"
    `;
  return html`
    <form method="post" action="/users/${userId}/tokens" class="fields">
      <p class="field">
        <label for="token-name">Name of a new token</label>
        <input id="token-name" name="name" value="${values.name}" required maxlength="100"
          autocomplete="off" placeholder="laptop" aria-describedby="token-name-says"${invalid(
            "name",
          )}>
        ${says("name", "Where it is used, to know it again.")}
      </p>
      <p class="field">
        <label for="token-role">Role</label>
        <select id="token-role" name="role" aria-describedby="token-role-says">
          ${["admin", "reader"].map((role) =>
            html`
              <option value="${role}" ${role === values.role
                ? html`
                  selected
                `
                : ""}>${role}</option>
            `
          )}
        </select>
        ${says("role", "An admin may do everything; a reader looks, and changes nothing.")}
      </p>
      <p class="field">
        <label for="token-days">Ends after days</label>
        <input id="token-days" name="expires_in_days" type="number" min="1" max="3650"
          value="${values.expires_in_days}" aria-describedby="token-expires_in_days-says"${invalid(
            "expires_in_days",
          )}>
        ${says("expires_in_days", "Optional. Empty: it does not end by itself.")}
      </p>
      <p class="actions"><button>Make a token</button></p>
    </form>
  `;
}
