import type { MessageSearch } from "../../../lib/message/search/criteria.ts";
import { messageFilter, toMessageSearch } from "../../schemas/message_filter.ts";
import type { MessageQuery } from "../../views/message/query.ts";
import { queryOf } from "../form.ts";

/** The filters in a URL or a form; what is none is left out. */
export function messageQueryOf(value: (name: string) => string | undefined): MessageQuery {
  return queryOf(messageFilter, value);
}

/** The filters as the store is asked for them. */
export function messageSearchOf({ before, ...filter }: MessageQuery): MessageSearch {
  return { ...toMessageSearch(messageFilter.parse(filter)), before };
}
