import { type Context, Hono } from "hono";
import { addSecret } from "../../../lib/config/write_secret.ts";
import { listRejected } from "../../../lib/message/quarantine.ts";
import { searchMessages } from "../../../lib/message/search/search.ts";
import type { SourceInfo } from "../../../lib/monitor/sources.ts";
import { errorText } from "../../../lib/process/log.ts";
import { readClock } from "../../../lib/store/clock.ts";
import { secretVariable } from "../../../sources/kit/secret_variable.ts";
import { createNames } from "../../../sources/rules/names.ts";
import type { Env } from "../../caller.ts";
import { Problem } from "../../problem.ts";
import { requireSourceName } from "../../require_source.ts";
import { type ConnectPage, connectPage, type FreshSecret } from "../../views/source/connect.ts";
import { linkTo } from "../../views/parts/filters.ts";
import { asked, originFor, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";
import type { PageOptions } from "../options.ts";
import { readRows } from "../rows.ts";

/** 256 bits, in characters that every sender's form and every shell takes. */
const SECRET_BYTES = 32;

/** `/sources/{name}/connect`: makes a secret, says what to do with it, waits for the first delivery. */
export function connectPages(
  { services, offeredSecrets, sourceInfos }: Pick<
    PageOptions,
    "services" | "offeredSecrets" | "sourceInfos"
  >,
): Hono<Env> {
  const { config, database, sources, rules, log } = services;
  const parts = { database, nameOf: createNames(sources), reader: services.reader };

  async function show(
    c: Context<Env>,
    { info, since, fresh }: { info: SourceInfo; since: Date; fresh?: FreshSecret },
  ) {
    const { name } = info;
    const frame = await readFrame(c, database, "sources");
    const [[rejected], { items }] = await Promise.all([
      listRejected(database, name, 1),
      searchMessages(database, { source: name, state: "taken", since }, { limit: 1, sources: [] }),
    ]);
    const [first] = await readRows(parts, items);
    // A page with a secret on it is nobody's to keep.
    c.header("cache-control", "no-store");
    return c.html(connectPage({
      frame,
      info,
      url: originFor(config, c.req.raw) + info.path,
      since,
      hasFile: config.secretsFrom.file !== undefined,
      fresh,
      offered: frame.isReader ? [] : offeredSecrets.of(name),
      first,
      rejected: rejected && rejected.stored_at >= since ? rejected : undefined,
      refusal: refusalSince(info, since),
    }));
  }

  const app = new Hono<Env>();
  app.get("/sources/:name/connect", async (c) => {
    const name = requireSourceName(sources, c.req.param("name"));
    const since = timeOf(asked(c, "since"));
    if (!since || name !== c.req.param("name")) {
      const { now } = await readClock(database);
      return c.redirect(linkTo(`/sources/${name}/connect`, { since: now.toISOString() }), 302);
    }
    return await show(c, { info: await sourceInfos.of(name), since });
  });

  app.post("/sources/:name/connect", async (c) => {
    const info = await sourceInfos.of(requireSourceName(sources, c.req.param("name")));
    const since = timeOf(asked(c, "since")) ?? (await readClock(database)).now;
    const isWanted = (await readForm(c.req.raw)).get("keep") === "yes";
    const fresh = makeSecret(info, isWanted);
    return await show(c, { info, since, fresh });
  });
  return app;

  function makeSecret({ name, variable, source, secrets }: SourceInfo, isWanted: boolean) {
    if (variable === undefined || source.secretIsTheirs) {
      throw new Problem(
        409,
        "no_secret_of_ours",
        "Cannot make a secret for this sender: it takes none of a person's choice",
        "Its page says where its own secret is shown",
      );
    }
    // What the environment sets is not taken over: the other variable of the source stands beside it.
    const isTaken = isWanted && config.secretsFrom.origin(variable) === "environment";
    const fresh = {
      value: randomText(),
      variable: isTaken ? secretVariable(name) : variable,
      hasOthers: secrets > 0,
    };
    if (!isWanted) return { ...fresh, isKept: false };
    try {
      addSecret(config.secretsFrom, fresh.variable, fresh.value);
    } catch (error) {
      return { ...fresh, isKept: false, why: errorText(error) };
    }
    rules.look();
    log.info("source.secret_made", { source: name, variable: fresh.variable });
    return { ...fresh, isKept: true };
  }
}

function randomText(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function timeOf(text: string | undefined): Date | undefined {
  const time = new Date(text ?? "");
  return Number.isNaN(time.getTime()) ? undefined : time;
}

/** What the gate said of one since then that it did not keep. */
function refusalSince({ refusal }: SourceInfo, since: Date): ConnectPage["refusal"] {
  if (!refusal || refusal.refused_at < since) return undefined;
  return { at: refusal.refused_at, message: refusal.message, hint: refusal.hint };
}
