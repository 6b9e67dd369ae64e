import { Hono } from "hono";
import { asked, originFor, readForm } from "./form.ts";
import { readFrame } from "./frame.ts";
import type { PageOptions } from "./options.ts";
import type { Env } from "../caller.ts";
import { requireContents, requireMessage } from "../../lib/work/verify/require_message.ts";
import { shownMessage } from "../shown_message.ts";
import { maskHeaders } from "../../lib/redaction/mask.ts";
import { readQuery } from "../../sources/kit/query.ts";
import { explain } from "../webhook/explain.ts";
import { requireType } from "../webhook_type.ts";
import { tryPage, type Typed } from "../views/source/try.ts";

/** More is sent with curl: a page is for what somebody pastes. */
const MOST_TYPED = 120 * 1024;
const MASK = "•••";

/**
 * `/sources/{type}/try`: what Otto would make of a payload that somebody pastes, by the settings of
 * now. Nothing is kept and nothing is done. `?like=ID` begins with a kept message.
 */
export function tryPages(parts: Pick<PageOptions, "services" | "verifier" | "pauses">): Hono<Env> {
  const { services: { config, database, sources }, verifier } = parts;
  const app = new Hono<Env>();

  app.get("/sources/:name/try", async (c) => {
    const type = c.req.param("name");
    requireType(type);
    const frame = await readFrame(c, database, "sources");
    const like = asked(c, "like");
    const typed = like === undefined ? sampleOf(type) : await typedLike(like);
    return c.html(tryPage({ frame, type, typed }));
  });

  app.post("/sources/:name/try", async (c) => {
    const type = c.req.param("name");
    requireType(type);
    const frame = await readFrame(c, database, "sources");
    const form = await readForm(c.req.raw);
    const typed = { headers: form.get("headers") ?? "", body: form.get("body") ?? "" };
    const around = { frame, type, typed };
    const { headers, fault } = readHeaders(typed.headers);
    if (fault) {
      c.status(422);
      return c.html(tryPage({ ...around, fault }));
    }
    const gate = verifier.gateOf(type);
    const body = new TextEncoder().encode(typed.body);
    const explanation = await explain(parts, {
      gate,
      incoming: readQuery(gate.source, {
        type,
        method: "POST",
        url: verifier.publicUrl(`${originFor(config, c.req.raw)}/webhook/${type}`),
        headers,
        body,
        receivedAt: Date.now(),
        bodyLimit: gate.bodyLimit,
      }),
    });
    return c.html(tryPage({ ...around, explanation }));
  });

  /** A sample of the source, so that the form says by itself what belongs in it. */
  function sampleOf(type: string): Typed {
    const [sample] = sources.find(type).source.samples ?? [];
    if (!sample) return { headers: "content-type: application/json", body: "" };
    return {
      headers: Object.entries(sample.headers).map(([name, value]) => `${name}: ${value}`).join(
        "\n",
      ),
      body: sample.body,
    };
  }

  /** What came with a kept message, as far as it may be shown and can be typed. */
  async function typedLike(id: string): Promise<Typed> {
    const kept = await requireMessage(database, id);
    requireContents(kept);
    const { headers, body, webhook_type } = shownMessage(sources, kept);
    const { secretNames } = sources.find(webhook_type).source;
    return {
      headers: Object.entries(maskHeaders(headers, secretNames))
        .filter(([, value]) => !value.includes(MASK))
        .map(([name, value]) => `${name}: ${value}`).join("\n"),
      body: body.length <= MOST_TYPED ? new TextDecoder().decode(body) : "",
      isMasked: true,
    };
  }

  return app;
}

/** The headers in a text, a line each as in a request; `fault` says what is wrong with which line. */
function readHeaders(text: string): { headers: Headers; fault?: string } {
  const headers = new Headers();
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    try {
      if (colon < 1) throw new TypeError();
      headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
    } catch {
      return {
        headers,
        fault: `Line ${index + 1} of the headers is none: "${line.slice(0, 80).toWellFormed()}". ` +
          "A line is a name, a colon and a value, such as “x-github-event: push”.",
      };
    }
  }
  return { headers };
}
