import { html } from "hono/html";
import { page } from "./page.ts";

const FAILED = {
  token: "This is not a token that Otto knows.",
  code: "This link was used before, or is older than 15 minutes.",
};

/** The page where people show their token, or press the button of the link that they have. */
export function signInPage(
  { failed, code, back }: {
    failed?: keyof typeof FAILED;
    code?: string;
    /** The path of the page that was asked for first. */
    back: string;
  },
) {
  return page({
    title: "Sign in",
    body: html`
      <form method="post" action="/sign-in" class="sign-in single card">
        <h1>Sign in to Otto</h1>
        ${back !== "/" && html`<input type="hidden" name="back" value="${back}">`}
        ${failed ? html`<p role="alert">${FAILED[failed]}</p>` : ""}
        ${code === undefined
          ? tokenField()
          : html`<input type="hidden" name="code" value="${code}">`}
        <p><button type="submit">Sign in</button></p>
        ${code === undefined
          ? html`
            <p id="help">
              The admin's is in <code>ADMIN_TOKEN</code>. Without one, <code>main.ts --new-link</code> prints a link that signs in, and <code>--new-token</code> a token; <code>READ_TOKEN</code> is for looking only. A token of your own is made on the page of people.
            </p>
          `
          : html`<p>The link signs you in once.</p>`}
      </form>
    `,
  });
}

function tokenField() {
  return html`
    <p>
      <label for="token">Token</label>
      <input
        id="token" name="token" type="password" autocomplete="current-password"
        required autofocus aria-describedby="help">
    </p>
  `;
}
