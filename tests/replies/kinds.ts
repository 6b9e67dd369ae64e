import { nodeIdOf, reviewIdOf } from "../fakes/vendors/github.ts";
import { ACCOUNT, sidOf } from "../fakes/vendors/twilio.ts";
import type { Any } from "../agent/stage.ts";
import { GITLAB_KINDS } from "./gitlab_kinds.ts";
import { SAID, type Sender } from "./stage.ts";

/** Something that can be answered: what comes, what is sent for it, and what comes of that. */
export interface Kind {
  name: string;
  sender: Sender;
  payload: Any;
  headers?: Record<string, string>;
  /** Below the API's address. */
  path: string;
  body: Any;
  to: string;
  /** What the vendor tells us of our own reply, where it does: by its number there. */
  echoes?: (number: number) => { payload: Any; headers?: Record<string, string> }[];
}

const SHA = "a".repeat(40);
const repository = { full_name: "octo/phone", id: 5 };
const human = { login: "octocat", type: "User" };
const bot = { login: "otto-bot", type: "User" };
const github = (
  name: string,
  event: string,
  payload: Any,
  sent: Pick<Kind, "path" | "to" | "echoes">,
): Kind => ({
  name,
  sender: "github",
  headers: { "x-github-event": event },
  payload: { repository, sender: human, ...payload },
  body: { body: SAID },
  ...sent,
});
const issue = { number: 7, title: "It crashes" };
const pull = { number: 8, title: "Better" };
/** Our comment, as GitHub tells of it. */
const comment = (event: string, about: Any, more: Any = {}) => (number: number) => ({
  headers: { "x-github-event": event },
  payload: {
    action: "created",
    repository,
    sender: bot,
    ...about,
    comment: { id: number, node_id: nodeIdOf(number), body: SAID, user: bot, ...more },
  },
});

const message = { message_id: 11, chat: { id: -100123, type: "supergroup" }, text: "Hello?" };
const telegram = (name: string, payload: Any, body: Any): Kind => ({
  name,
  sender: "telegram",
  payload: { update_id: 1, ...payload },
  path: "/bot•/sendMessage",
  to: `chat ${body.chat_id}`,
  body: {
    text: SAID,
    reply_parameters: { message_id: 11, allow_sending_without_reply: true },
    link_preview_options: { is_disabled: true },
    ...body,
  },
});

const twilio = (name: string, to: string, { From, To }: Record<string, string>): Kind => ({
  name,
  sender: "twilio",
  payload: { MessageSid: `SM${"c".repeat(32)}`, AccountSid: ACCOUNT, From, To, Body: "Open?" },
  path: `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`,
  to,
  body: { To: From, From: To, Body: SAID },
  echoes: (number) =>
    ["sent", "delivered"].map((MessageStatus) => ({
      payload: {
        MessageSid: sidOf(number),
        MessageStatus,
        AccountSid: ACCOUNT,
        From: To,
        To: From,
      },
    })),
});

/** One of each kind that can be answered through the vendors on one port; Slack's is apart. */
export const KINDS: Kind[] = [
  github("an issue", "issues", { action: "opened", issue }, {
    path: "/repos/octo/phone/issues/7/comments",
    to: "octo/phone#7",
    echoes: (number) => [comment("issue_comment", { issue })(number)],
  }),
  github("a pull request", "pull_request", { action: "opened", pull_request: pull }, {
    path: "/repos/octo/phone/issues/8/comments",
    to: "octo/phone#8",
    echoes: (number) => [
      comment("issue_comment", { issue: { ...pull, pull_request: {} } })(number),
    ],
  }),
  github("a review's thread", "pull_request_review_comment", {
    action: "created",
    pull_request: pull,
    comment: {
      id: 91,
      node_id: "PRRC_1",
      in_reply_to_id: 90,
      pull_request_review_id: 3,
      body: "Why?",
    },
  }, {
    path: "/repos/octo/phone/pulls/8/comments/90/replies",
    to: "octo/phone#8",
    // An answer in a thread is told of twice (github.com/ghostty-org/discord-bot/pull/324).
    echoes: (number) => [
      {
        headers: { "x-github-event": "pull_request_review" },
        payload: {
          action: "submitted",
          repository,
          sender: bot,
          pull_request: pull,
          review: { id: reviewIdOf(number), state: "commented", body: null, user: bot },
        },
      },
      comment("pull_request_review_comment", { pull_request: pull }, {
        pull_request_review_id: reviewIdOf(number),
        in_reply_to_id: 90,
      })(number),
    ],
  }),
  github("a commit", "commit_comment", {
    action: "created",
    comment: { id: 92, node_id: "CC_1", commit_id: SHA, body: "Why?" },
  }, {
    path: `/repos/octo/phone/commits/${SHA}/comments`,
    to: `octo/phone@${SHA.slice(0, 10)}`,
    echoes: (number) => [comment("commit_comment", {}, { commit_id: SHA })(number)],
  }),
  github("a failed run of a pull request", "workflow_run", {
    action: "completed",
    workflow_run: {
      id: 3,
      name: "test",
      conclusion: "failure",
      head_sha: SHA,
      pull_requests: [{ number: 9, base: { repo: { id: 5 } } }],
    },
  }, { path: "/repos/octo/phone/issues/9/comments", to: "octo/phone#9" }),
  github("a failed run of a fork's", "workflow_run", {
    action: "completed",
    workflow_run: {
      id: 4,
      name: "test",
      conclusion: "failure",
      head_sha: SHA,
      pull_requests: [{ number: 9, base: { repo: { id: 6 } } }],
    },
  }, {
    path: `/repos/octo/phone/commits/${SHA}/comments`,
    to: `octo/phone@${SHA.slice(0, 10)}`,
  }),
  github("a status", "status", { sha: SHA, state: "failure", context: "ci" }, {
    path: `/repos/octo/phone/commits/${SHA}/comments`,
    to: `octo/phone@${SHA.slice(0, 10)}`,
  }),
  ...GITLAB_KINDS,
  telegram("a message in a group's topic", {
    message: { ...message, is_topic_message: true, message_thread_id: 4 },
  }, { chat_id: -100123, message_thread_id: 4 }),
  {
    ...telegram("what one person writes to a channel", {
      message: {
        ...message,
        chat: { ...message.chat, is_direct_messages: true },
        direct_messages_topic: { topic_id: 77 },
      },
    }, { chat_id: -100123, direct_messages_topic_id: 77 }),
    to: "chat -100123/77",
  },
  {
    ...telegram("a channel's post", { channel_post: message }, { chat_id: -100123 }),
    echoes: (number) => [
      {
        payload: {
          update_id: 2,
          channel_post: { message_id: number, chat: message.chat, text: SAID },
        },
      },
      // And again in the group that discusses the channel; the second as before Bot API 7.0.
      ...[
        { forward_origin: { type: "channel", chat: message.chat, message_id: number } },
        { forward_from_chat: message.chat, forward_from_message_id: number },
      ].map((origin, index) => ({
        payload: {
          update_id: 3 + index,
          message: {
            message_id: 900 + index,
            chat: { id: -100200, type: "supergroup" },
            is_automatic_forward: true,
            text: SAID,
            ...origin,
          },
        },
      })),
    ],
  },
  twilio("an SMS", "SMS to +4915112345678 from +15005550001", {
    From: "+4915112345678",
    To: "+15005550001",
  }),
  twilio("an SMS to a short code", "SMS to +4915112345678 from 12345", {
    From: "+4915112345678",
    To: "12345",
  }),
  twilio("a WhatsApp message", "WhatsApp to +4915112345678 from +15005550001", {
    From: "whatsapp:+4915112345678",
    To: "whatsapp:+15005550001",
  }),
];
