import { itSays } from "./told.ts";

const stripe = (type: string, object: unknown, previous_attributes?: unknown) => ({
  id: "evt_1",
  type,
  data: { object, previous_attributes },
});
const charge = { id: "ch_1", object: "charge", amount: 20000, currency: "usd" };

itSays("stripe", [
  [
    "charge.refunded 5.00 USD (ch_1)",
    stripe("charge.refunded", { ...charge, amount_refunded: 500 }),
  ],
  [
    "charge.refunded 3.00 USD to ada@example.com (ch_1)",
    stripe(
      "charge.refunded",
      { ...charge, amount_refunded: 500, receipt_email: "ada@example.com" },
      { amount_refunded: 200, refunded: false },
    ),
  ],
  [
    "charge.captured 150.00 USD (ch_1)",
    stripe("charge.captured", { ...charge, amount_captured: 15000 }),
  ],
  [
    "charge.succeeded 200.00 USD from cus_1 (ch_1)",
    stripe("charge.succeeded", { ...charge, customer: "cus_1" }),
  ],
  [
    "charge.updated (ch_1): description none → Desk phone",
    stripe(
      "charge.updated",
      { ...charge, description: "Desk phone" },
      { description: null },
    ),
  ],
  [
    "charge.failed 200.00 USD (ch_1): Your card was declined.",
    stripe("charge.failed", {
      ...charge,
      failure_message: "Your card was declined.",
    }),
  ],
  [
    "charge.dispute.created 45.50 EUR (dp_1): fraudulent",
    stripe("charge.dispute.created", {
      id: "dp_1",
      object: "dispute",
      amount: 4550,
      currency: "eur",
      reason: "fraudulent",
    }),
  ],
  [
    "charge.dispute.funds_withdrawn 49.90 USD (dp_1)",
    stripe("charge.dispute.funds_withdrawn", {
      id: "dp_1",
      object: "dispute",
      amount: 4550,
      currency: "eur",
      balance_transactions: [{ amount: -4990, currency: "usd" }],
    }),
  ],
  [
    "charge.dispute.closed 45.50 EUR lost (dp_1)",
    stripe("charge.dispute.closed", {
      id: "dp_1",
      object: "dispute",
      amount: 4550,
      currency: "eur",
      status: "lost",
    }),
  ],
  [
    "refund.created 5.00 USD (re_1): requested by customer",
    stripe("refund.created", {
      id: "re_1",
      object: "refund",
      amount: 500,
      currency: "usd",
      reason: "requested_by_customer",
    }),
  ],
  [
    "payment_intent.succeeded 12.00 USD (pi_1)",
    stripe("payment_intent.succeeded", {
      id: "pi_1",
      amount: 1500,
      amount_received: 1200,
      currency: "usd",
    }),
  ],
  [
    "payment_intent.amount_capturable_updated 7.00 USD (pi_1)",
    stripe(
      "payment_intent.amount_capturable_updated",
      { id: "pi_1", amount: 1500, amount_capturable: 700, currency: "usd" },
    ),
  ],
  [
    "payment_intent.partially_funded (pi_1)",
    stripe("payment_intent.partially_funded", {
      id: "pi_1",
      amount: 1500,
      currency: "usd",
    }),
  ],
  [
    "invoice.payment_failed 8.00 USD (in_1)",
    stripe("invoice.payment_failed", {
      id: "in_1",
      amount_due: 1000,
      amount_remaining: 800,
      amount_paid: 200,
      currency: "usd",
    }),
  ],
  [
    "invoice.paid 0.00 USD (in_1)",
    stripe("invoice.paid", { id: "in_1", amount_due: 1000, amount_paid: 0, currency: "usd" }),
  ],
  [
    "invoice.payment_succeeded 0.00 USD (in_1)",
    stripe("invoice.payment_succeeded", {
      id: "in_1",
      amount_due: 1000,
      amount_paid: 0,
      currency: "usd",
    }),
  ],
  [
    "transfer.reversed 1.00 USD (tr_1)",
    stripe(
      "transfer.reversed",
      { id: "tr_1", amount: 900, amount_reversed: 300, currency: "usd" },
      { amount_reversed: 200 },
    ),
  ],
  [
    "payout.paid 5000 JPY (po_1)",
    stripe("payout.paid", { id: "po_1", amount: 5000, currency: "jpy" }),
  ],
  [
    "payout.failed 5.124 KWD (po_1): The bank account is closed",
    stripe("payout.failed", {
      id: "po_1",
      amount: 5124,
      currency: "kwd",
      failure_message: "The bank account is closed",
    }),
  ],
  [
    "checkout.session.completed 20.00 USD (unpaid) (cs_1)",
    stripe("checkout.session.completed", {
      id: "cs_1",
      object: "checkout.session",
      amount_total: 2000,
      currency: "usd",
      payment_status: "unpaid",
    }),
  ],
  [
    "customer.subscription.updated from cus_1 (sub_1): status active → past_due, items",
    stripe(
      "customer.subscription.updated",
      { id: "sub_1", object: "subscription", status: "past_due", customer: "cus_1", items: {} },
      { status: "active", items: {} },
    ),
  ],
  [
    "price.updated 10.00 USD → 12.00 USD (price_1): unit_amount",
    stripe(
      "price.updated",
      { id: "price_1", object: "price", unit_amount: 1200, currency: "usd" },
      { unit_amount: 1000 },
    ),
  ],
  [
    `product.created "Desk phone" (prod_1)`,
    stripe("product.created", {
      id: "prod_1",
      object: "product",
      name: "Desk phone",
    }),
  ],
  [
    "payment_method.attached visa ending in 4242 from cus_1 (pm_1)",
    stripe("payment_method.attached", {
      id: "pm_1",
      object: "payment_method",
      customer: "cus_1",
      card: { brand: "visa", last4: "4242" },
    }),
  ],
]);

const paddle = (event_type: string, data: unknown) => ({ event_id: "evt_1", event_type, data });

itSays("paddle", [
  [
    "adjustment.created refund 5.00 EUR to ctm_1 (adj_1): error",
    paddle("adjustment.created", {
      id: "adj_1",
      action: "refund",
      customer_id: "ctm_1",
      reason: "error",
      currency_code: "EUR",
      totals: { subtotal: "450", tax: "50", total: "500", currency_code: "EUR" },
    }),
  ],
  [
    "payout.paid 1250.50 USD (pay_1)",
    paddle("payout.paid", {
      id: "pay_1",
      amount: "125050",
      currency_code: "USD",
      status: "paid",
    }),
  ],
  [
    `product.created "Desk phone" (pro_1)`,
    paddle("product.created", { id: "pro_1", name: "Desk phone" }),
  ],
  [
    "price.created 500 JPY (pri_1)",
    paddle("price.created", {
      id: "pri_1",
      unit_price: { amount: "500", currency_code: "JPY" },
    }),
  ],
  [
    "subscription.updated from ctm_1 (sub_1) is past due",
    paddle("subscription.updated", {
      id: "sub_1",
      customer_id: "ctm_1",
      currency_code: "USD",
      status: "past_due",
    }),
  ],
]);

const square = (type: string, data: unknown) => ({ event_id: "1", type, data });

const invoice = (status: string, requests: number) => ({
  type: "invoice",
  id: "I1",
  object: {
    invoice: {
      status,
      next_payment_amount_money: { amount: 6000, currency: "USD" },
      payment_requests: Array(requests).fill({
        computed_amount_money: { amount: 9000, currency: "USD" },
      }),
    },
  },
});

itSays("square", [
  [
    "invoice.payment_made PARTIALLY_PAID (I1)",
    square("invoice.payment_made", invoice("PARTIALLY_PAID", 1)),
  ],
  ["invoice.payment_made 90.00 USD PAID (I1)", square("invoice.payment_made", invoice("PAID", 1))],
  ["invoice.payment_made PAID (I1)", square("invoice.payment_made", invoice("PAID", 2))],
  ["invoice.published 60.00 USD UNPAID (I1)", square("invoice.published", invoice("UNPAID", 2))],
  [
    "refund.created 3.00 USD PENDING (R1): Wrong size",
    square("refund.created", {
      type: "refund",
      id: "R1",
      object: {
        refund: {
          status: "PENDING",
          amount_money: { amount: 300, currency: "USD" },
          reason: "Wrong size",
        },
      },
    }),
  ],
  [
    "payment.updated 20.00 USD (5.00 USD refunded) COMPLETED (P1)",
    square("payment.updated", {
      type: "payment",
      id: "P1",
      object: {
        payment: {
          status: "COMPLETED",
          amount_money: { amount: 2000, currency: "USD" },
          refunded_money: { amount: 500, currency: "USD" },
        },
      },
    }),
  ],
  [
    "order.created OPEN (O1)",
    square("order.created", {
      type: "order",
      id: "O1",
      object: { order_created: { order_id: "O1", state: "OPEN" } },
    }),
  ],
  [
    "customer.created of Ada Byron (C1)",
    square("customer.created", {
      type: "customer",
      id: "C1",
      object: { customer: { given_name: "Ada", family_name: "Byron" } },
    }),
  ],
  [
    "payout.sent 500 JPY SENT (PO1)",
    square("payout.sent", {
      type: "payout",
      id: "PO1",
      object: { payout: { status: "SENT", amount_money: { amount: 500, currency: "JPY" } } },
    }),
  ],
]);

const unit = { amount: { value: "20.00", currency_code: "USD" } };

itSays("paypal", [
  ["PayPal checkout order approved 20.00 USD APPROVED", {
    event_type: "CHECKOUT.ORDER.APPROVED",
    resource: { status: "APPROVED", purchase_units: [unit] },
  }],
  ["PayPal checkout order approved APPROVED", {
    event_type: "CHECKOUT.ORDER.APPROVED",
    resource: { status: "APPROVED", purchase_units: [unit, unit] },
  }],
  ["Payment completed for $ 20.0 USD", {
    event_type: "PAYMENT.CAPTURE.COMPLETED",
    summary: "Payment completed for $ 20.0 USD",
    resource: { amount: { value: "20.00", currency_code: "USD" } },
  }],
  ["A new dispute opened with Case # PP-D-1 (45.50 EUR): merchandise or service not received", {
    event_type: "CUSTOMER.DISPUTE.CREATED",
    summary: "A new dispute opened with Case # PP-D-1",
    resource: {
      reason: "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
      dispute_amount: { value: "45.50", currency_code: "EUR" },
    },
  }],
  ["PayPal payment payouts-item succeeded 7.00 USD SUCCESS", {
    event_type: "PAYMENT.PAYOUTS-ITEM.SUCCEEDED",
    resource: {
      transaction_status: "SUCCESS",
      payout_item: { amount: { value: "7.00", currency: "USD" } },
    },
  }],
]);
