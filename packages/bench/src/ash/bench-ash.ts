/** `bench ash`: handlers in simulated time as in Figure 2 of SOSP'95, and on this host. */
import { describeHost, type HostDescription } from "../host.ts";
import type { Goal } from "../kernel/goals.ts";
import { interleaved, subjectOf } from "../kernel/measure.ts";
import type { Invariant } from "../kernel/shape.ts";
import type { Figure } from "../statistics.ts";
import { packetOperations } from "./packets.ts";
import { measurePipes, type PipeRow } from "./pipes.ts";
import { sandboxPairs } from "./sandbox.ts";
import { SETTINGS, measureSeries, type Series } from "./series.ts";
import { checkSeries } from "./shape.ts";

/** How much. */
export interface AshBenchOptions {
  /** Round trips of each point in simulated time. */
  readonly pingPongs: number;
  /** Rounds on this host that count. */
  readonly rounds: number;
  /** Frames in a round. */
  readonly frames: number;
}

/** A way to treat a frame, on this host. */
export interface PacketRow {
  readonly name: string;
  readonly nanoseconds: Figure;
}

/** A handler in its sandbox and as it was written, on this host. */
export interface SandboxRow {
  readonly handler: string;
  readonly bytes: number;
  readonly fuel: number;
  readonly sandbox: Figure;
  readonly raw: Figure;
}

/** A whole run. */
export interface AshBenchReport {
  readonly host: HostDescription;
  readonly options: AshBenchOptions;
  readonly series: readonly Series[];
  readonly packets: readonly PacketRow[];
  readonly sandbox: readonly SandboxRow[];
  readonly pipes: readonly PipeRow[];
  readonly invariants: readonly Invariant[];
  readonly goals: readonly Goal[];
}

/** Rounds before those that count. */
const WARM_UP = 8;
/** A fused pipe takes at most this part of separate passes. */
const FUSED_RATIO = 0.7;

const figureOf = (figures: ReadonlyMap<string, Figure>, name: string): Figure => {
  const found = figures.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
};

const pipeGoal = ({ bytes, fusedNs, separateNs, ratio }: PipeRow): Goal => ({
  what: `copy, checksum and swap of ${bytes} bytes < ${FUSED_RATIO}x of separate passes`,
  measured: `${fusedNs.toFixed(0)} ns against ${separateNs.toFixed(0)} ns: ${ratio.toFixed(2)}x`,
  reached: ratio < FUSED_RATIO,
});

/** True when an invariant does not hold or a goal is missed, each length of a pipe by itself. */
export const isBroken = ({ invariants, goals }: Pick<AshBenchReport, "invariants" | "goals">): boolean =>
  invariants.some(({ holds }) => !holds) || goals.some(({ reached }) => reached === false);

/** One run: simulated time first, then this host. */
export async function benchAsh(
  options: AshBenchOptions,
  say: (line: string) => void,
): Promise<AshBenchReport> {
  const host = describeHost();
  const series = SETTINGS.map((setting) => measureSeries(setting, options.pingPongs, undefined, say));
  const operations = packetOperations();
  const pairs = sandboxPairs();
  const subjects = [...operations, ...pairs.flatMap(({ confined, raw }) => [confined, raw])];
  const rounds = { counted: options.rounds, warmUp: WARM_UP };
  const figures = await interleaved(
    subjects.map((each) => subjectOf(each, options.frames)),
    rounds,
    say,
  );
  const pipes = await measurePipes(rounds, say);
  return {
    host,
    options,
    series,
    packets: operations.map(({ name }) => ({ name, nanoseconds: figureOf(figures, name) })),
    sandbox: pairs.map(({ what, bytes, fuel, confined, raw }) => ({
      handler: what,
      bytes,
      fuel,
      sandbox: figureOf(figures, confined.name),
      raw: figureOf(figures, raw.name),
    })),
    pipes,
    invariants: series.flatMap(checkSeries),
    goals: pipes.map(pipeGoal),
  };
}
