import { Hono } from "hono";
import { type Asset, readAssets } from "../lib/process/asset.ts";

/** The files there are; nothing else is served, whatever a path says. */
const TYPES = {
  "style.css": "text/css; charset=utf-8",
  "live.js": "text/javascript; charset=utf-8",
  "forms.js": "text/javascript; charset=utf-8",
  "stream.js": "text/javascript; charset=utf-8",
  "times.js": "text/javascript; charset=utf-8",
  "keys.js": "text/javascript; charset=utf-8",
  "favicon.svg": "image/svg+xml",
  "favicon-needs.svg": "image/svg+xml",
};

type Name = keyof typeof TYPES;

/** What the stylesheet is made of, in the order of the cascade: what stands later wins. */
const STYLE = [
  "base",
  "frame",
  "lanes",
  "messages",
  "steps",
  "details",
  "sending",
  "heading",
  "filters",
  "workplace",
  "cards",
  "trace",
  "trials",
  "body",
  "fields",
  "sign_in",
  "charts",
  "other_pages",
  "motion",
  "narrow",
];

const files: ReadonlyMap<string, Asset> = await readAssets(
  new URL("./static/", import.meta.url),
  {
    ...Object.fromEntries(Object.keys(TYPES).map((name) => [name, [name]])),
    "style.css": STYLE.map((part) => `style/${part}.css`),
  },
);

/** The URL of a file, new whenever its content is, so that browsers may keep it for ever. */
export function asset(name: Name): string {
  return `/static/${name}?v=${files.get(name)!.hash}`;
}

/**
 * `GET /static/{name}`. Open to anyone: there is nothing of anybody's in these files. What a script
 * imports is asked for without a hash, and checked anew with each page: a path of its own for each
 * version is one that a process of the release before does not have.
 */
export function staticFiles(): Hono {
  const app = new Hono();
  app.get("/static/:name", (c) => {
    const name = c.req.param("name");
    const file = files.get(name);
    if (!file) return c.text("There is no such file\n", 404);
    const headers = {
      etag: `"${file.hash}"`,
      "content-type": TYPES[name as Name],
      // Another hash is a page of another version during a deploy: it must not keep our file as its own.
      "cache-control": c.req.query("v") === file.hash
        ? "public, max-age=31536000, immutable"
        : "no-cache",
    };
    const known = c.req.header("if-none-match")?.includes(headers.etag);
    return known ? c.body(null, 304, headers) : c.body(file.bytes, 200, headers);
  });
  return app;
}
