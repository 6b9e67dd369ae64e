import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { parse, stringify } from "node:querystring";
import twilioSdk from "twilio";
import * as twilio from "../../sources/twilio.ts";
import { signedTexts } from "../../sources/twilio/signature.ts";
import {
  assertCalm,
  assertDescription,
  described,
  form,
  hostileRequests,
  request,
  signedSample,
  vector,
} from "./request.ts";

const token = "12345";
const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

async function code(
  incoming: Parameters<typeof twilio.verify>[0],
  secrets = [token],
) {
  const verdict = await twilio.verify(incoming, secrets);
  return verdict.ok || verdict.code;
}

describe("a Twilio form's signature", () => {
  const { url, body, sig } = vector("twilio-form");
  const headers = { "x-twilio-signature": sig };
  const signed = form(body, headers, { url });

  it("is right as Twilio's library has it", async () => {
    assertEquals(await code(signed), true);
    assertEquals(await code(signed, ["old", token]), true);
    assertEquals(await code(signed, ["old", ""]), "signature_mismatch");
  });

  it("covers the URL, every field and its name", async () => {
    assertEquals(
      await code(form(body, headers, { url: `${url}&x=1` })),
      "signature_mismatch",
    );
    assertEquals(
      await code(form(`${body}&x=1`, headers, { url })),
      "signature_mismatch",
    );
    assertEquals(
      await code(form(body.replace("1234", "1235"), headers, { url })),
      "signature_mismatch",
    );
    assertEquals(
      await code(form(body.replace("To=", "Tu="), headers, { url })),
      "signature_mismatch",
    );
    assertEquals(await code(form("", headers, { url })), "signature_mismatch");
  });

  it("is found whatever the port in the URL, as Twilio's library finds it", async () => {
    for (const port of ["", ":443", ":8443"]) {
      const asked = url!.replace("mycompany.com", `mycompany.com${port}`);
      const fields = { Body: "hi" };
      for (const signedUrl of [asked, url!]) {
        const signature = twilioSdk.getExpectedTwilioSignature(
          token,
          signedUrl,
          fields,
        );
        const incoming = form(fields, { "x-twilio-signature": signature }, {
          url: asked,
        });
        assertEquals(
          twilioSdk.validateRequest(token, signature, asked, fields),
          true,
        );
        assertEquals(
          await code(incoming),
          true,
          `${signedUrl} asked as ${asked}`,
        );
      }
    }
  });

  it("ignores the URL's fragment, which Twilio does not send", async () => {
    assertEquals(await code(form(body, headers, { url: `${url}#rc=3` })), true);
  });

  it("is judged as Twilio's library judges it, whatever the fields and the URL", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.webUrl({ withQueryParameters: true }),
        fc.array(fc.tuple(fc.string(), fc.string({ unit: "grapheme" })), {
          maxLength: 8,
        }),
        async (url, pairs) => {
          const params: Record<string, string | string[]> = Object.create(null);
          for (const [name, value] of pairs) {
            const before = params[name];
            params[name] = before === undefined ? value : [before, value].flat();
          }
          const signature = twilioSdk.getExpectedTwilioSignature(
            token,
            url,
            params,
          );
          const sent = new URLSearchParams(pairs).toString();
          const incoming = form(sent, { "x-twilio-signature": signature }, {
            url,
          });
          assertEquals(await code(incoming), true);
          assertEquals(await code(incoming, ["54321"]), "signature_mismatch");
        },
      ),
    );
  });

  it("is looked for in the spellings that Twilio's library tries", () => {
    assertEquals([...signedTexts("https://a.example/x?q='")], [
      "https://a.example/x?q='",
      "https://a.example:443/x?q='",
      "https://a.example/x?q=%27",
      "https://a.example:443/x?q=%27",
    ]);
    assertEquals([...signedTexts("http://[::1]:8000/")], [
      "http://[::1]/",
      "http://[::1]:8000/",
    ]);
  });

  it("is looked for in the query as Node's querystring writes it, whatever it is", () => {
    const holds = (query: string) => {
      const written = `https://a.example/x?${stringify(parse(query))}`;
      assert([...signedTexts(`https://a.example/x?${query}`)].includes(written), written);
    };
    const piece = fc.constantFrom(
      ..."abz019&&&===+?/-_.!~*'(),;:@$[]|\\^`{}<> \"é€😀\u0001",
      ...["%", "%2", "%41", "%zz", "%26", "%3d", "%2B", "%20", "%00", "%ff", "%E2%82%AC", "%e2%82"],
      ...["%ef%bb%bf", "&10=", "&2=", "&a=", "__proto__", "toString"],
    );
    fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
      // A URL's bytes are ASCII: what is not stands escaped in it.
      holds(pieces.join("").replace(/\P{ASCII}+/gu, encodeURIComponent));
    }));
    for (const count of [999, 1_000, 1_001, 2_500]) {
      holds(Array.from({ length: count }, (_, i) => `k${i % 900}=${i}`).join("&"));
    }
  });

  it("is refused with a reason when it is missing or malformed", async () => {
    assertEquals(await code(form(body, {}, { url })), "signature_missing");
    for (
      const header of [
        "x",
        `${sig}=`,
        sig.slice(0, -1),
        "-_-_",
        `${sig}, ${sig}`,
        "AAAA",
      ]
    ) {
      assertEquals(
        await code(form(body, { "x-twilio-signature": header }, { url })),
        "signature_malformed",
      );
    }
  });

  it("is wrong on a form that is made to take long", async () => {
    const start = performance.now();
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const hostile = request("a=1&".repeat(250_000), { ...type, ...headers }, {
      url,
    });
    assertEquals(await code(hostile), "signature_mismatch");
    assert(performance.now() - start < 1_000);
  });

  it("on each sample is what Twilio's library takes", async () => {
    for (const sample of twilio.samples) {
      const incoming = await signedSample(twilio, sample, token);
      const signature = incoming.headers.get("x-twilio-signature")!;
      const params = Object.fromEntries(new URLSearchParams(sample.body));
      assertEquals(
        signature,
        twilioSdk.getExpectedTwilioSignature(token, incoming.url, params),
      );
      assertEquals(
        twilioSdk.validateRequest(token, signature, incoming.url, params),
        true,
      );
      assertEquals(await twilio.verify(incoming, [token]), { ok: true });
      assertDescription(described(twilio, incoming));
      assertEquals(described(twilio, incoming).event, sample.event);
      assert(twilio.deliveryId(incoming));
    }
  });
});

describe("a Twilio JSON body's signature", () => {
  const { url, body, sig } = vector("twilio-json");
  const headers = {
    "content-type": "application/json",
    "x-twilio-signature": sig,
  };

  it("is right as Twilio's library has it", async () => {
    assertEquals(await code(request(body, headers, { url })), true);
    assertEquals(
      twilioSdk.validateRequestWithBody(token, sig, url!, body),
      true,
    );
  });

  it("covers the body by its digest in the URL", async () => {
    assertEquals(
      await code(request(`${body} `, headers, { url })),
      "signature_mismatch",
    );
    const other = url!.replace("0a1ff", "0a1fe");
    assertEquals(
      await code(request(body, headers, { url: other })),
      "signature_mismatch",
    );
    assertEquals(
      await code(form(body, headers, { url: `${url}0` })),
      "signature_mismatch",
    );
  });

  it("is none without the digest, even when the URL is signed", async () => {
    const bare = "https://mycompany.com/myapp.php";
    const signature = twilioSdk.getExpectedTwilioSignature(token, bare, {});
    const json = { ...headers, "x-twilio-signature": signature };
    assertEquals(
      await code(request(body, json, { url: bare })),
      "signature_mismatch",
    );
    assertEquals(await code(request("", json, { url: bare })), true);
  });
});

describe("the answer to Twilio", () => {
  it("is TwiML that does nothing, as Twilio's library writes it", () => {
    assertEquals(twilio.answer(form({ Body: "hi" })), {
      status: 200,
      contentType: "text/xml",
      body: EMPTY_TWIML,
    });
    assertEquals(
      new twilioSdk.twiml.MessagingResponse().toString(),
      EMPTY_TWIML,
    );
  });

  it("is Otto's own for JSON", () => {
    assertEquals(
      twilio.answer(request("{}", { "content-type": "application/json" })),
      undefined,
    );
  });
});

describe("a Twilio delivery's id", () => {
  const id = (fields: Record<string, string>, headers = {}) =>
    twilio.deliveryId(form(fields, headers));

  it("is Twilio's own token", () => {
    const headers = { "i-twilio-idempotency-token": "abc" };
    assertEquals(
      id({ MessageSid: "SM1", MessageStatus: "sent" }, headers),
      "abc",
    );
  });

  it("is the message with its status", () => {
    assertEquals(id({ MessageSid: "SM1", MessageStatus: "sent" }), "SM1:sent");
    assertEquals(
      id({ SmsSid: "SM1", SmsStatus: "delivered" }),
      "SM1:delivered",
    );
    assertEquals(id({ MessageSid: "SM1", Body: "" }), "SM1:received");
    assertEquals(id({ MessageSid: "SM1" }), undefined);
  });

  it("is the call with its status and number, for a <Gather> repeats the first two", () => {
    const call = { CallSid: "CA1", CallStatus: "in-progress" };
    assertEquals(id({ ...call, SequenceNumber: "0" }), "CA1:in-progress:0");
    assertEquals(id(call), undefined);
    assertEquals(id({ CallSid: "CA1" }), undefined);
    assertEquals(id({}), undefined);
  });
});

describe("a Twilio event's description", () => {
  it("has the fixed wording, by MessageSid alone", () => {
    const description = (payload: unknown) => twilio.describe(payload).description;
    assertEquals(
      description({ From: "+15551234567", MessageSid: "SM1", Body: "hi" }),
      "Process Twilio message from +15551234567 (SID: SM1)",
    );
    assertEquals(
      description({ From: "+1555" }),
      "Process Twilio message from +1555",
    );
    assertEquals(
      description({ MessageSid: "SM1" }),
      "Process Twilio message (SID: SM1)",
    );
    assertEquals(description({ CallSid: "CA1" }), "Process Twilio message");
    assertEquals(description(null), "Process Twilio message");
  });
});

describe("a Twilio event's title", () => {
  const told = (payload: Record<string, string>) => {
    const { title, event } = twilio.describe(payload);
    return [title, event];
  };
  const ends = { From: "+1555", To: "+1666" };

  it("is what a person would say of a message", () => {
    assertEquals(
      told({ ...ends, MessageSid: "SM1", SmsStatus: "received", Body: "a\nb" }),
      [
        'SMS from +1555 to +1666: "a b"',
        "message.received",
      ],
    );
    assertEquals(
      told({ ...ends, MessageSid: "SM1", Body: "", NumMedia: "2" }),
      [
        "SMS from +1555 to +1666 with 2 media files",
        "message.received",
      ],
    );
    assertEquals(
      told({
        From: "whatsapp:+1555",
        To: "whatsapp:+1666",
        ProfileName: "Ada",
        Body: "hi",
      }),
      ['WhatsApp message from Ada (+1555) to +1666: "hi"', "message.received"],
    );
    assertEquals(
      told({ ...ends, MessageSid: "SM1", MessageStatus: "delivered" }),
      [
        "Message SM1 delivered to +1666",
        "message.delivered",
      ],
    );
    assertEquals(
      told({
        ...ends,
        SmsSid: "SM1",
        MessageStatus: "failed",
        ErrorCode: "30003",
      }),
      [
        "Message SM1 failed to +1666 (error 30003)",
        "message.failed",
      ],
    );
  });

  it("is what a person would say of a call", () => {
    assertEquals(
      told({
        ...ends,
        CallSid: "CA1",
        CallStatus: "completed",
        CallDuration: "42",
      }),
      [
        "Call from +1555 completed, 42 s",
        "call.completed",
      ],
    );
    assertEquals(
      told({
        ...ends,
        CallSid: "CA1",
        CallStatus: "in-progress",
        SpeechResult: "two please",
      }),
      ['Call from +1555 in progress: "two please"', "call.in-progress"],
    );
    assertEquals(told({}), ["Twilio webhook", undefined]);
  });

  it("comes with the whole body of the message", () => {
    const body = `${"long ".repeat(300)}\nend`;
    assertEquals(twilio.describe({ Body: body }).text, body);
  });
});

describe("whatever is sent to Twilio's webhook", () => {
  it("is taken calmly", async () => {
    await assertCalm(
      twilio,
      hostileRequests(["x-twilio-signature", "i-twilio-idempotency-token"], [
        "From",
        "To",
        "Body",
        "MessageSid",
        "SmsStatus",
        "MessageStatus",
        "CallSid",
        "CallStatus",
        "NumMedia",
        "ErrorCode",
        "ProfileName",
        "type",
      ]),
    );
  });
});
