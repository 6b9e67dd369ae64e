import { describe } from "@std/testing/bdd";
import { describeWith } from "../servers/mod.ts";
import { describeContinuing } from "./continued.ts";

describe("tasks that continue, in the embedded size", () =>
  describeContinuing(() => Promise.resolve({})));

describeWith({ postgres: true }, "tasks that continue, on PostgreSQL", (servers) => {
  describeContinuing(async () => ({
    DATABASE_URL: await servers.postgres.createDatabase(),
    WORKER: "inline",
  }));
});
