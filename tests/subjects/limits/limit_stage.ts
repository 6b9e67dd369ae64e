import type { Say } from "../../fakes/server.ts";
import { call, type ModelStage, settle, withModel as withModelStage } from "../model_stage.ts";
import { type Any, comment, type SubjectStage } from "../stage.ts";

export const waiting = call("wait_for_event", { events: ["check_suite.*"], minutes: 30 });

/** A stage where GitHub's tasks continue within these budgets. */
export const within = (
  budgets: Record<string, number>,
  run: (model: ModelStage) => Promise<void>,
) =>
  withModelStage(() => Promise.resolve({}), run, {
    agent: {
      sources: {
        github: { tools: ["ask_human", "wait_for_event", "add_note", "set_title"], budgets },
      },
    },
  });

/** Answers what the only open task asks. */
export async function answer({ stage, tasks }: ModelStage, text = "Yes"): Promise<void> {
  const { id } = (await tasks()).find(({ status }: Any) => status === "waiting_input");
  await stage.otto.post(`/api/tasks/${id}/answer`, { text });
  await stage.otto.workOff();
}

export const change = (stage: SubjectStage, statement: string) =>
  stage.otto.services.database.query("let time pass", (sql) => sql.unsafe(statement));

/** The only wait is over. */
export async function waitOut({ stage }: ModelStage): Promise<void> {
  await change(stage, "update tasks set wait_until = now() - interval '1 second'");
  await change(
    stage,
    `update agent_runs set state = jsonb_set(state, '{pending,0,until}', '"2020-01-01T00:00:00Z"')`,
  );
  await stage.otto.workOff();
}

/** A comment comes while the model speaks. */
export const meanwhile = (stage: SubjectStage, words: string, say: Say) => async () => {
  await stage.send("issue_comment", comment(words));
  await settle(stage);
  return say;
};
