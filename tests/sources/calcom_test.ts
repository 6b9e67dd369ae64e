import { assertEquals, assertNotEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as calcom from "../../sources/calcom.ts";
import { NOBODY, request } from "./request.ts";

describe("Cal.com's signature", () => {
  it("is no signature where Cal.com has no secret", async () => {
    const headers = { "x-cal-signature-256": "no-secret-provided" };
    const verdict = await calcom.verify(request("{}", headers), ["no-secret-provided"]);
    assertEquals(verdict.ok || verdict.code, "signature_malformed");
  });
});

describe("Cal.com's events", () => {
  const booking = {
    title: "Review",
    startTime: "2026-01-05T09:00:00Z",
    attendees: [{ name: "Ada", email: "ada@example.com" }],
    uid: "u1",
  };

  it("are told by what became of which booking", () => {
    for (
      const [event, title, payload] of [
        ["BOOKING_CREATED", `Booking created "Review" on 2026-01-05T09:00:00Z with Ada`, booking],
        [
          "BOOKING_CANCELLED",
          `Booking cancelled "Review" on 2026-01-05T09:00:00Z with Ada and 1 more by g@x.org: Ill`,
          {
            ...booking,
            attendees: [...booking.attendees, {}],
            cancelledBy: "g@x.org",
            cancellationReason: "Ill",
          },
        ],
        ["FORM_SUBMITTED", "Form submitted", { formName: "x" }],
      ] as const
    ) assertEquals(calcom.describe({ triggerEvent: event, createdAt: "t", payload }).title, title);
    const flat = { triggerEvent: "MEETING_ENDED", createdAt: "t", ...booking };
    assertEquals(
      calcom.describe(flat).title,
      `Meeting ended "Review" on 2026-01-05T09:00:00Z with Ada`,
    );
  });

  it("are known by all they say", () => {
    const idOf = (payload: unknown) => calcom.deliveryId(request(JSON.stringify(payload)));
    const one = { triggerEvent: "BOOKING_NO_SHOW_UPDATED", createdAt: "t", payload: { a: 1 } };
    assertEquals(idOf(one), idOf(one));
    assertNotEquals(idOf({ ...one, payload: { a: 2 } }), idOf(one));
    assertEquals(idOf({ triggerEvent: "x" }), undefined);
  });

  it("that are a ping test are none", () => {
    const ping = request(`{"triggerEvent":"PING","payload":{}}`);
    assertEquals(calcom.probe(ping, NOBODY), { status: 200 });
    assertEquals(calcom.handshake(ping), { status: 200 });
    assertEquals(calcom.handshake(request(`{"triggerEvent":"BOOKING_CREATED"}`)), undefined);
  });
});
