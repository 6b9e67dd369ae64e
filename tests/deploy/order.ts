/** Loads `deploy.ts` as the platform does to learn of its crons, and says what it asked for in which order. */
const asked: string[] = [];
Object.defineProperty(Deno, "cron", {
  value: (name: string, schedule: string) => {
    asked.push(`cron ${JSON.stringify(name)} ${JSON.stringify(schedule)}`);
    return Promise.resolve();
  },
});
Object.defineProperty(Deno, "serve", {
  value: () => {
    console.log([...asked, "serve"].join("\n"));
    // Whatever it does behind this comes too late for the platform.
    Deno.exit(0);
  },
});
await import("../../deploy.ts");
