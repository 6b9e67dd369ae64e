/** Why something is not done: what was wrong, and in the hint what would be right. */
export class Problem extends Error {
  override name = "Problem";
  /** What HTTP answers with. */
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    message: string,
    hint: string,
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.headers = headers;
  }
}

/** A 404 for a thing of the API, such as "task", that nobody has under the given id. */
export function notFound(thing: string): Problem {
  return new Problem(
    404,
    `${thing}_not_found`,
    `There is no ${thing} with this id`,
    `Ids are listed at /api/${thing}s; old ones are removed after RETENTION_DAYS`,
  );
}
