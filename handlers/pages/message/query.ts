import { isId } from "../../../lib/store/id.ts";
import { MESSAGE_STATES } from "../../../lib/message/message.ts";
import type { MessageSearch } from "../../../lib/message/search/search.ts";
import { SINCE } from "../../views/parts/filters.ts";
import type { MessageQuery } from "../../views/message/list.ts";
import { batchOf, oneOf, sinceOf } from "../form.ts";

/** The filters in a URL or a form; what is none is left out. */
export function messageQueryOf(value: (name: string) => string | undefined): MessageQuery {
  const before = value("before");
  return Object.fromEntries(
    Object.entries({
      q: value("q"),
      state: oneOf(value("state"), ["taken", ...MESSAGE_STATES]),
      source: value("source"),
      sig: oneOf(value("sig"), ["verified", "unverified", "rejected"]),
      since: oneOf(value("since"), SINCE.map((each) => each.value)),
      batch: batchOf(value("batch"))?.join(".."),
      before: before && isId(before) ? before : undefined,
    }).filter(([, each]) => each),
  );
}

/** The filters as the store is asked for them. */
export function messageSearchOf(
  { q, state, source, sig, since, batch, before }: MessageQuery,
): MessageSearch {
  return {
    text: q,
    state: state as MessageSearch["state"],
    source,
    verification: sig as MessageSearch["verification"],
    since: sinceOf(since),
    batch: batchOf(batch),
    before,
  };
}
