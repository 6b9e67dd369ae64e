import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { brokenConnection } from "../../../lib/agent/provider/unreadable.ts";
import { onAnthropic, onChat, onGemini } from "./provider_stage.ts";

const answer = JSON.stringify({
  choices: [{ message: { content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 100, completion_tokens: 10 },
});
const openai = onChat.bind(null, "openai");

describe("a 200 that is no JSON", () => {
  it("is waited for a few times, and says what it was without what a model may have thought", async () => {
    const kinds: [typeof onGemini, string, RegExp][] = [
      [openai, "<html><title>Sign in to WiFi</title>", /answered a page: Sign in to WiFi\. Some/],
      [openai, "", /answered nothing\. Something else may answer there/],
      [openai, answer.slice(0, 50), /broken JSON, or it broke off: \{"choices"/],
      [openai, answer + answer, /broken JSON/],
      [openai, '{"choices":[{"message":{"reasoning_content":"SECRET', /broke off\. Something/],
      [openai, ": keep-alive\n\n", /answered a stream, though none was asked for\. Its server/],
      [openai, "event: message_start\ndata: {}\n\n", /answered a stream/],
      [onAnthropic, 'event: x\ndata: {"delta":{"thinking":"SECRET"}}\n\n', /answered a stream/],
      [onGemini, 'data: {"text":"SECRET","thought":true}\n\n', /a stream/],
      [
        openai,
        '{"message":{"thinking":"SECRET"}}\n{"done":true}\n',
        /broken JSON, or it broke off/,
      ],
      [openai, "upstream connect error", /cannot be read: upstream connect error/],
      [openai, "\x1f\x8b\x08\x00bin\x00ary\x00", /cannot be read: bin ary/],
    ];
    for (const [on, raw, says] of kinds) {
      await on(async ({ fake, failure }) => {
        fake.script = [{ raw, type: "text/html" }];
        const { temporary, doubtful, mayHaveBilled, message } = await failure();
        assertEquals([temporary, doubtful], [true, true], raw);
        // No model writes pages, nor plain words.
        assertEquals(mayHaveBilled, !/page|be read/.test(message), message);
        assertMatch(message, says);
        assert(!message.includes("SECRET"), message);
      });
    }
    await openai(async ({ fake, failure }) => {
      fake.script = [{ raw: answer, headers: { "content-encoding": "gzip" } }];
      const { doubtful, message } = await failure();
      assert(doubtful);
      assertMatch(message, /says that it compresses/);
    });
  });

  it("is one all the same behind what kept its connection awake, and before a stream's end", async () => {
    await openai(async ({ fake, step }) => {
      for (
        const raw of [
          `: OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n${answer}`,
          `\n\n\n${answer}`,
          `\ufeff${answer}`,
          `${answer}\n\ndata: [DONE]\n\n`,
          `${"\n".repeat(99)}data: ${answer.replace("message", "delta")}\n\ndata: [DONE]\n\n`,
        ]
      ) {
        fake.script = [{ raw, type: "text/event-stream" }];
        const { text, tokens } = await step();
        assertEquals([text, tokens.input], ["Hi", 100], raw);
      }
    });
  });
});

describe("a connection that fails", () => {
  it("is doubtful where time does not mend it, and billed nothing where nobody was reached", () => {
    const to = "error sending request for url (http://ssl.example:1/gzip): client error (Connect)";
    for (
      const [words, isDoubtful, mayHaveBilled] of [
        // Deno's words, then Node's.
        [`${to}: tcp connect error: Connection refused (os error 111)`, false, false],
        [`${to}: dns error: failed to lookup address information`, false, false],
        [
          `${to}: dns error: failed to lookup address information : Temporary failure in name resolution`,
          false,
          false,
        ],
        [
          `${to}: dns error: failed to lookup address information : Name or service not known`,
          true,
          false,
        ],
        [
          `${to}: dns error: failed to lookup address information : nodename nor servname provided, or not known`,
          false,
          false,
        ],
        [`${to}: invalid peer certificate: UnknownIssuer`, true, false],
        [`${to}: received corrupt message of type InvalidContentType`, true, false],
        ["client error (SendRequest): invalid HTTP version parsed", true, true],
        ["Fetch failed: Requests to port 9 are blocked", true, false],
        ["error reading a body from connection", false, true],
        ["Invalid gzip header", true, true],
        ["fetch failed (connect ECONNREFUSED 127.0.0.1:9)", false, false],
        ["fetch failed (getaddrinfo ENOTFOUND models.example)", false, false],
        ["fetch failed (getaddrinfo EAI_AGAIN models.example)", false, false],
        ["fetch failed (self-signed certificate)", true, false],
        ["fetch failed (bad port)", true, false],
        [
          "fetch failed (Response does not match the HTTP/1.1 protocol (Expected HTTP/))",
          true,
          true,
        ],
        ["fetch failed (Connect Timeout Error)", false, false],
        ["terminated (other side closed)", false, true],
        ["terminated (incorrect header check)", true, true],
      ] as [string, boolean, boolean][]
    ) {
      const known = brokenConnection(words);
      assertEquals(
        [known.hint !== undefined, known.mayHaveBilled],
        [isDoubtful, mayHaveBilled],
        words,
      );
    }
  });
});
