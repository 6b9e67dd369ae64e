import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { decodeBase64, verifyPublicKey } from "../../sources/signature/signature.ts";
import { sources } from "../../sources/mod.ts";
import { signedText } from "../../sources/paypal.ts";
import type { Incoming, Source } from "../../sources/source.ts";
import vectors from "../vectors/sources.json" with { type: "json" };
import { request, vector } from "./request.ts";

type Vector = typeof vectors[number] & Record<string, string | undefined>;

/** The source that each vector is of, where the names differ. */
const SOURCE: Record<string, string> = {
  "standard-webhooks": "standardwebhooks",
  "gitlab-signing-token": "gitlab",
  "grafana-ts": "grafana",
  "teams-outgoing": "teams",
};
/** The header that we name for a vendor who leaves it to its user. */
const TIME_HEADER: Record<string, string> = { "grafana-ts": "x-grafana-alerting-timestamp" };
/** Not a signed request: what an answer must hold, or a scheme of more parts, with a test of its own. */
const APART = new Set(["zoom-url-validation", "x-crc", "mailgun", "paypal"]);

function sourceOf({ id }: Vector): Source {
  const name = SOURCE[id] ?? id.split("-")[0];
  assert(Object.hasOwn(sources, name), `no source for the vector ${id}`);
  return sources[name as keyof typeof sources];
}

/** The request that a vector describes, received at the moment it was signed. */
function requestOf(vector: Vector): Incoming {
  const { id, header, value, sig, ts = "1700000000", tsHeader, idHeader, idValue } = vector;
  const headers: Record<string, string> = {
    [header]: value.replace("{sig}", sig).replace("{ts}", ts),
    ...(tsHeader ? { [TIME_HEADER[id] ?? tsHeader]: ts } : {}),
    ...(idHeader ? { [idHeader]: idValue! } : {}),
    ...(vector.contentType ? { "content-type": vector.contentType } : {}),
    ...(id.startsWith("hubspot-v2") ? { "x-hubspot-signature-version": "v2" } : {}),
  };
  const receivedAt = /^\d{10}$/.test(ts)
    ? Number(ts) * 1000
    : /^\d{13}$/.test(ts)
    ? Number(ts)
    : Date.parse(ts);
  return request(vector.body, headers, {
    receivedAt,
    ...(vector.url ? { url: vector.url } : {}),
    ...(vector.method ? { method: vector.method } : {}),
  });
}

describe("a vendor's published signature", () => {
  for (const each of vectors as Vector[]) {
    if (APART.has(each.id)) continue;
    it(`is right: ${each.id}`, async () => {
      const { verify } = sourceOf(each);
      const incoming = requestOf(each);
      const key = each.key;
      assertEquals(await verify!(incoming, [key]), { ok: true });
      const body = new Uint8Array([...incoming.body, 0x20]);
      assertEquals((await verify!({ ...incoming, body }, [key])).ok, false, "tampered");
      const another = ("0" + key.slice(1)).replace(/^0hsec/, "whsec");
      if (another !== key) {
        assertEquals((await verify!(incoming, [another])).ok, false, "another secret");
        assertEquals(await verify!(incoming, [another, key]), { ok: true }, "rotated");
      }
    });
  }

  it("is right: mailgun, whose signature lies in the body", async () => {
    const { ts, token, sig, key, body } = vector("mailgun") as Vector;
    const signature = { timestamp: ts, token, signature: sig };
    const signed = request(JSON.stringify({ ...JSON.parse(body), signature }));
    assertEquals(await sources.mailgun.verify(signed, [key]), { ok: true });
    assertEquals(await sources.mailgun.verify(signed, ["old", key]), { ok: true });
    assertEquals((await sources.mailgun.verify(signed, ["old"])).ok, false);
  });

  it("is right: paypal, over the body's CRC-32", async () => {
    const found = vector("paypal") as Vector;
    const key = decodeBase64(found.key)!;
    const signature = decodeBase64(found.sig)!;
    const signed = request(found.body, {
      "paypal-transmission-id": found.idValue!,
      "paypal-transmission-time": found.ts!,
    });
    const text = signedText(signed, found.webhookId!);
    assertEquals(await verifyPublicKey("RSA-SHA256", [key], text, [signature]), true);
    const other = signedText(request(found.body + " ", {}), found.webhookId!);
    assertEquals(await verifyPublicKey("RSA-SHA256", [key], other, [signature]), false);
  });

  it("is right: zoom-url-validation and x-crc, in our answers", async () => {
    const zoom = vector("zoom-url-validation");
    const validation = request(JSON.stringify({
      event: "endpoint.url_validation",
      payload: { plainToken: zoom.body },
    }));
    const signed = request(new TextDecoder().decode(validation.body), {
      ...await sources.zoom.sign(validation, zoom.key),
    });
    const known = { secrets: ["another", zoom.key], verifyTokens: [] };
    assertEquals(JSON.parse((await sources.zoom.handshake(signed, known))!.body!), {
      plainToken: zoom.body,
      encryptedToken: zoom.sig,
    });
    const crc = vector("x-crc");
    const asked = request("", {}, {
      method: "GET",
      url: `https://otto.example.com/webhook/x?crc_token=${crc.body}`,
    });
    const answer = await sources.x.probe(asked, { secrets: [crc.key], verifyTokens: [] });
    assertEquals(JSON.parse(answer!.body!), {
      response_token: crc.value.replace("{sig}", crc.sig),
    });
  });
});
