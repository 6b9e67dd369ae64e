import { Hono } from "hono";
import { channelsOf } from "../../../lib/config/source_file.ts";
import { NEED_KINDS } from "../../../lib/config/settings.ts";
import { routeNameOf, routeOf } from "../../../lib/notify/need_route.ts";
import { readNotification } from "../../../lib/notify/notification.ts";
import { NEED_TRY } from "../../../lib/notify/need.ts";
import { SLACK_CHANNEL } from "../../../lib/notify/slack/message.ts";
import { tryRoute } from "../../../lib/notify/try_route.ts";
import type { Services } from "../../../lib/services.ts";
import { isId } from "../../../lib/store/id.ts";
import type { Env } from "../../caller.ts";
import { notFound } from "../../problem.ts";
import { routesPage } from "../../views/system/routes.ts";
import { asked, oneOf, readForm } from "../form.ts";
import { readFrame } from "../frame.ts";

/** `/routes`: who is told of what, and a test for each of them. */
export function routePages({ services }: { services: Services }): Hono<Env> {
  const { config, database, sources } = services;
  const { notifyRoutes: routes } = config;
  const app = new Hono<Env>();

  app.get("/routes", async (c) => {
    const tried = asked(c, "tried");
    const test = tried && isId(tried) ? await readNotification(database, tried) : undefined;
    const kind = oneOf(asked(c, "kind"), NEED_KINDS);
    const source = asked(c, "source", 64) ?? "";
    return c.html(routesPage({
      frame: await readFrame(c, database, "system"),
      routes,
      hasSlack: services.slack !== undefined,
      channels: channelsOf(config, sources),
      test: test?.kind === NEED_TRY ? test : undefined,
      asked: kind && {
        kind,
        source,
        route: routeNameOf(routes, { kind, source }),
        destinations: routeOf(routes, { kind, source }).map(({ destination }) => destination),
      },
    }));
  });

  app.post("/routes/try", async (c) => {
    const form = await readForm(c.req.raw);
    const route = form.get("route") ?? "";
    const destination = form.get("destination") ?? "";
    // Only where the operator's routes lead: nothing in a form is a destination.
    if (!routes.get(route)?.includes(destination)) throw notFound("route");
    const id = await tryRoute(database, { channel: SLACK_CHANNEL, destination, route });
    return c.redirect(`/routes?tried=${id}`, 303);
  });
  return app;
}
