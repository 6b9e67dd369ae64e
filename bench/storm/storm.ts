import { audit, type Finding, type Sent } from "./audit.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { hashOf, makeDelivery } from "./delivery.ts";
import { type FaultName, kindOf } from "./faults.ts";
import { countUnfinished, hasMessageSince, readKept, type TakenOver } from "./kept.ts";
import { type Ledger, type LedgerFile, openLedger } from "./ledger.ts";
import { startLoad } from "./load.ts";
import { randomFor } from "./random.ts";
import { planFaults, type Planned } from "./schedule.ts";
import { pause } from "./sender.ts";
import type { RuntimeName } from "../../tests/servers/command.ts";
import { mountSmallDisk, type SmallDisk } from "./small_disk.ts";

/** What a storm is made of; the same settings make the same deliveries and faults. */
export interface StormSettings {
  deliveries: number;
  faults: number;
  seed: string;
  runtime: RuntimeName;
  kinds: readonly FaultName[];
}

/** What came of a storm. */
export interface StormResult {
  settings: StormSettings;
  ledger: Ledger;
  findings: Finding[];
  takenOver: TakenOver[];
  /** Seconds from the last answer until all was worked. */
  drainSeconds: number;
  /** Kinds of faults that could not be made here. */
  skipped: FaultName[];
}

/** Without a fault and without an answer for so long, what is down stays down. */
const STAYS_DOWN_MS = 45_000;
/** For the senders to be rid of everything. */
const DELIVER_MS = 180_000;
/** When so long nothing more has been worked off, what is left is left for good. */
const WORK_MS = 90_000;
const LOOK_MS = 500;
const PROGRESS_MS = 5_000;
/** What the load of a fault is spread over, when the fault itself is over at once. */
const LEAST_SPREAD_MS = 1_500;

/**
 * Runs a storm in its folder, from where its ledger says it has come to, and audits it.
 *
 * @returns undefined when it was stopped by the signal: it may be resumed.
 */
export async function runStorm(
  settings: StormSettings,
  { folder, say, signal }: { folder: string; say(line: string): void; signal: AbortSignal },
): Promise<StormResult | undefined> {
  await using stack = new AsyncDisposableStack();
  const file = openLedger(`${folder}/ledger.jsonl`);
  stack.defer(() => file.close());
  const needsDisk = settings.kinds.some((name) => kindOf(name).needsDisk);
  const disk = needsDisk ? await mountSmallDisk(folder) : undefined;
  const skipped = settings.kinds.filter((name) => kindOf(name).needsDisk && !disk);
  for (const name of skipped) say(`"${name}" is left out: only root may mount the disk it needs`);
  const cluster = await openCluster({
    folder,
    runtime: settings.runtime,
    ended(name, { lines }) {
      const last = lines.slice(-3).join(" | ").slice(0, 600);
      file.note(["incident", `${name} ended by itself: ${last}`]);
      say(`${name} ended by itself: ${last}`);
    },
  });
  stack.use(cluster);
  // Its files must be closed before their disk can go.
  if (disk) {
    stack.defer(async () => {
      await cluster.postgres.stop();
      await disk[Symbol.asyncDispose]();
    });
    await disk.empty(cluster);
  }

  const kinds = settings.kinds.filter((name) => !skipped.includes(name));
  await blow({ ...settings, kinds }, { cluster, disk, file, say, signal });
  if (signal.aborted) return undefined;
  const drainSeconds = await drain(cluster, { say, signal });
  if (signal.aborted) return undefined;
  const { takenOver, ...kept } = await cluster.asAdmin(readKept, "database");
  const findings = audit({ sent: sentOf(settings, file.ledger), ...kept });
  return { settings, ledger: file.ledger, findings, takenOver, drainSeconds, skipped };
}

/** The storm itself: deliveries and faults, until all of both are through. */
async function blow(
  settings: StormSettings,
  { cluster, disk, file, say, signal }: {
    cluster: Cluster;
    disk?: SmallDisk;
    file: LedgerFile;
    say(line: string): void;
    signal: AbortSignal;
  },
): Promise<void> {
  const { deliveries, faults, seed } = settings;
  const { ledger } = file;
  const giveUp = new AbortController();
  const stop = AbortSignal.any([signal, giveUp.signal]);
  let answeredAt = performance.now();
  let blowing = 0;
  let overAt: { place: number; at: number } | undefined;
  let busyAt = performance.now();

  function answered(): void {
    answeredAt = performance.now();
    if (overAt && blowing === 0) {
      file.note(["recovered", overAt.place, Math.round(answeredAt - overAt.at)]);
      overAt = undefined;
    }
  }

  const load = startLoad({
    seed,
    deliveries,
    origins: cluster.origins,
    file,
    signal: stop,
    answered,
  });

  async function makeFault({ place, name, seconds }: Planned): Promise<void> {
    say(`fault ${place + 1} of ${faults}: ${name} for ${seconds.toFixed(1)} s`);
    file.note(["fault", place, name, Date.now()]);
    blowing++;
    try {
      const random = randomFor(seed, "victim", place);
      await kindOf(name).make({ cluster, disk, random, lasted: pause(seconds * 1_000, stop) });
    } finally {
      file.note(["over", place, Date.now()]);
      overAt = { place, at: performance.now() };
      blowing--;
    }
  }

  /** Waits until PostgreSQL has a message that came after this moment. */
  async function untilStored(since: number, place: number): Promise<void> {
    const began = performance.now();
    const passed = () => Math.round(performance.now() - began);
    while (!stop.aborted && load.done < deliveries) {
      if (await hasMessageSince(cluster, since)) {
        return file.note(["stored", place, passed()]);
      }
      if (passed() > STAYS_DOWN_MS) {
        return file.note([
          "incident",
          `PostgreSQL was given no message for ${Math.round(passed() / 1_000)} s after ` +
          `"${ledger.faults[place].name}" was over`,
        ]);
      }
      await pause(100, stop);
    }
  }

  const watch = setInterval(() => {
    const now = performance.now();
    file.note(["busy", Math.round(now - busyAt)]);
    busyAt = now;
    const quietMs = blowing > 0 ? 0 : now - Math.max(answeredAt, overAt?.at ?? 0);
    if (quietMs > STAYS_DOWN_MS && load.done < deliveries) {
      const last = ledger.faults.at(-1)?.name ?? "no fault at all";
      file.note([
        "incident",
        `no delivery was answered for ${Math.round(quietMs / 1_000)} s after "${last}" was over`,
      ]);
      giveUp.abort();
    }
  }, LOOK_MS);
  const progress = setInterval(() => {
    const rate = ledger.latencies.length / Math.max(1, ledger.busyMs / 1_000);
    say(
      `${load.done} of ${deliveries} delivered, ${rate.toFixed(0)} answers/s, to be repeated: ${
        [...ledger.again].map(([why, count]) => `${count} × ${why}`).join(", ") || "none"
      }`,
    );
  }, PROGRESS_MS);
  try {
    // The faults divide the deliveries; half of each part has time before its fault.
    const plan = planFaults({ seed, faults, kinds: settings.kinds });
    const share = deliveries / (plan.length + 1);
    for (let place = 0; place < plan.length && !stop.aborted; place++) {
      const together = [plan[place], ...plan[place + 1]?.joins ? [plan[place + 1]] : []];
      const from = place * share;
      place += together.length - 1;
      if (ledger.faults[place]?.to) continue;
      load.allow(from + share / 2);
      await waitFor(() => load.done >= from + share / 4, stop);
      const spread = spreadLoad(load, {
        from: from + share / 2,
        to: from + together.length * share,
        ms: Math.max(LEAST_SPREAD_MS, ...together.map(({ seconds }) => seconds * 1_000)),
        signal: stop,
      });
      await Promise.all([spread, ...together.map(makeFault)]);
      // Whether it is over for Otto, too: where the spill helps, no sender would notice.
      load.allow(from + (together.length + 0.5) * share);
      await untilStored(Date.now(), place);
    }
    load.allow(deliveries);
    const late = new Promise<"late">((resolve) =>
      AbortSignal.timeout(DELIVER_MS + deliveries).addEventListener("abort", () => resolve("late"))
    );
    if (await Promise.race([load.ended, late]) === "late") {
      file.note(["incident", `${deliveries - load.done} deliveries were never answered`]);
      giveUp.abort();
      await load.ended;
    }
  } finally {
    giveUp.abort();
    clearInterval(watch);
    clearInterval(progress);
    file.note(["busy", Math.round(performance.now() - busyAt)]);
  }
}

/** Lets the senders begin some deliveries little by little. */
async function spreadLoad(
  load: { allow(below: number): void },
  { from, to, ms, signal }: { from: number; to: number; ms: number; signal: AbortSignal },
): Promise<void> {
  const began = performance.now();
  for (let passed = 0; passed < ms && !signal.aborted; passed = performance.now() - began) {
    load.allow(from + (to - from) * passed / ms);
    await pause(20, signal);
  }
  load.allow(to);
}

async function waitFor(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  while (!isSo() && !signal.aborted) await pause(20, signal);
}

/** Waits until nothing is on its way any more, or until nothing moves: the audit finds what is left. */
async function drain(
  cluster: Cluster,
  { say, signal }: { say(line: string): void; signal: AbortSignal },
): Promise<number> {
  const began = performance.now();
  const passed = () => performance.now() - began;
  let saidAt = -Infinity;
  let least = Infinity;
  let workedAt = began;
  while (performance.now() - workedAt < WORK_MS && !signal.aborted) {
    const left = await countUnfinished(cluster);
    if (left === 0) break;
    if (left < least) {
      least = left;
      workedAt = performance.now();
    }
    if (passed() - saidAt > PROGRESS_MS) {
      say(`${left} still to be worked`);
      saidAt = passed();
    }
    await pause(LOOK_MS, signal);
  }
  return passed() / 1_000;
}

function* sentOf({ seed }: StormSettings, { accounts }: Ledger): Generator<Sent> {
  for (const [number, account] of accounts) {
    const { id, body } = makeDelivery(seed, number);
    yield { number, id, sha256: hashOf(body), ...account };
  }
}
