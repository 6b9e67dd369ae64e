/** Filters whose text is looked for in what senders have sent: it may be a customer's address. */
const OF_PAYLOADS = ["q", "body", "header"];

/** Stands for such a text where it is kept: that it was used is told, and no word of it. */
const UNTOLD = "a text that is not kept";

/** A filter as it is kept, to be read by people. */
export function filterWords(filter: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(filter).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[
        name,
        OF_PAYLOADS.includes(name)
          ? UNTOLD
          : value instanceof Date
          ? value.toISOString()
          : Array.isArray(value)
          ? value.join("..")
          : String(value),
      ]]
    ),
  );
}
