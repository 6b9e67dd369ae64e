import { fail } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { env } from "node:process";
import type { Browser } from "playwright-core";
import { findOnPath } from "../servers/find.ts";

const HOW_TO_GET = "`apt-get install chromium` (Debian), or set OTTO_TEST_CHROMIUM to its binary";

/** The browser's binary; undefined where there is none. */
function findChromium(): string | undefined {
  return env.OTTO_TEST_CHROMIUM ?? findOnPath("chromium") ?? findOnPath("chromium-browser") ??
    findOnPath("google-chrome");
}

/** Starts a browser with a profile of its own, which says nothing to anybody. */
export async function startChromium(): Promise<Browser> {
  // A package in there looks for Windows below /proc when it is loaded, which Deno lets only
  // --allow-all do; so told, it does not look.
  env.__IS_WSL_TEST__ = "1";
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * A suite that needs a browser. Where there is none it is skipped, and a line
 * says so; with `OTTO_TEST_REQUIRE_SERVERS=1` it fails instead.
 */
export function describeInBrowser(name: string, fn: () => void): void {
  if (findChromium() !== undefined) return void describe(name, fn);
  const line = `"${name}": Chromium not found. To get it: ${HOW_TO_GET}`;
  if (env.OTTO_TEST_REQUIRE_SERVERS === "1") {
    describe(name, () => it("has what it needs", () => fail(line)));
  } else {
    console.warn(`Skipped ${line}`);
    describe.skip(name, () => {});
  }
}
