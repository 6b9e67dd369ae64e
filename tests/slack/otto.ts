import { createHmac } from "node:crypto";
import type { Agent } from "../../lib/agent/agent.ts";
import { createWorker } from "../../lib/work/work.ts";
import { type FakeSlack, SELF, startFakeSlack, TOKEN } from "../fakes/slack.ts";
import { JSON_TYPE, openOtto, type Otto } from "../otto.ts";

const SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

/** Otto and a workspace that it is installed in. */
export interface SlackOtto extends AsyncDisposable {
  readonly otto: Otto;
  readonly slack: FakeSlack;
  /** Sends a webhook of the type and works it off; returns its task's id. */
  task(type?: string, payload?: unknown): Promise<string>;
  // deno-lint-ignore no-explicit-any -- tests look into answers of many shapes
  get(path: string): Promise<any>;
  /** Posts a body to /webhook/slack as Slack signs it; returns the message's id. */
  slackPosts(body: string, type?: Record<string, string>): Promise<string>;
  /** An Events API envelope around an event. */
  event(
    event: Record<string, unknown>,
    envelope?: Record<string, unknown>,
  ): Promise<string>;
  /** A click on a button of the post that shows a task. */
  click(user: string, label: string, typed?: string): Promise<string>;
  workOff(): Promise<void>;
  /** Messages alone are worked off, and whoever is to hear of it in Slack has. */
  hear(): Promise<void>;
  /** As if so many seconds had gone by for what Otto waits for in Slack. */
  passTime(seconds: number): Promise<void>;
}

/** Opens Otto with a fake workspace; `agent` is another agent than the built-in one. */
export async function openSlackOtto(
  env: Record<string, string> = {},
  { agent, slack: shared }: { agent?: Agent; slack?: FakeSlack } = {},
): Promise<SlackOtto> {
  const slack = shared ?? await startFakeSlack();
  const otto = await openOtto({
    SLACK_BOT_TOKEN: TOKEN,
    SLACK_API_URL: slack.url,
    SLACK_SIGNING_SECRET: SECRET,
    ...env,
  }, agent && { agent });
  let events = 0;

  async function slackPosts(
    body: string,
    type: Record<string, string> = JSON_TYPE,
  ) {
    const time = String(Math.floor(Date.now() / 1_000));
    // docs.slack.dev, "Verifying requests from Slack".
    const hmac = createHmac("sha256", SECRET).update(`v0:${time}:${body}`)
      .digest("hex");
    return await otto.send("slack", body, {
      ...type,
      "x-slack-request-timestamp": time,
      "x-slack-signature": `v0=${hmac}`,
    });
  }

  return {
    otto,
    slack,
    get: otto.get,
    slackPosts,
    async task(type = "demo", payload = { title: "Hello" }) {
      const id = await otto.send(type, JSON.stringify(payload), JSON_TYPE);
      await otto.workOff();
      return (await otto.get(`/api/messages/${id}`)).task_id;
    },
    event: (event, envelope = {}) =>
      slackPosts(JSON.stringify({
        type: "event_callback",
        team_id: "T0",
        api_app_id: "A0OTTO",
        event_id: `Ev${++events}`,
        authorizations: [{
          team_id: "T0",
          user_id: SELF.user_id,
          is_bot: true,
        }],
        event,
        ...envelope,
      })),
    click(user, label, typed) {
      const post = slack.posts.at(-1)!;
      const button = post.blocks.flatMap((block) => block.elements ?? [])
        .find((element) => element.text?.text === label);
      if (!button) {
        throw new Error(
          `no button "${label}" in ${JSON.stringify(post.blocks)}`,
        );
      }
      const field = post.blocks.find((block) => block.type === "input");
      return slackPosts(
        new URLSearchParams({
          payload: JSON.stringify({
            type: "block_actions",
            user: { id: user, username: "someone", team_id: "T0" },
            api_app_id: "A0OTTO",
            container: {
              type: "message",
              message_ts: post.ts,
              channel_id: post.channel,
              ...(post.thread_ts && { thread_ts: post.thread_ts }),
            },
            trigger_id: `1.2.${++events}`,
            channel: { id: post.channel, name: "ops" },
            state: {
              values: field
                ? {
                  [field.block_id]: {
                    [field.element.action_id]: {
                      type: "plain_text_input",
                      value: typed ?? null,
                    },
                  },
                }
                : {},
            },
            response_url: "https://hooks.slack.com/actions/T0/1/x",
            actions: [{ ...button, action_ts: `${events}.1` }],
          }),
        }).toString(),
        FORM_TYPE,
      );
    },
    workOff: () => otto.workOff(),
    async hear() {
      await createWorker(otto.services).takeMessages(0, new AbortController().signal);
      await otto.services.slack?.idle();
    },
    async passTime(seconds) {
      const { database } = otto.services;
      await database.query("pass time", (sql) =>
        sql`
          update slack_messages
          set due_at = due_at - make_interval(secs => ${seconds}),
            lease_until = lease_until - make_interval(secs => ${seconds})`);
      await database.query(
        "pass time",
        (sql) => sql`update slack_places set free_at = free_at - make_interval(secs => ${seconds})`,
      );
    },
    async [Symbol.asyncDispose]() {
      await otto[Symbol.asyncDispose]();
      if (!shared) await slack[Symbol.asyncDispose]();
    },
  };
}
