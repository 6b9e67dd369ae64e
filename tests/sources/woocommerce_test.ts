import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { createHmac } from "node:crypto";
import * as woo from "../../sources/woocommerce.ts";
import { form, request } from "./request.ts";

const headersOf = (topic: string) => ({
  "x-wc-webhook-topic": topic,
  "x-wc-webhook-source": "https://shop.example.com/",
  "x-wc-webhook-delivery-id": "d1",
});

describe("a WooCommerce webhook", () => {
  it("is signed over the body in base64", async () => {
    const signature = createHmac("sha256", "secret").update("{}").digest("base64");
    const headers = { "x-wc-webhook-signature": signature };
    assertEquals(await woo.verify(request("{}", headers), ["secret"]), { ok: true });
    assertEquals((await woo.verify(request("{ }", headers), ["secret"])).ok, false);
  });

  it("is tried without a signature by its number alone", () => {
    assertEquals(woo.probe(form("webhook_id=12")), { status: 200 });
    for (const body of ["webhook_id=", "webhook_id=12&x=1", "webhook_id=1a", "{}"]) {
      assertEquals(woo.probe(form(body)), undefined, body);
    }
    assertEquals(woo.probe(form("webhook_id=12", {}, { method: "GET" })), undefined);
  });

  it("shares its id with all of its second, and so is known by its content, too", () => {
    const idOf = (body: string) => woo.deliveryId(request(body, headersOf("order.updated")));
    assertEquals(idOf(`{"id":1}`), idOf(`{"id":1}`));
    assertNotEquals(idOf(`{"id":1}`), idOf(`{"id":2}`));
    assertEquals(woo.deliveryId(request("{}")), undefined);
    assertEquals(woo.signedContentKeys(request(`{"id":1}`)), []);
    assert(woo.signedContentKeys(request(`{"id":1,"date_modified_gmt":"x"}`)).length > 0);
  });

  it("is another event under another topic, though all its bytes are the same", () => {
    const body = `{"id":1,"date_modified_gmt":"x"}`;
    const keyOf = (topic: string) =>
      String(woo.signedContentKeys(request(body, headersOf(topic))).map(String));
    const topics = ["created", "updated", "deleted", "restored"].map((did) => `order.${did}`);
    assertEquals(new Set(topics.map(keyOf)).size, topics.length);
    assertEquals(keyOf("order.created"), keyOf("order.created"));
    // A word of somebody's own makes no new event.
    assertEquals(keyOf("order.one"), keyOf("order.two"));
  });

  it("is told by the topic in its header", () => {
    for (
      const [topic, title, payload] of [
        ["order.updated", "Order #7 updated for 20.00 EUR from Ada Byron (2 items) – completed", {
          id: 7,
          status: "completed",
          currency: "EUR",
          total: "20.00",
          billing: { first_name: "Ada", last_name: "Byron" },
          line_items: [{}, {}],
        }],
        ["order.deleted", "Order #7 deleted", { id: 7 }],
        ["product.updated", `Product "Desk phone" updated`, {
          id: 8,
          name: "Desk phone",
          type: "simple",
        }],
        ["coupon.created", `Coupon "TEN" created`, { id: 9, code: "TEN" }],
        ["customer.created", `Customer "Ada Byron" created`, {
          id: 9,
          first_name: "Ada",
          last_name: "Byron",
        }],
        ["action.woocommerce_add_to_cart", "Action woocommerce add to cart", { action: "x" }],
      ] as const
    ) {
      const told = woo.describe(payload, { headers: new Headers(headersOf(topic)) });
      assertEquals(told.title, `${title} in shop.example.com`);
      assertEquals(told.event, topic);
    }
    assertEquals(woo.describe({ id: 7, line_items: [{}] }).title, "Order #7 (1 item)");
  });
});
