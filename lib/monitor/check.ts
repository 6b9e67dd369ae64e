/** One thing that was looked at. */
export interface Check {
  name: string;
  status: "ok" | "degraded" | "failed";
  detail: string;
  hint?: string;
}
