import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as razorpay from "../../sources/razorpay.ts";

describe("a Razorpay event", () => {
  const payment = { id: "pay_1", amount: 50000, currency: "INR", email: "ada@example.com" };

  it("is told with the money that it moved, and with none where it moved none", () => {
    for (
      const [event, title, things] of [
        ["payment.captured", "Payment captured 500.00 INR from ada@example.com (pay_1)", {
          payment,
        }],
        ["payment.failed", "Payment failed 500.00 INR from ada@example.com (pay_1): Declined", {
          payment: { ...payment, error_description: "Declined" },
        }],
        ["refund.processed", "Refund processed 5.00 INR from ada@example.com (rfnd_1)", {
          refund: { id: "rfnd_1", amount: 500, currency: "INR" },
          payment,
        }],
        [
          "payment.dispute.created",
          "Payment dispute created 390.00 INR from ada@example.com (disp_1)",
          {
            payment,
            dispute: { id: "disp_1", amount: 39000, currency: "INR" },
          },
        ],
        ["order.paid", "Order paid 400.00 INR from ada@example.com (order_1)", {
          payment,
          order: { id: "order_1", amount: 50000, amount_paid: 40000, currency: "INR" },
        }],
        ...["payment_link", "invoice"].flatMap((kind) => {
          const told = kind === "invoice" ? "Invoice" : "Payment link";
          const thing = { id: "p_1", amount: 90000, amount_paid: 0, currency: "INR" };
          return [
            [
              `${kind}.partially_paid`,
              `${told} partially paid 500.00 INR from ada@example.com (p_1)`,
              { payment, [kind]: { ...thing, amount_paid: 70000 } },
            ],
            [
              `${kind}.paid`,
              `${told} paid 900.00 INR from ada@example.com (p_1)`,
              { payment, [kind]: { ...thing, amount_paid: 90000 } },
            ],
            [`${kind}.expired`, `${told} expired (p_1)`, { [kind]: thing }],
            [`${kind}.cancelled`, `${told} cancelled (p_1)`, { [kind]: thing }],
          ] as const;
        }),
        ["subscription.charged", "Subscription charged 500.00 INR from ada@example.com (sub_1)", {
          subscription: { id: "sub_1" },
          payment,
        }],
        ["subscription.paused", "Subscription paused (sub_1)", { subscription: { id: "sub_1" } }],
        ["payment.authorized", "Payment authorized 295 JPY (pay_2)", {
          payment: { id: "pay_2", amount: 295, currency: "JPY" },
        }],
      ] as const
    ) {
      const payload = Object.fromEntries(
        Object.entries(things).map(([kind, entity]) => [kind, { entity }]),
      );
      assertEquals(razorpay.describe({ event, payload }).title, title);
    }
  });
});
