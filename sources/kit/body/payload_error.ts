/** Why a body could not be parsed within the budget. */
export class PayloadError extends Error {
  override readonly name = "PayloadError";
  readonly code:
    | "payload_too_deep"
    | "payload_too_large"
    | "payload_too_many_fields"
    | "payload_too_heavy";

  constructor(code: PayloadError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** The most fields of a form that are read: a hundred times what any sender has. */
const MAX_FORM_FIELDS = 10_000;

/** @throws {PayloadError} when a form has more fields than are read. */
export function requireFewFields(fields: number): void {
  if (fields <= MAX_FORM_FIELDS) return;
  throw new PayloadError(
    "payload_too_many_fields",
    `Parsing the form failed: it has ${fields} fields, at most ${MAX_FORM_FIELDS} are read`,
  );
}
