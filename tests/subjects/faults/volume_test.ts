import { describe } from "@std/testing/bdd";
import { describeWith } from "../../servers/mod.ts";
import { describeVolume } from "./volume.ts";

describe("many tasks that continue, in the embedded size", () =>
  describeVolume(() => Promise.resolve({})));

describeWith({ postgres: true }, "many tasks that continue, on PostgreSQL", (servers) => {
  describeVolume(async () => ({
    DATABASE_URL: await servers.postgres.createDatabase(),
    WORKER: "inline",
  }));
});
