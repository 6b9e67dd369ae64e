import { Hono } from "hono";
import { isId } from "../../../lib/store/id.ts";
import type { Services } from "../../../lib/services.ts";
import { noteAct } from "../../acts.ts";
import { makeToken, noteOf, revokeToken } from "../../api/person_tokens.ts";
import type { Env } from "../../caller.ts";
import { notFound } from "../../problem.ts";
import { newToken } from "../../schemas/user.ts";
import { personPage } from "../../views/people/page.ts";
import { TOKEN_SAYS, type TokenForm } from "../../views/people/tokens.ts";
import { readForm } from "../form.ts";
import { readPersonPage, requireUser } from "./people.ts";

/** The buttons on a person's page that make and revoke what they sign in with. */
export function tokenPages({ services: { database } }: { services: Services }): Hono<Env> {
  const app = new Hono<Env>();

  // The answer is the page itself: a secret that is shown once cannot be led elsewhere.
  app.post("/users/:id/tokens", async (c) => {
    const user = await requireUser(c, database);
    const { values, given } = readToken(await readForm(c.req.raw));
    const checked = newToken.safeParse(given);
    if (!checked.success) {
      const errors = Object.fromEntries(
        checked.error.issues.map(({ path: [name] }) => [name, TOKEN_SAYS[name as TokenField]]),
      );
      c.status(422);
      const read = await readPersonPage(c, database, user);
      return c.html(personPage({ ...read, tokenForm: { values, errors } }));
    }
    const { expires_in_days: days, ...rest } = checked.data;
    const made = await makeToken(database, { userId: user.id, days, ...rest });
    noteAct(c, noteOf("create", made.token));
    c.header("cache-control", "no-store");
    return c.html(personPage({ ...await readPersonPage(c, database, user), made }));
  });

  app.post("/users/:id/tokens/:token/revoke", async (c) => {
    const user = await requireUser(c, database);
    const id = c.req.param("token");
    if (!isId(id)) throw notFound("token");
    noteAct(c, noteOf("revoke", await revokeToken(database, { userId: user.id, id })));
    return c.redirect(`/users/${user.id}`, 303);
  });
  return app;
}

type TokenField = keyof TokenForm["values"];

/** The form's fields, as they were typed and as the API would be given them. */
function readToken(form: URLSearchParams) {
  const text = (name: TokenField) =>
    (form.get(name) ?? "").replaceAll("\0", "").toWellFormed().slice(0, 500).trim();
  const values = {
    name: text("name"),
    role: text("role"),
    expires_in_days: text("expires_in_days"),
  };
  const days = values.expires_in_days === "" ? undefined : Number(values.expires_in_days);
  return { values, given: { ...values, expires_in_days: days } };
}
