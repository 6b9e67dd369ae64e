import { html } from "hono/html";
import { page } from "./page.ts";

/** The page where the admin shows the token. */
export function signInPage({ failed = false }: { failed?: boolean }) {
  return page({
    title: "Sign in",
    body: html`
      <form method="post" action="/sign-in" class="sign-in single card">
        <h1>Sign in to Otto</h1>
        <p>
          <label for="token">Token</label>
          <input
            id="token" name="token" type="password" autocomplete="current-password"
            required autofocus aria-describedby="help">
        </p>
        ${failed ? html`<p role="alert">This is not a token that Otto knows.</p>` : ""}
        <p><button type="submit">Sign in</button></p>
        <p id="help">
          The admin's is in <code>ADMIN_TOKEN</code>, or was printed once when Otto first started; <code>READ_TOKEN</code> is for looking only.
        </p>
      </form>
    `,
  });
}
