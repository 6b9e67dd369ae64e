/**
 * Whether no process of the release before is about any more that would not find what this one
 * writes in a new place: a condition in SQL. Its workers are seen by their heartbeats, which do not
 * say a release; its web processes are given the time that an upgrade takes.
 */
export const PREVIOUS_RELEASE_GONE = `(
  not exists (select from upgrades where name = 'contents apart' and at > now())
  and not exists (select from workers where release is null
    and last_seen > now() - interval '15 minutes'))`;
