import { assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import Stripe from "stripe";
import * as stripe from "../../sources/stripe.ts";
import {
  assertCalm,
  assertDescription,
  assertTamperProof,
  described,
  hostileRequests,
  NOW,
  request,
  signedSample,
  vector,
} from "./request.ts";

const sdk = new Stripe("sk_test_x");
const secret = "whsec_test_secret";

/** A header as Stripe's own library makes it. */
function header(payload: string, age = 0, key = secret): Promise<string> {
  return sdk.webhooks.generateTestHeaderStringAsync({
    payload,
    secret: key,
    timestamp: NOW / 1000 - age,
  });
}

async function code(
  value: string | undefined,
  body = "{}",
  secrets = [secret],
) {
  const headers: Record<string, string> = value === undefined ? {} : { "stripe-signature": value };
  const verdict = await stripe.verify(request(body, headers), secrets);
  return verdict.ok || verdict.code;
}

describe("a Stripe webhook's signature", () => {
  it("is right as Stripe's library makes it, with the literal whsec_ as the key", async () => {
    const { body, sig, ts } = vector("stripe");
    assertEquals(await header(body), `t=${ts},v1=${sig}`);
    assertEquals(await code(`t=${ts},v1=${sig}`, body), true);
    assertEquals(
      await code(await header(body, 0, "test_secret"), body),
      "signature_mismatch",
    );
  });

  it("notices every change of the body", async () => {
    const signed = request('{"id":"evt_1"}', {
      "stripe-signature": await header('{"id":"evt_1"}'),
    });
    await assertTamperProof(stripe, signed, secret);
  });

  it("may be any of several during a roll, among five", async () => {
    const [time, right] = (await header("{}")).split(",");
    const wrong = `v1=${"0".repeat(64)}`;
    assertEquals(await code([time, wrong, right].join(",")), true);
    assertEquals(await code([time, ` ${right}`, "v0=00"].join(",")), true);
    assertEquals(
      await code(`${await header("{}")}, ${await header("{}")}`),
      true,
    );
    assertEquals(
      await code([time, ...Array(1_000).fill(wrong), right].join(",")),
      "signature_mismatch",
    );
    assertEquals(await code(await header("{}"), "{}", ["old", secret]), true);
  });

  it("counts for 300 s in the past and into the future", async () => {
    assertEquals(await code(await header("{}", 300)), true);
    assertEquals(
      await code(await header("{}", 301)),
      "timestamp_outside_window",
    );
    assertEquals(await code(await header("{}", -300)), true);
    assertEquals(
      await code(await header("{}", -301)),
      "timestamp_outside_window",
    );
    assertEquals(
      await code(await header("{}", 301, "wrong")),
      "signature_mismatch",
    );
  });

  it("is refused with a reason when it is missing or malformed", async () => {
    const [time, right] = (await header("{}")).split(",");
    assertEquals(await code(undefined), "signature_missing");
    for (
      const value of [
        time,
        right,
        `${time},${right.replace("v1", "v0")}`,
        `${time},${right.replace("v1", "v1a")}`,
        `t=,${right}`,
        `t=NaN,${right}`,
        `t=17e8,${right}`,
        `t=${NOW},${right}`,
        `${time},t=1700000001,${right}`,
        `${time},v1=zz`,
        "garbage",
        ",".repeat(8_000),
      ]
    ) assertEquals(await code(value), "signature_malformed", value);
  });

  it("on each sample is what Stripe's library takes", async () => {
    for (const sample of stripe.samples) {
      const signed = await signedSample(stripe, sample, secret);
      const value = signed.headers.get("stripe-signature")!;
      assertEquals(value, await header(sample.body));
      const event = await sdk.webhooks.constructEventAsync(
        sample.body,
        value,
        secret,
        300,
        undefined,
        NOW,
      );
      assertEquals(event.type, sample.event as typeof event.type);
      await assertRejects(() =>
        sdk.webhooks.constructEventAsync(
          sample.body + " ",
          value,
          secret,
          300,
          undefined,
          NOW,
        )
      );
      assertEquals(await stripe.verify(signed, [secret]), { ok: true });
      assertDescription(described(stripe, signed));
    }
  });
});

describe("a Stripe event's id", () => {
  it("is the event's own", () => {
    assertEquals(stripe.deliveryId(request('{"id":"evt_1"}')), "evt_1");
    for (
      const body of [
        "{}",
        '{"id":""}',
        '{"id":{}}',
        "",
        "evt_1",
        "[".repeat(600),
      ]
    ) {
      assertEquals(stripe.deliveryId(request(body)), undefined);
    }
    assertEquals(
      stripe.deliveryId(request(`{"id":"${"x".repeat(1_001)}"}`)),
      undefined,
    );
  });
});

describe("a Stripe event's description", () => {
  it("has the fixed wording", () => {
    const description = (payload: unknown) => stripe.describe(payload).description;
    assertEquals(
      description({ id: "evt_1", type: "invoice.paid" }),
      "Process Stripe invoice.paid event (ID: evt_1)",
    );
    assertEquals(
      description({ type: "invoice.paid" }),
      "Process Stripe invoice.paid event",
    );
    assertEquals(
      description({ id: "evt_1" }),
      "Process Stripe event (ID: evt_1)",
    );
    assertEquals(description(null), "Process Stripe event");
  });
});

describe("a Stripe event's title", () => {
  const title = (object: Record<string, unknown>, type = "invoice.created") =>
    stripe.describe({ id: "evt_1", type, data: { object } }).title;

  it("has amount, customer and object", () => {
    assertEquals(
      title({
        id: "in_1",
        amount_paid: 2000,
        currency: "usd",
        customer_email: "a@b.c",
      }),
      "invoice.created 20.00 USD from a@b.c (in_1)",
    );
    assertEquals(title({}, "customer.created"), "customer.created (evt_1)");
    assertEquals(stripe.describe({}).title, "Stripe event");
  });

  it("writes amounts with the digits Stripe counts in", () => {
    const amounts: [amount: number, currency: string, written: string][] = [
      [2000, "usd", "20.00 USD"],
      [5, "eur", "0.05 EUR"],
      [-1050, "eur", "-10.50 EUR"],
      [500, "jpy", "500 JPY"],
      [5124, "kwd", "5.124 KWD"],
      [1000, "isk", "10.00 ISK"],
      [1000, "ugx", "10.00 UGX"],
      [1000, "huf", "10.00 HUF"],
      [1000, "twd", "10.00 TWD"],
      [1000, "rsd", "10.00 RSD"],
      [0, "usd", "0.00 USD"],
    ];
    for (const [amount, currency, written] of amounts) {
      assertEquals(
        title({ id: "x", amount, currency }),
        `invoice.created ${written} (x)`,
      );
    }
    assertEquals(
      title({ id: "x", amount: 1.5, currency: "usd" }),
      "invoice.created (x)",
    );
    assertEquals(
      title({ id: "x", amount: 5, currency: "constructor" }),
      "invoice.created (x)",
    );
    assertEquals(
      title({ id: "x", amount_due: 900, amount_paid: 0, currency: "usd" }),
      "invoice.created 9.00 USD (x)",
    );
  });

  it("tells thin events by what they are related to", () => {
    const thin = stripe.describe({
      id: "evt_2",
      object: "v2.core.event",
      type: "v1.billing.meter.error_report_triggered",
      related_object: {
        id: "mtr_1",
        type: "billing.meter",
        url: "/v1/billing/meters/mtr_1",
      },
    });
    assertEquals(thin.title, "v1.billing.meter.error_report_triggered (mtr_1)");
    assertEquals(thin.fields?.object, "billing.meter mtr_1");
  });

  it("comes with what changed and a link to the dashboard", () => {
    const { fields, link } = stripe.describe({
      id: "evt_1",
      type: "customer.updated",
      livemode: false,
      data: {
        object: { id: "cus_1", object: "customer" },
        previous_attributes: { email: "x", name: null },
      },
    });
    assertEquals(link, "https://dashboard.stripe.com/test/events/evt_1");
    assertEquals(fields?.changed, "email, name");
    assertEquals(fields?.mode, "test");
    assertEquals(stripe.describe({ id: "evt_1/../x" }).link, undefined);
  });
});

describe("whatever is sent to Stripe's webhook", () => {
  it("is taken calmly", async () => {
    await assertCalm(
      stripe,
      hostileRequests(["stripe-signature"], [
        "id",
        "type",
        "data",
        "object",
        "amount",
        "amount_paid",
        "currency",
        "customer",
        "description",
        "previous_attributes",
        "related_object",
      ]),
    );
  });
});
