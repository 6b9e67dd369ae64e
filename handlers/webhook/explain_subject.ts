import { resolveJoins } from "../../lib/message/subject/aliases.ts";
import { planJoins } from "../../lib/message/subject/plan.ts";
import { findSubjectByKey, toMessageSubject } from "../../lib/message/subject/subject.ts";
import type { Services } from "../../lib/services.ts";
import { newId } from "../../lib/store/id.ts";
import type { Description } from "../../sources/description.ts";
import type { Incoming } from "../../sources/source.ts";
import type { Named } from "../../sources/rules/registry.ts";
import { heldBack } from "../../sources/rules/source_rules.ts";
import { subjectIn } from "../../sources/rules/subject/subject.ts";
import type { Explanation } from "../schemas/explanation.ts";

/** A request whose subject is asked for, as far as it is understood. */
interface AskedSubject {
  named: Named;
  incoming: Pick<Incoming, "type" | "headers">;
  payload: unknown;
  isRaw: boolean;
  description: Description | undefined;
  isVerified: boolean;
  /** Why the operator's rules would make no task of it. */
  filtered: string | undefined;
  /** It waits for others first. */
  isMerged: boolean;
}

/** What it is about, and which task it would go to, by what is known of its subject now. */
export async function explainSubject(
  { database, sources, budgetsOf }: Pick<Services, "database" | "sources" | "budgetsOf">,
  {
    named,
    incoming: { type, headers },
    payload,
    isRaw,
    description,
    isVerified,
    filtered,
    isMerged,
  }: AskedSubject,
): Promise<Explanation["subject"]> {
  const settings = sources.settingsOf(named.name);
  const request = { headers, payload, isRaw };
  const said = subjectIn(named, settings, { type, ...request });
  const told = toMessageSubject(said, { source: named.name, verified: isVerified });
  const [found] = told ? await resolveJoins(database, [told]) : [];
  if (!found) return null;
  const { key, role, name = null, link = null } = found;
  const known = await findSubjectByKey(database, found);
  const about = { id: known?.id ?? null, key, role, name: name ?? known?.name ?? null, link };
  const apart = (why: string) => ({ ...about, joins: null, why });
  if (settings.later !== "continue") {
    return apart('Each message is a task of its own: "later" is not "continue"');
  }
  // As for the worker: what a machine reports of our agent's own push may join all the same.
  const mayJoin = said?.role === "result" && heldBack(settings, request) === undefined;
  if (filtered !== undefined && !mayJoin) return apart(filtered);
  if (isMerged && filtered === undefined) {
    return apart("It waits for others about the same, and shares a task with them");
  }
  const { plans } = await planJoins(database, [{
    messageId: newId(),
    subject: found,
    webhookType: type,
    event: description?.event ?? null,
    unlessJoined: filtered,
  }], budgetsOf);
  const [plan] = plans.values();
  if (plan.becomes === "joined") return { ...about, joins: plan.taskId, why: plan.reason };
  if (plan.becomes === "nothing") return apart(plan.reason);
  return apart(
    known?.is_worked
      ? "The task that is open about it is of another webhook or verification, or is full: it would " +
        "be a task of its own"
      : "No task about it is open: it would be a new one",
  );
}
