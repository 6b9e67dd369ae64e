import { createHmac } from "node:crypto";
import { ACCOUNT } from "../../tests/fakes/vendors/twilio.ts";

/** One request to Otto. */
export interface Delivery {
  type: string;
  body: string;
  headers: Record<string, string>;
}

/** The repository, and with a number the place, that GitHub's messages are of. */
export const REPOSITORY = "o/r";
export const placeOf = (number: number) => `${REPOSITORY}#${number}`;
/** Whoever writes an SMS, by number. */
export const phoneOf = (number: number) => `+4915${String(number).padStart(9, "0")}`;
const OURS = "+15005550001";

const JSON_TYPE = { "content-type": "application/json" };

/** What GitHub tells of an issue. */
export function fromGithub(
  { event, payload, headers = {}, secret }: {
    event: string;
    payload: Record<string, unknown>;
    headers?: Record<string, string>;
    /** Undefined: nobody signs it. */
    secret: string | undefined;
  },
): Delivery {
  const body = JSON.stringify({
    repository: { id: 1, full_name: REPOSITORY },
    sender: { login: "octocat" },
    ...payload,
  });
  return {
    type: "github",
    body,
    headers: {
      ...JSON_TYPE,
      ...headers,
      "x-github-event": event,
      ...(secret === undefined ? {} : {
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      }),
    },
  };
}

/** An SMS, as Twilio signs it. */
export function fromTwilio({ number, text, secret }: {
  number: number;
  text: string;
  secret: string;
}): Delivery {
  const form: Record<string, string> = {
    MessageSid: `SM${String(number).padStart(32, "b")}`,
    AccountSid: ACCOUNT,
    From: phoneOf(number),
    To: OURS,
    Body: text,
  };
  const signed = "http://localhost:8000/webhook/twilio" +
    Object.keys(form).sort().map((name) => name + form[name]).join("");
  return {
    type: "twilio",
    body: new URLSearchParams(form).toString(),
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-twilio-signature": createHmac("sha1", secret).update(signed).digest("base64"),
    },
  };
}

/** JSON that nobody signs. */
export function fromAnybody(
  type: string,
  payload: Record<string, unknown>,
  headers: Record<string, string> = {},
): Delivery {
  return { type, body: JSON.stringify(payload), headers: { ...JSON_TYPE, ...headers } };
}
