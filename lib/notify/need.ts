/** What the outbox calls a telling of what needs somebody. */
export const NEED = "need";
/** And one that a person sends to try a route. */
export const NEED_TRY = "need_try";
