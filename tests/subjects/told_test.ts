import { describe } from "@std/testing/bdd";
import { describeWith } from "../servers/mod.ts";
import { describeSubjects } from "./told.ts";

describe("subjects in the embedded size", () => describeSubjects(() => Promise.resolve({})));

describeWith({ postgres: true }, "subjects on PostgreSQL", (servers) => {
  describeSubjects(async () => ({
    DATABASE_URL: await servers.postgres.createDatabase(),
    WORKER: "inline",
  }));
});
