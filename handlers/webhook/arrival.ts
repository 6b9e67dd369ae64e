import { newId } from "../../lib/store/id.ts";
import { contentKey, contentOf } from "../../sources/kit/incoming.ts";
import type { Incoming } from "../../sources/source.ts";
import type { createHints } from "./hint.ts";
import type { SourceGate } from "../../lib/work/verify/source_gate.ts";

/** One request at the gate, with its body read. */
export interface Arrival {
  gate: SourceGate;
  /** What the source's module gets to see. */
  incoming: Incoming;
  /** The URL as the request had it; `incoming.url` is the one that the sender has on file. */
  url: string;
  /** The sender's address. */
  address: string;
  /** Whether the person at this machine sent it. */
  fromHere(): boolean;
}

/** The message that an arrival becomes, whether it is accepted or set aside: a new one each time. */
export function toMessage(
  { gate: { name, source }, incoming, url, address, fromHere }: Arrival,
  { hintOn, isVerified = false }: { hintOn: ReturnType<typeof createHints>; isVerified?: boolean },
) {
  const { type, method, receivedAt } = incoming;
  const headers = headerList(incoming.headers);
  const deliveryId = source.deliveryId?.(incoming) ?? null;
  return {
    id: newId(),
    webhookType: type,
    source: name,
    envelope: {
      url,
      method: method === "POST" ? undefined : method,
      client_ip: address,
      delivery_id: deliveryId,
      content: deliveryId === null ? undefined : contentKey(source, incoming),
      headers,
      hint: hintOn(name, incoming, headers),
      // Whoever has the secret needs no other trust.
      from_here: !isVerified && fromHere() || undefined,
    },
    body: contentOf(incoming),
    receivedAt: new Date(receivedAt),
  };
}

function headerList(headers: Headers): [name: string, value: string][] {
  const list: [string, string][] = [];
  headers.forEach((value, name) => list.push([name, value]));
  return list;
}
