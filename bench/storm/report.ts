import { FINDINGS } from "./audit.ts";
import type { TakenOver } from "./kept.ts";
import type { FaultNote } from "./ledger.ts";
import type { StormResult } from "./storm.ts";

/** So many findings of a kind are told in full. */
const MOST_TOLD = 5;

/** Whether the storm has found anything that must not be. */
export function foundSomething({ findings, ledger }: StormResult): boolean {
  return findings.length > 0 || ledger.incidents.length > 0;
}

/** What came of a storm, for people. */
export function describeStorm(result: StormResult): string[] {
  const { settings, ledger, findings, takenOver, drainSeconds, skipped } = result;
  const { accounts, latencies, again, incidents, busyMs } = ledger;
  const answers = sum([...accounts.values()].map((account) => account.answers.length));
  const tries = sum([...accounts.values()].map((account) => account.tries));
  const faults = ledger.faults.filter((fault) => fault !== undefined);
  const seconds = busyMs / 1_000;
  const recoveries = [...ledger.recoveries.values()];
  const takeovers = takeoverTimes(faults, takenOver);
  return [
    `seed ${settings.seed}: ${settings.deliveries} deliveries and ${faults.length} faults in ` +
    `${seconds.toFixed(0)} s on ${settings.runtime}`,
    `faults: ${tell(countBy(faults, ({ name }) => name))}`,
    ...(skipped.length > 0 ? [`left out here: ${skipped.join(", ")}`] : []),
    `answered: ${accounts.size} deliveries, ${answers} × 200 in ${tries} tries, ` +
    `${(answers / seconds).toFixed(0)} a second`,
    `to be repeated: ${tell(again) || "none"}`,
    `latency of a 200: ${quantiles(latencies)}`,
    `accepting again after a fault: ${quantiles(recoveries)}`,
    `storing again after a fault: ${quantiles([...ledger.stored.values()])}`,
    `taken over from killed and frozen workers: ${takeovers.length}, after ${quantiles(takeovers)}`,
    `all worked ${drainSeconds.toFixed(1)} s after the last answer`,
    ...incidents.map((incident) => `INCIDENT: ${incident}`),
    `found: ${
      FINDINGS.map((kind) => `${findings.filter((each) => each.kind === kind).length} ${kind}`)
        .join(", ")
    }`,
    ...FINDINGS.flatMap((kind) =>
      findings.filter((each) => each.kind === kind).slice(0, MOST_TOLD)
        .map(({ number, what }) =>
          `${kind.toUpperCase()}: ${number === null ? "" : `delivery ${number}: `}${what}`
        )
    ),
  ];
}

/**
 * From a fault of a worker to each taking over of what it had, in milliseconds; what a store's
 * fault put off meanwhile is not counted.
 */
function takeoverTimes(
  faults: readonly FaultNote[],
  takenOver: readonly TakenOver[],
): number[] {
  return takenOver.flatMap(({ claimed, at }) => {
    const meanwhile = faults.filter(({ from, to = Infinity }) => from <= at && to >= claimed);
    const worker = meanwhile.find(({ name }) => name.startsWith("worker"));
    const others = meanwhile.some(({ name }) => !/^(worker|web)/.test(name));
    return worker && !others ? [at - worker.from] : [];
  });
}

function quantiles(times: readonly number[]): string {
  if (times.length === 0) return "–";
  const sorted = times.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, sorted.length * share | 0)];
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${sorted[sorted.length - 1]} ms`;
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

function tell(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(", ");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
