import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { about, assertTold, summary } from "./told.ts";

describe("what a Stripe event is about", () => {
  const told = (type: string, object: Record<string, unknown>, more = {}) => ({
    type,
    created: 1_700_000_000,
    livemode: true,
    data: { object },
    ...more,
  });
  const invoice = { object: "invoice", id: "in_1", number: "A-1" };
  const subscription = { object: "subscription", id: "sub_1" };

  it("is one invoice from its failure to its end", () => {
    const roles: [type: string, role: string][] = [
      ["invoice.payment_failed", "opens"],
      ["invoice.payment_action_required", "opens"],
      ["invoice.finalization_failed", "opens"],
      ["invoice.updated", "notes"],
      ["invoice.paid", "closes"],
      ["invoice.payment_succeeded", "closes"],
      ["invoice.voided", "closes"],
      ["invoice.marked_uncollectible", "closes"],
    ];
    for (const [type, role] of roles) {
      assertEquals(summary("stripe", told(type, invoice)), `${role} own:true:in_1`, type);
    }
    const again = told("invoice.payment_failed", { ...invoice, attempt_count: 2 });
    assertEquals(summary("stripe", again), "continues own:true:in_1");
    const found = about("stripe", told("invoice.paid", invoice));
    assertEquals(found?.name, "Invoice A-1");
    assertEquals(found?.link, "https://dashboard.stripe.com/invoices/in_1");
    assertEquals(found?.at, 1_700_000_000_000);
  });

  it("is a subscription, a dispute or a payment", () => {
    const previous = { data: { object: { ...subscription, status: "active" } } };
    const active = (previous_attributes: unknown) => ({
      ...told("customer.subscription.updated", {}),
      data: { ...previous.data, previous_attributes },
    });
    assertTold("stripe", [
      [told("customer.subscription.created", subscription), "opens own:true:sub_1"],
      [told("customer.subscription.trial_will_end", subscription), "opens own:true:sub_1"],
      [told("customer.subscription.updated", subscription), "notes own:true:sub_1"],
      [active({ status: "past_due" }), "closes own:true:sub_1"],
      [active({ quantity: 1 }), "notes own:true:sub_1"],
      [told("customer.subscription.deleted", subscription), "closes own:true:sub_1"],
      [
        told("charge.dispute.created", { object: "dispute", id: "dp_1" }),
        "opens own:true:dp_1",
      ],
      [
        told("charge.dispute.closed", { object: "dispute", id: "dp_1" }),
        "closes own:true:dp_1",
      ],
      [
        told("payment_intent.succeeded", { object: "payment_intent", id: "pi_1" }),
        "closes own:true:pi_1",
      ],
      [
        told("radar.early_fraud_warning.created", {
          object: "radar.early_fraud_warning",
          id: "issfr_1",
        }),
        "opens own:true:issfr_1",
      ],
    ]);
  });

  it("is another's in another account or mode, and nothing where a part is missing", () => {
    assertTold("stripe", [
      [told("invoice.paid", invoice, { account: "acct_1" }), "closes acct_1:true:in_1"],
      [told("invoice.paid", invoice, { livemode: false }), "closes own:false:in_1"],
      [told("invoice.paid", invoice, { account: "a\nb" }), undefined],
      [told("invoice.paid", invoice, { livemode: undefined }), undefined],
      [told("invoice.paid", { ...invoice, id: undefined }), undefined],
      [told("customer.created", { object: "customer", id: "cus_1" }), undefined],
      [told("customer.created", { object: "__proto__", id: "cus_1" }), undefined],
      [
        {
          type: "v1.billing.meter.error_report_triggered",
          livemode: false,
          related_object: { type: "billing.meter", id: "mtr_1" },
        },
        "notes own:false:mtr_1",
      ],
    ]);
  });
});

describe("what a Shopify webhook is about", () => {
  const headers = (topic: string) => ({
    "x-shopify-topic": topic,
    "x-shopify-shop-domain": "Otto.myshopify.com",
    "x-shopify-triggered-at": "2026-01-02T03:04:05.123456789Z",
  });
  const ORDER = "otto.myshopify.com:order:1001";

  it("is one order, with its refunds, payments and fulfillments", () => {
    const order = { id: 1001, name: "#1001" };
    const part = { id: 5, order_id: 1001 };
    const told: [topic: string, payload: unknown, role: string][] = [
      ["orders/create", order, "opens"],
      ["orders/paid", order, "continues"],
      ["orders/partially_fulfilled", order, "continues"],
      ["orders/edited", { order_edit: { id: 6, order_id: 1001 } }, "continues"],
      ["orders/updated", order, "notes"],
      ["orders/fulfilled", order, "closes"],
      ["orders/cancelled", order, "closes"],
      ["orders/delete", { id: 1001 }, "closes"],
      ["refunds/create", part, "continues"],
      ["fulfillments/create", part, "notes"],
      ["fulfillments/update", part, "notes"],
      ["order_transactions/create", part, "notes"],
    ];
    for (const [topic, payload, role] of told) {
      assertEquals(summary("shopify", payload, headers(topic)), `${role} ${ORDER}`, topic);
    }
    const found = about("shopify", order, headers("orders/paid"));
    assertEquals(found?.name, "Order #1001");
    assertEquals(found?.link, "https://otto.myshopify.com/admin/orders/1001");
    assertEquals(found?.at, Date.UTC(2026, 0, 2, 3, 4, 5, 123));
  });

  it("is a product, a customer or a checkout of its own, and nothing without its shop", () => {
    assertTold("shopify", [
      [{ id: 7 }, "opens otto.myshopify.com:product:7", headers("products/create")],
      [{ id: 7 }, "notes otto.myshopify.com:customer:7", headers("customers/update")],
      [{ id: 7, token: "t1" }, "opens otto.myshopify.com:checkout:t1", headers("checkouts/create")],
      [{ id: 7 }, undefined, headers("checkouts/create")],
      [{ id: 7 }, undefined, headers("shop/update")],
      [{ order_id: null }, undefined, headers("refunds/create")],
      [{ id: 7 }, undefined],
      [{ id: 7 }, undefined, { "x-shopify-topic": "orders/paid" }],
    ]);
  });
});
