// deno-lint-ignore-file no-explicit-any -- each vendor's own fields
/** One request, as a vendor sees it. */
export interface VendorRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  /** The fields of a form or of JSON. */
  body: Record<string, any>;
  isForm: boolean;
}

/** What was said through a vendor: what people read. */
export interface Said {
  method: string;
  path: string;
  body: Record<string, any>;
  authorization: string | null;
  /** When, if not just now. */
  at?: string;
}

export type VendorAnswer = [
  status: number,
  body: Record<string, unknown> | unknown[],
  headers?: Record<string, string>,
];

/** A vendor's API: what it answers, and what it takes it keeps in `said`. */
export type Vendor = (request: VendorRequest, said: Said[]) => VendorAnswer;

/** Keeps what was said; its number. */
export function keep({ method, path, body, headers }: VendorRequest, said: Said[]): number {
  return said.push({ method, path, body, authorization: headers.get("authorization") });
}

/** When it was said, as ISO 8601 has it. */
export const timeOf = ({ at }: Said): string => at ?? new Date().toISOString();

/** A page of a list, as GitHub and GitLab cut them. */
export function paged<Item>(items: readonly Item[], query: URLSearchParams): Item[] {
  const most = Math.min(Number(query.get("per_page") ?? 30), 100);
  const page = Number(query.get("page") ?? 1);
  return items.slice((page - 1) * most, page * most);
}
