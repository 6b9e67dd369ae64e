import { html } from "hono/html";
import type { User } from "../../../lib/people/user.ts";

/** What was typed into the form, and what is wrong with it. */
export interface PersonForm {
  values: Partial<Record<Field, string>>;
  errors: Partial<Record<Field, string>>;
}

type Field = "name" | "email" | "slack_id";

/** What is right in each field, said where it is not. */
export const FIELD_SAYS: Record<Field, string> = {
  name: "A name has 1 to 200 characters.",
  email: "This is no e-mail address, such as ada@example.com.",
  slack_id: "A Slack id looks like U0123ABCD: it is the member ID in a person's Slack profile.",
};

/** The fields of a person: all of them for a new one, all but the e-mail for one there is. */
export function personForm({ values, errors }: PersonForm, user?: User) {
  const field = (name: Field, label: string, attributes: Record<string, string>, hint = "") => {
    const error = errors[name];
    const id = `person-${name}`;
    const about = error || hint ? `${id}-says` : undefined;
    return html`
      <p class="field">
        <label for="${id}">${label}</label>
        <input id="${id}" name="${name}" value="${values[name] ?? ""}" ${Object.entries(attributes)
          .map(([key, value]) =>
            html`
              ${key}="${value}"
            `
          )}${about && html`
          aria-describedby="${about}"
        `}${error && html`
          aria-invalid="true"
        `}>
        ${error
          ? html`<span id="${about}" class="error" role="alert">${error}</span>`
          : hint && html`<span id="${about}" class="hint">${hint}</span>`}
      </p>
    `;
  };
  return html`
    <form method="post" action="${user ? `/users/${user.id}` : "/users"}" class="fields">
      ${field("name", "Name", { autocomplete: "off", required: "", maxlength: "200" })}
      ${!user &&
        field("email", "E-mail", {
          type: "email",
          autocomplete: "off",
          required: "",
          maxlength: "254",
        })}
      ${field(
        "slack_id",
        "Slack id",
        { autocomplete: "off", maxlength: "31", spellcheck: "false", placeholder: "U0123ABCD" },
        "Optional. With it, the person is told of their tasks by a direct message.",
      )}
      <p class="actions"><button>${user ? "Save" : "Add person"}</button>
        ${user && html`<a class="button quiet" href="/users">Not now</a>`}</p>
    </form>
  `;
}
