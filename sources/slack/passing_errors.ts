/** Slack's errors after which the same call may work (docs.slack.dev, the tables of each method). */
export const PASSING_ERRORS: ReadonlySet<string> = new Set([
  "ratelimited",
  "rate_limited",
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
  "team_added_to_org",
  "org_login_required",
  "accesslimited",
]);

/** Of those, the ones after which "some aspect of the operation" may have succeeded. */
export const DOUBTFUL_ERRORS: ReadonlySet<string> = new Set([
  "internal_error",
  "fatal_error",
  "request_timeout",
]);
