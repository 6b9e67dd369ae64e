import { itSays } from "./told.ts";

const trello = (type: string, data: unknown) => ({
  action: { type, memberCreator: { fullName: "Ada" }, data },
});
const card = { name: "It drops" };
const board = { name: "Phone" };

itSays("trello", [
  [
    `Ada archived card "It drops" on Phone`,
    trello("updateCard", {
      card: { ...card, closed: true },
      board,
      old: { closed: false },
    }),
  ],
  [
    `Ada checked "call back" of card "It drops" on Phone`,
    trello("updateCheckItemStateOnCard", {
      card,
      board,
      checkItem: { name: "call back", state: "complete" },
    }),
  ],
  [
    `Ada renamed card "It drops" on Phone: Old → It drops`,
    trello("updateCard", {
      card,
      board,
      old: { name: "Old" },
    }),
  ],
  [
    `Ada added Grace to card "It drops" on Phone`,
    trello("addMemberToCard", {
      card,
      board,
      member: { name: "Grace" },
    }),
  ],
  ["Ada deleted card #7 on Phone", trello("deleteCard", { card: { idShort: 7 }, board })],
]);

const linear = (updatedFrom: unknown, data: unknown) => ({
  action: "update",
  type: "Issue",
  actor: { name: "Ada" },
  data: { identifier: "OTT-1", title: "It drops", ...data as object },
  updatedFrom,
});

itSays("linear", [
  [
    `Ada updated Issue OTT-1 "It drops" (state Done)`,
    linear({ stateId: "s1", updatedAt: "x", completedAt: null }, { state: { name: "Done" } }),
  ],
  [
    `Ada updated Issue OTT-1 "It drops" (assignee none)`,
    linear({ assigneeId: "u1" }, { assigneeId: null }),
  ],
  [
    `Ada updated Issue OTT-1 "It drops" (labels bug, ux)`,
    linear({ labelIds: [] }, { labels: [{ name: "bug" }, { name: "ux" }] }),
  ],
  [`Ada updated Issue OTT-1 "It drops" (title Old → It drops)`, linear({ title: "Old" }, {})],
]);

itSays("sentry", [
  [`Sentry alert "Boom" in Phone`, {
    project_name: "Phone",
    message: "",
    url: "https://sentry.example.com/1",
    event: { title: "Boom" },
  }],
  [`Sentry issue PHONE-3F assigned to Grace by Ada "Boom" in phone`, {
    action: "assigned",
    actor: { name: "Ada" },
    data: {
      issue: {
        shortId: "PHONE-3F",
        title: "Boom",
        project: { slug: "phone" },
        assignedTo: { name: "Grace" },
      },
    },
  }],
]);

itSays("intercom", [
  [`Contact tag created "VIP" on Ada`, {
    topic: "contact.tag.created",
    data: { item: { contact: { name: "Ada" }, tag: { name: "VIP" } } },
  }],
]);

itSays("hubspot", [
  ["HubSpot workflow: Contact Ada Byron (ada@example.com)", {
    vid: 7,
    properties: {
      firstname: { value: "Ada" },
      lastname: { value: "Byron" },
      email: { value: "ada@example.com" },
    },
  }],
  [`HubSpot workflow: Deal "Phones"`, { objectId: 3, properties: { dealname: "Phones" } }],
]);
