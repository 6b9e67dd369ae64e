import { createHmac } from "node:crypto";
import { testFolder } from "../folder.ts";
import { openOtto, type Otto } from "../otto.ts";

export const SECRET = "github-secret-4711";
export const SHA = "a".repeat(40);
export const OLD_SHA = "b".repeat(40);

// deno-lint-ignore no-explicit-any -- tests look into answers of many shapes
export type Any = any;
type Payload = Record<string, unknown>;

export const repository = {
  id: 1,
  full_name: "octo/phone",
  html_url: "https://github.com/octo/phone",
};

export const pullRequest = (more: Payload = {}) => ({
  number: 7,
  title: "Greet callers",
  html_url: "https://github.com/octo/phone/pull/7",
  user: { id: 5, login: "ada" },
  head: { sha: SHA, ref: "greeting" },
  ...more,
});

export const opened = (more: Payload = {}) => ({
  action: "opened",
  pull_request: pullRequest(more),
});

export const closed = (more: Payload = {}) => ({
  action: "closed",
  pull_request: pullRequest({ merged: true, ...more }),
});

export const comment = (body: string) => ({
  action: "created",
  issue: { number: 7, title: "Greet callers", pull_request: {}, user: { id: 5 } },
  comment: { id: 1, body, author_association: "MEMBER", user: { id: 9, login: "grace" } },
});

export const checked = (conclusion: string, more: Payload = {}) => ({
  action: "completed",
  check_suite: { head_sha: SHA, conclusion, pull_requests: [], ...more },
});

/** Otto with GitHub's webhooks, signed and unsigned. */
export interface SubjectStage extends AsyncDisposable {
  otto: Otto;
  /** Sends one without working on it; `login` is who did it. Gives its id. */
  send(
    event: string,
    payload: Payload,
    how?: { login?: string; unsigned?: boolean; type?: string },
  ): Promise<string>;
  /** Sends one and works until nothing is left. */
  tell(event: string, payload: Payload, how?: Parameters<SubjectStage["send"]>[2]): Promise<string>;
  get(path: string): Promise<Any>;
  message(id: string): Promise<Any>;
}

export async function openSubjectStage(
  { rules, env = {}, ...instead }:
    & { rules?: unknown; env?: Record<string, string> }
    & Parameters<typeof openOtto>[1] = {},
): Promise<SubjectStage> {
  const folder = await testFolder();
  const otto = await openOtto({
    GITHUB_WEBHOOK_SECRET: SECRET,
    ...(rules ? { SOURCES_FILE: await folder.write("sources.json", rules) } : {}),
    ...env,
  }, instead);
  let sent = 0;
  const stage: SubjectStage = {
    otto,
    get: otto.get,
    message: (id) => otto.get(`/api/messages/${id}`),
    async send(event, payload, { login = "ada", unsigned = false, type = "github" } = {}) {
      // The same signed bytes again would be a captured request: no sender's are.
      const body = JSON.stringify({ repository, sender: { login }, ...payload }) +
        " ".repeat(sent++);
      const signature = createHmac("sha256", SECRET).update(body).digest("hex");
      return await otto.send(type, body, {
        "content-type": "application/json",
        "x-github-event": event,
        ...(unsigned ? {} : { "x-hub-signature-256": `sha256=${signature}` }),
      });
    },
    async tell(event, payload, how) {
      const id = await stage.send(event, payload, how);
      await otto.workOff();
      return id;
    },
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
  return stage;
}
