/** The query of the page, as it stands in its URL. */
export interface MessageQuery {
  q?: string;
  state?: string;
  body?: string;
  header?: string;
  phase?: string;
  source?: string;
  webhook_type?: string;
  sig?: string;
  since?: string;
  until?: string;
  batch?: string;
  task_id?: string;
  replay_of?: string;
  group?: "subject";
  before?: string;
}
