import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Description } from "../../sources/description.ts";
import { contentOf } from "../../sources/kit/incoming.ts";
import { parsePayload } from "../../sources/kit/payload.ts";
import { signedAs } from "../../sources/kit/signed.ts";
import type { Incoming, Sample, Source, SourceSecrets } from "../../sources/source.ts";
import vectors from "../vectors/sources.json" with { type: "json" };

/** The moment at which all requests here arrive, unless a test says otherwise. */
export const NOW = 1_700_000_000_000;

/** What the operator has set where nothing is set. */
export const NOBODY: SourceSecrets = { secrets: [], verifyTokens: [] };

/** A request as the handler gives it to a source. */
export function request(
  body: string | Uint8Array,
  headers: Record<string, string> = {},
  more: Partial<Incoming> = {},
): Incoming {
  return {
    type: "test",
    method: "POST",
    url: "https://otto.example.com/webhook/test",
    headers: new Headers(headers),
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    queryForm: undefined,
    receivedAt: NOW,
    ...more,
  };
}

/** A form as a browser would send it. */
export function form(
  fields: Record<string, string> | string,
  headers: Record<string, string> = {},
  more: Partial<Incoming> = {},
): Incoming {
  return request(new URLSearchParams(fields).toString(), {
    "content-type": "application/x-www-form-urlencoded",
    ...headers,
  }, more);
}

/** A signature that the vendor published, or that its library made. */
export function vector(id: string) {
  const found = vectors.find((vector) => vector.id === id);
  assert(found, `no vector named ${id}`);
  return found;
}

/** The request that a source's own sample makes, signed. */
export async function signedSample(
  source: Source,
  sample: Sample,
  secret: string,
) {
  return await signedAs(source, request(sample.body, sample.headers), secret);
}

/** What a source makes of a request. */
export function described(source: Source, incoming: Incoming): Description {
  const contentType = incoming.headers.get("content-type") ?? undefined;
  return source.describe(parsePayload(contentOf(incoming), contentType), {
    headers: incoming.headers,
  });
}

/** Fails unless a text is one clean line that can be shown. */
function assertLine(line: string) {
  assert(
    line.length > 0 && line.length <= 200,
    `not 1 to 200 characters: ${line}`,
  );
  assert(line.isWellFormed(), "not well-formed");
  assertEquals(line, line.trim());
  assert(
    !/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u.test(line),
    `controls in: ${line}`,
  );
  assert(!/\bundefined\b|\[object/.test(line), `a gap in: ${line}`);
}

/** Fails unless everything in a description keeps the promises of `Description`. */
export function assertDescription(description: Description) {
  assertLine(description.title);
  assertLine(description.description);
  for (const line of [description.event, description.actor]) {
    if (line !== undefined) assertLine(line);
  }
  for (const [name, value] of Object.entries(description.fields ?? {})) {
    assertLine(name);
    assertLine(value);
  }
  if (description.link !== undefined) {
    assert(/^https?:\/\//.test(description.link));
  }
  if (description.text !== undefined) {
    assert(description.text.isWellFormed() && !description.text.includes("\0"));
  }
}

/** Bodies and headers as the worst of senders would write them, around the names that a source looks at. */
export function hostileRequests(
  headerNames: string[],
  keys: string[],
): fc.Arbitrary<Incoming> {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.constant("\0\u202E\n"),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof(fc.constantFrom(...keys, "__proto__"), fc.string()),
        tie("value"),
        {
          maxKeys: 6,
        },
      ),
    ),
  }));
  const body = fc.oneof(
    fc.uint8Array(),
    value.map((payload) => new TextEncoder().encode(JSON.stringify(payload) ?? "")),
    fc.dictionary(fc.constantFrom(...keys), text, { maxKeys: 6 })
      .map((fields) =>
        new TextEncoder().encode(
          Object.entries(fields).map(([key, value]) =>
            `${key}=${encodeURIComponent(value.toWellFormed())}`
          ).join("&"),
        )
      ),
  );
  const visible = fc.stringMatching(/^[ -~]{0,80}$/);
  const headers = fc.dictionary(
    fc.constantFrom("content-type", ...headerNames),
    fc.oneof(
      visible,
      fc.constantFrom(
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "1700000000",
        "t=1700000000,v1=00",
        `sha256=${"0".repeat(64)}`,
        `v0=${"0".repeat(64)}`,
      ),
    ),
  );
  const url = fc.oneof(fc.webUrl({ withQueryParameters: true }), visible);
  return fc.tuple(body, headers, url)
    .map(([body, headers, url]) => request(body, headers, { url }));
}

/** Fails unless nothing a sender can send makes a source throw, lie or speak in two lines. */
export async function assertCalm(
  source: Source,
  requests: fc.Arbitrary<Incoming>,
) {
  await fc.assert(
    fc.asyncProperty(requests, async (incoming) => {
      assertEquals((await source.verify!(incoming, ["secret", ""])).ok, false);
      const id = source.deliveryId!(incoming);
      assert(id === undefined || (id.trim() !== "" && id.length <= 1_000));
      await source.probe?.(incoming, NOBODY);
      await source.handshake?.(incoming, NOBODY);
      source.answer?.(incoming);
      assertDescription(described(source, incoming));
      assertDescription(source.describe(at(incoming)));
    }),
    { numRuns: 500 },
  );
}

/** Fails unless any change of one byte of a signed body is noticed. */
export async function assertTamperProof(
  source: Source,
  signed: Incoming,
  secret: string,
) {
  assertEquals(await source.verify!(signed, [secret]), { ok: true });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(signed.body.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (place, change) => {
        const body = signed.body.slice();
        body[place] ^= change;
        assertEquals(
          (await source.verify!({ ...signed, body }, [secret])).ok,
          false,
        );
      },
    ),
  );
  const longer = new Uint8Array([...signed.body, 0x20]);
  assertEquals(
    (await source.verify!({ ...signed, body: longer }, [secret])).ok,
    false,
  );
  assertEquals((await source.verify!(signed, ["another"])).ok, false);
  assertEquals((await source.verify!(signed, [""])).ok, false);
  assertEquals((await source.verify!(signed, [])).ok, false);
  assertEquals(await source.verify!(signed, ["another", secret]), { ok: true });
}

function at(incoming: Incoming): unknown {
  return parsePayload(incoming.body);
}
