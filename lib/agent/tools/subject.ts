import { z } from "zod";
import { listSubjectTitles, TITLES_AT_ONCE } from "../../message/subject/titles.ts";
import type { Tool } from "./tool.ts";

/** Lists what was told of the thing that the task is about, also before it. */
export const listSubject: Tool<{ page: number }> = {
  name: "list_subject",
  description: "Lists the messages about the same thing as this task, newest first, " +
    `${TITLES_AT_ONCE} at a time: when each came, what it did, its event and its title.`,
  capability: { reads: "payload", effect: "none" },
  atomic: true,
  arguments: z.strictObject({
    page: z.number().int().min(1).max(200).default(1).describe("1 is the newest ones"),
  }),
  async run({ page }, { database, assignment: { taskId, subjectId, verified }, fence }) {
    if (!subjectId) return "Nothing else is known: this task is about no subject.";
    const { titles, hasMore } = await listSubjectTitles(database, {
      taskId,
      subjectId,
      verified,
      page,
    });
    if (titles.length === 0) return `There is no page ${page}: the list ends before it.`;
    const listed = fence(titles, "messages about the same");
    return hasMore ? `${listed}\n\nThere are older ones: page ${page + 1}.` : listed;
  },
};
