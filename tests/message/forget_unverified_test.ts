import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createWorker } from "../../lib/work/work.ts";
import { openOtto, type Otto } from "../otto.ts";

const SECRET = "a-token-of-gitlab";
const NETWORK = { HOST: "0.0.0.0", ADMIN_TOKEN: "a token of the admin" };

/** Messages of all kinds, the first four stored so many days ago; what is left of them. */
async function leftAfter(days: number, env: Record<string, string>): Promise<string[]> {
  await using otto = await openOtto({ WEBHOOK_SECRET_GITLAB: SECRET, ...env });
  const { database } = otto.services;
  const names = new Map([
    [await otto.send("demo", "{}"), "unverified"],
    [await otto.send("gitlab", "{}", { "x-gitlab-token": SECRET }), "verified"],
    [await otto.send("demo", "{}"), "open"],
    [await otto.send("demo", "{}"), "new"],
  ]);
  await otto.workOff();
  const idOf = (name: string) => [...names].find(([, its]) => its === name)![0];
  await database.query(
    "open a task",
    (sql) => sql`update tasks set status = 'waiting_input' where message_id = ${idOf("open")}`,
  );
  await database.query(
    "make it new",
    (sql) => sql`update messages set state = 'new' where id = ${idOf("new")}`,
  );
  await database.query(
    "age them",
    (sql) => sql`update messages set stored_at = now() - make_interval(hours => ${days * 24 + 1})`,
  );
  names.set(await otto.send("demo", "{}"), "fresh");
  await createWorker(otto.services).tidy();
  return (await idsIn(otto)).map((id) => names.get(id)!);
}

async function idsIn({ services: { database } }: Otto): Promise<string[]> {
  const rows = await database.query(
    "read the ids",
    (sql) => sql<{ id: string }[]>`select id from messages order by id`,
  );
  return rows.map(({ id }) => id);
}

describe("messages that nobody vouched for", () => {
  it("go after a week where strangers can send, but not while there is work on them", async () => {
    assertEquals(await leftAfter(7, NETWORK), ["verified", "open", "new", "fresh"]);
  });

  it("stay until then", async () => {
    assertEquals(await leftAfter(6, NETWORK), ["unverified", "verified", "open", "new", "fresh"]);
  });

  it("stay as long as all others on a machine that is alone, unless that is set", async () => {
    assertEquals(await leftAfter(60, {}), ["unverified", "verified", "open", "new", "fresh"]);
    const left = await leftAfter(3, { UNVERIFIED_RETENTION_DAYS: "3" });
    assertEquals(left, ["verified", "open", "new", "fresh"]);
  });
});
