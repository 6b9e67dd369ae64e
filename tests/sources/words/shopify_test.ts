import { itSays } from "./told.ts";

const topic = (name: string) => ({ "x-shopify-topic": name });

itSays("shopify", [
  ["Order #1001 paid for 59.90 EUR by Ada Byron (3 items) in o.myshopify.com", {
    name: "#1001",
    total_price: "59.90",
    currency: "EUR",
    customer: { first_name: "Ada", last_name: "Byron" },
    line_items: [{ quantity: 2 }, { quantity: 1 }],
  }, { ...topic("orders/paid"), "x-shopify-shop-domain": "o.myshopify.com" }],
  ["Order #1001 of ada@example.com cancelled: customer", {
    name: "#1001",
    total_price: "59.90",
    currency: "EUR",
    email: "ada@example.com",
    cancel_reason: "customer",
  }, topic("orders/cancelled")],
  ["Order (5) edited: 1 line added, 2 lines taken off", {
    order_edit: { order_id: 5, line_items: { additions: [{}], removals: [{}, {}] } },
  }, topic("orders/edited")],
  ["Refund (9) of order (5) created over 12.50 EUR", {
    id: 9,
    order_id: 5,
    transactions: [
      { kind: "refund", status: "success", amount: "10.00", currency: "EUR" },
      { kind: "refund", status: "success", amount: "2.50", currency: "EUR" },
      { kind: "refund", status: "failure", amount: "7.00", currency: "EUR" },
    ],
  }, topic("refunds/create")],
  ["Refund (9) of order (5) created", {
    id: 9,
    order_id: 5,
    transactions: [
      { kind: "refund", amount: "10.00", currency: "EUR" },
      { kind: "refund", amount: "2.50", currency: "USD" },
    ],
  }, topic("refunds/create")],
  ["Dispute (3) of order (5) created over 45.50 USD: fraudulent", {
    id: 3,
    order_id: 5,
    amount: "45.50",
    currency: "USD",
    reason: "fraudulent",
  }, topic("disputes/create")],
  ["Customer Bob Ray created", {
    id: 1,
    first_name: "Bob",
    last_name: "Ray",
    email: "bob@example.com",
  }, topic("customers/create")],
  [
    "Customer bob@example.com deleted",
    { id: 1, email: "bob@example.com" },
    topic("customers/delete"),
  ],
  [`Company "Octo" created`, { name: "Octo" }, topic("companies/create")],
  ["Shipping address (7) updated", { id: 7 }, topic("shipping_addresses/update")],
  [`Reverse delivery (8) created`, { id: 8 }, topic("reverse_deliveries/create")],
  ["Inventory level of item 6 at location 4 updated (12 available)", {
    inventory_item_id: 6,
    location_id: 4,
    available: 12,
  }, topic("inventory_levels/update")],
  [`Variant "Large" is out of stock`, { title: "Large" }, topic("variants/out_of_stock")],
  [`Product listing "Desk phone" added`, {
    product_listing: { title: "Desk phone" },
  }, topic("product_listings/add")],
  [`App subscription "Gold" updated (active)`, {
    app_subscription: { name: "Gold", status: "ACTIVE" },
  }, topic("app_subscriptions/update")],
  [`App "Octo shop" uninstalled`, { name: "Octo shop" }, topic("app/uninstalled")],
  ["Bulk operation (11) finished", {
    admin_graphql_api_id: "gid://shopify/BulkOperation/11",
  }, topic("bulk_operations/finish")],
  ["The data of customer ada@example.com must be erased", {
    customer: { email: "ada@example.com" },
    shop_domain: "o.myshopify.com",
  }, topic("customers/redact")],
  ["Subscription billing attempt (2) failed: insufficient funds", {
    id: 2,
    error_message: "insufficient_funds",
  }, topic("subscription_billing_attempts/failure")],
  ["Fulfillment #1001.1 updated (success)", {
    name: "#1001.1",
    status: "success",
  }, topic("fulfillments/update")],
]);
