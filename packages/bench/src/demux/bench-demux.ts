/** `bench demux`: what it costs to tell packets apart, compiled and interpreted, beside what others do. */
import { describeHost, type HostDescription } from "../host.ts";
import type { Goal } from "../kernel/goals.ts";
import { interleaved, type Subject } from "../kernel/measure.ts";
import { reasonOf, type Skipped } from "../kernel/peers/peer.ts";
import type { Figure } from "../statistics.ts";
import { answersOf, demandAgreement, type Answers } from "./agreement.ts";
import { bindingSubjects } from "./binding.ts";
import { processorTimed } from "./clock.ts";
import { MOST, judge } from "./goals.ts";
import { compileLibpcap, type Libpcap } from "./libpcap.ts";
import type { Classify } from "./matcher.ts";
import { MATCHER, MATCHERS, type MatcherName } from "./matchers.ts";
import { makeScene, type Scene } from "./scene.ts";
import type { Trace } from "./trace.ts";
import { countWork, type Work } from "./work.ts";

/** How much. */
export interface DemuxBenchOptions {
  /** Rounds that count. */
  readonly rounds: number;
  /** Packets that a matcher classifies in a round; fewer where each filter is tried. */
  readonly packets: number;
  /** The greatest number of filters. */
  readonly most: number;
  /** What endpoints and packets follow from. */
  readonly seed: number;
}

/** One matcher with so many filters. */
export interface DemuxRow {
  readonly filters: number;
  readonly matcher: MatcherName;
  /** Nanoseconds of processor time for a packet. */
  readonly nanoseconds: Figure;
}

/** One more filter beside so many, and one less. */
export interface BindingRow {
  readonly filters: number;
  /** Nanoseconds of processor time, the packet after it included. */
  readonly insert: Figure;
  readonly remove: Figure;
}

/** A whole run. */
export interface DemuxBenchReport {
  readonly host: HostDescription;
  readonly options: DemuxBenchOptions;
  readonly rows: readonly DemuxRow[];
  readonly bindings: readonly BindingRow[];
  /** What was counted; the same on every host. */
  readonly work: readonly Work[];
  readonly skipped: readonly Skipped[];
  readonly goals: readonly Goal[];
}

/** Numbers of filters. */
const FILTER_COUNTS: readonly number[] = [1, 10, 100, 1000, 10_000];

/** Frames of a trace: too many for a processor to learn its turns by heart, few enough for its caches. */
const FRAMES = 8192;
/** Rounds before those that count. */
const WARM_UP = 3;
/** Packets of a round at least. */
const LEAST_PACKETS = 512;

type Loop = (classify: Classify, trace: Trace, first: number, packets: number) => number;

/**
 * A loop over a trace that no other matcher shares.
 *
 * Compiled from its text, so that its one call is of one function only, as it
 * is in a kernel that has one demultiplexer; engines keep what they know of a
 * text for the next one that is equal, so the name is in it.
 */
function makeLoop(name: string): Loop {
  const text = `"use strict"; /* ${name} */ return (classify, { memory, at, length }, first, packets) => {
    let sum = 0;
    for (let i = 0, frame = first % at.length; i < packets; i++) {
      sum += classify(memory, at[frame], length[frame]);
      frame = frame + 1 === at.length ? 0 : frame + 1;
    }
    return sum;
  };`;
  return new Function(text)() as Loop;
}

const nameOf = (matcher: MatcherName, filters: number): string => `${matcher} ${filters}`;

/** Packets of a round. */
function packetsOf(packets: number, filters: number, isLinear: boolean): number {
  return isLinear ? Math.max(Math.ceil(packets / filters), Math.min(packets, LEAST_PACKETS)) : packets;
}

/** Nanoseconds for one of `packets` packets, from the one at `first` on. */
type Timed = (first: number, packets: number) => number | Promise<number>;

/** A subject that goes through the next part of its trace each time. */
function inTurn(name: string, packets: number, time: Timed): Subject {
  let first = -packets;
  return { name, round: () => time((first += packets), packets) };
}

function timeOf(name: string, classify: Classify, trace: Trace): Timed {
  const loop = makeLoop(name);
  let sum = 0;
  return (first, packets) =>
    processorTimed(() => void (sum += loop(classify, trace, first, packets)), packets);
}

/** The matchers of one scene, all of which agree. */
async function subjectsOf(
  scene: Scene,
  packets: number,
  libpcap: Libpcap | undefined,
): Promise<readonly Subject[]> {
  const filters = scene.filters.length;
  const subjects: Subject[] = [];
  const answers: Answers[] = [];
  for (const { name, make, isLinear = false } of MATCHERS) {
    const classify = make(scene.filters);
    answers.push({ name, tags: answersOf(classify, scene.trace) });
    const each = packetsOf(packets, filters, isLinear);
    const subject = nameOf(name, filters);
    subjects.push(inTurn(subject, each, timeOf(subject, classify, scene.trace)));
  }
  if (libpcap !== undefined) {
    const child = await libpcap.start(scene);
    answers.push({ name: MATCHER.libpcap, tags: await child.answers() });
    const each = packetsOf(packets, filters, true);
    subjects.push(inTurn(nameOf(MATCHER.libpcap, filters), each, child.time));
  }
  demandAgreement(filters, answers);
  return subjects;
}

function tryLibpcap(): Libpcap | Skipped {
  try {
    return compileLibpcap();
  } catch (reason) {
    return { name: MATCHER.libpcap, why: `no C compiler or no libpcap that works: ${reasonOf(reason)}` };
  }
}

/** Every matcher with every number of filters in turn, round after round. **Fails** throws when two disagree. */
export async function benchDemux(
  options: DemuxBenchOptions,
  say: (line: string) => void,
): Promise<DemuxBenchReport> {
  const host = describeHost();
  const found = tryLibpcap();
  const libpcap = "start" in found ? found : undefined;
  const subjects: Subject[] = [];
  const counts = FILTER_COUNTS.filter((count) => count <= options.most);
  const scenes = counts.map((count) => makeScene(count, FRAMES, options.seed));
  let figures: ReadonlyMap<string, Figure>;
  try {
    for (const scene of scenes) {
      subjects.push(...(await subjectsOf(scene, options.packets, libpcap)));
      const { insert, remove } = bindingSubjects(scene);
      subjects.push(insert, remove);
      say(`${scene.filters.length} filters: all agree on ${FRAMES} frames`);
    }
    figures = await interleaved(subjects, { counted: options.rounds, warmUp: WARM_UP }, say);
  } finally {
    libpcap?.close();
  }
  return {
    host,
    options,
    ...summarise(figures, counts),
    work: counts.flatMap((count) => countWork(count, options.seed)),
    skipped: "why" in found ? [found] : [],
  };
}

function summarise(
  figures: ReadonlyMap<string, Figure>,
  counts: readonly number[],
): Pick<DemuxBenchReport, "rows" | "bindings" | "goals"> {
  const rows: DemuxRow[] = [];
  const bindings: BindingRow[] = [];
  for (const filters of counts) {
    for (const matcher of Object.values(MATCHER)) {
      const nanoseconds = figures.get(nameOf(matcher, filters));
      if (nanoseconds !== undefined) rows.push({ filters, matcher, nanoseconds });
    }
    const [insert, remove] = [figures.get(`insert ${filters}`), figures.get(`remove ${filters}`)];
    if (insert !== undefined && remove !== undefined) bindings.push({ filters, insert, remove });
  }
  const medianOf = (matcher: MatcherName, filters: number): number | undefined =>
    figures.get(nameOf(matcher, filters))?.median;
  const most = bindings.find(({ filters }) => filters === MOST);
  return { rows, bindings, goals: judge(medianOf, counts, most?.insert.median) };
}
