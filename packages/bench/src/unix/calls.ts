/** What a WASI call costs: ours on a board and as code alone, and the peers. */
import { openNull } from "@exolith/libos-unix";
import { startWasi, type UnixBoard } from "@exolith/libos-unix/board";
import type { Figure } from "../statistics.ts";
import type { Rounds } from "../kernel/measure.ts";
import { CALLS_FILE, CALL_NAMES, callsModule, type CallName } from "./calls-module.ts";
import type { Skipped } from "./computing.ts";
import { LinearMemory } from "./linear-memory.ts";
import { makeLibos, signatures } from "./libos.ts";
import { optionsOf, processorSince } from "./on-board.ts";
import { nodePeer, shimPeer, type Peer } from "./peers.ts";
import { MODES, Site, finish, rewritten, type Mode } from "./rewritten.ts";
import { figureOf, ratioOf, sampled, type Measured, type Samples } from "./rounds.ts";
import { processorTime } from "./runner.ts";

/** One call, one who answers it. */
export interface CallRow {
  readonly call: CallName;
  readonly by: string;
  /** Nanoseconds of processor time for one. */
  readonly nanoseconds: Figure;
}

/** All calls. */
export interface Calls {
  readonly rows: readonly CallRow[];
  /** How often faster than `node:wasi`, by call and who answers it: medians of rounds. */
  readonly faster: readonly { readonly call: CallName; readonly by: string; readonly times: number }[];
  readonly skipped: readonly Skipped[];
}

/** Calls of a round: enough that the clock's grain does not matter. */
const TIMES: Readonly<Record<CallName, number>> = {
  fd_write: 100_000,
  clock_time_get: 100_000,
  "open, stat, close": 20_000,
};

const FILES = { [CALLS_FILE]: "text" };
/** Ways to reach memory that calls are measured in. */
const MEASURED: readonly Mode[] = MODES.filter(({ pageBits }) => pageBits === 12);

const subjectName = (call: CallName, by: string): string => `${call}: ${by}`;

/** On the board; the program itself says when it begins and ends. */
function boardSubject(board: UnixBoard, mode: Mode, call: CallName, times: number): Measured {
  const module = callsModule(call, times);
  const round = async (): Promise<number> => {
    let begun: NodeJS.CpuUsage | undefined;
    let nanoseconds = Number.NaN;
    const mark = (): void => {
      if (begun === undefined) begun = process.cpuUsage();
      else nanoseconds = processorSince(begun);
    };
    const options = { ...optionsOf(mode), board, mounts: { "/": FILES }, stdout: openNull(), stderr: mark };
    const { exitCode, outcome } = await startWasi(module, options).result;
    if (exitCode !== 0) throw new Error(`${call}: ${JSON.stringify(outcome)}`);
    return nanoseconds / times;
  };
  return { name: subjectName(call, mode.name), round };
}

/** Without a kernel: the rewritten code, and the same functions behind it. */
function aloneSubject(site: Site, call: CallName, times: number): Measured {
  const { mode } = site;
  const memory = new LinearMemory(site.wasm, site.start, () => 65_536);
  const program = rewritten(callsModule(call, times), mode, signatures);
  const round = (): number => {
    const placed = site.place(program, makeLibos(() => memory, { files: FILES }).functions);
    finish(placed, placed.initialise());
    return processorTime(() => finish(placed, placed.enter("_start"))) / times;
  };
  return { name: subjectName(call, `${mode.name}, code alone`), round };
}

async function peersOf(skipped: Skipped[]): Promise<readonly Peer[]> {
  try {
    return [nodePeer(), await shimPeer()];
  } catch (reason) {
    skipped.push({
      name: "browser_wasi_shim",
      why: reason instanceof Error ? reason.message : String(reason),
    });
    return [nodePeer()];
  }
}

/** Who answers: ours, then peers. */
const answerers = (peers: readonly Peer[]): readonly string[] => [
  ...MEASURED.map(({ name }) => name),
  ...MEASURED.map(({ name }) => `${name}, code alone`),
  ...peers.map(({ name }) => name),
];

function callsOf(samples: Samples, peers: readonly Peer[], skipped: readonly Skipped[]): Calls {
  const pairs = CALL_NAMES.flatMap((call) => answerers(peers).map((by) => ({ call, by })));
  return {
    rows: pairs.map(({ call, by }) => ({ call, by, nanoseconds: figureOf(samples, subjectName(call, by)) })),
    faster: pairs.map(({ call, by }) => ({
      call,
      by,
      times: ratioOf(samples, subjectName(call, "node:wasi"), subjectName(call, by)).median,
    })),
    skipped,
  };
}

/** Measures every call, answered by everybody in turn. */
export async function measureCalls(
  board: UnixBoard,
  rounds: Rounds,
  say: (line: string) => void,
): Promise<Calls> {
  const skipped: Skipped[] = [];
  const peers = await peersOf(skipped);
  try {
    const sites = MEASURED.map((mode) => new Site(mode));
    const subjects = CALL_NAMES.flatMap((call) => [
      ...MEASURED.map((mode) => boardSubject(board, mode, call, TIMES[call])),
      ...sites.map((site) => aloneSubject(site, call, TIMES[call])),
      ...peers.map((peer) => peer.subject(call, TIMES[call])),
    ]);
    return callsOf(await sampled(subjects, rounds, (line) => say(`calls: ${line}`)), peers, skipped);
  } finally {
    for (const peer of peers) peer.close();
  }
}
