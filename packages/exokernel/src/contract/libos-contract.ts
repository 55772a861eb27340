/** The contract of a library operating system: what keeps it a good neighbour, whoever wrote it. */
import { contractSuite, type ContractCase, type Deviation, type Settling } from "@exolith/hw-model/contract";
import { expect } from "vitest";
import { CALLS } from "../abi/calls.ts";
import { failed, must } from "../abi/errors.ts";
import type { Gate, GateCalls } from "../abi/gate.ts";
import { capSlot, frame, rowOf, sliceIndex, type RingId } from "../abi/ids.ts";
import { REVOCATION_SECONDS } from "../abi/limits.ts";
import { RESOURCE_KINDS, type ResourceKind } from "../abi/resources.ts";
import type { Upcalls } from "../abi/upcalls.ts";
import type { Window } from "../abi/window.ts";
import { checkTables } from "../testing/check-tables.ts";
import { placeEnvironment } from "../testing/rig.ts";
import { LibosBoard, type LibosBoardOptions, type StartLibos } from "./libos-board.ts";

/** What a case gets: a maker of boards. */
interface LibosHarness extends Settling {
  readonly board: (options?: LibosBoardOptions) => LibosBoard;
}

const own = capSlot(0);
/** Requests after which an answer must have come, when nothing is lost. */
const PATIENCE = 25;

const started = (h: LibosHarness, options?: LibosBoardOptions): LibosBoard => {
  const board = h.board(options);
  expect(board.start()).toBe(true);
  return board;
};

const serves = (h: LibosHarness): void => {
  const board = started(h);
  expect(board.serves(PATIENCE)).toBe(true);
  expect(board.faults).toEqual([]);
};

/** True when the program did not start, or was ended by its own fault, before it claimed or served anything. */
function refuses(h: LibosHarness, change: Partial<Gate>): boolean {
  const board = h.board({ gate: (gate) => Object.freeze({ ...gate, ...change }) });
  const free = board.root.frames.free();
  if (board.start()) board.run(0.01);
  return !board.alive && board.root.frames.free() === free;
}

const checksVersions = (h: LibosHarness): void => {
  const { abiVersion, tableVersion } = h.board().root;
  expect(refuses(h, { abiVersion: abiVersion + 1 })).toBe(true);
  expect(refuses(h, { tableVersion: tableVersion + 1 })).toBe(true);
};

const slicesOf = ({ root, environment }: LibosBoard): number =>
  Array.from({ length: root.slices.count }, (_, i) => root.slices.owner(i)).filter(
    (owner) => owner === environment,
  ).length;

const claimsSlices = (h: LibosHarness): void => {
  const board = h.board();
  for (let i = 0; i < board.root.slices.count; i++)
    if (i % 3 !== 1) must(board.root.sliceAlloc(sliceIndex(i), own));
  expect(board.start()).toBe(true);
  expect(slicesOf(board)).toBeGreaterThan(0);
  expect(slicesOf(board)).toBeLessThan(board.root.slices.count / 3);
  expect(board.serves(PATIENCE)).toBe(true);
};

const rests = (h: LibosHarness): void => {
  const board = started(h);
  expect(board.serves(PATIENCE)).toBe(true);
  board.run(5);
  const begun = (): number => board.root.environments.slicesBegun(rowOf(board.environment));
  const before = begun();
  board.run(1);
  expect(begun() - before).toBeLessThan(100);
};

/** Everything that the tables count for anybody. */
const heldOf = ({ root }: LibosBoard): readonly number[] => {
  const taken = (count: number, of: (row: number) => number): number =>
    Array.from({ length: count }, (_, row) => of(row)).filter((owner) => owner !== 0).length;
  return [
    root.frames.free(),
    taken(root.slices.count, root.slices.owner),
    taken(root.rings.count, root.rings.owner),
    taken(root.filters.count, root.filters.owner),
    taken(root.transmits.count, root.transmits.user),
    taken(root.environments.count, root.environments.id),
  ];
};

const leaksNothing = (h: LibosHarness): void => {
  const board = h.board();
  const before = heldOf(board);
  for (let round = 0; round < 3; round++) {
    expect(board.start()).toBe(true);
    expect(board.serves(PATIENCE)).toBe(true);
    checkTables(board.root);
    must(board.root.environmentDestroy(board.environment, own));
    checkTables(board.root);
    expect(heldOf(board)).toEqual(before);
    const sent = board.root.nics.transmitted(0);
    expect(board.serves(2)).toBe(false);
    expect(board.root.nics.transmitted(0)).toBe(sent);
  }
};

/** A neighbour that counts its slices; breaking the one under test must not stop it. */
function neighbour(board: LibosBoard): () => number {
  let ran = 0;
  const upcalls = (gate: Gate): Upcalls => ({
    sliceBegin: () => {
      ran += 1;
      gate.sleep(
        gate.environments.events(rowOf(gate.self)),
        (gate.clock.now() + gate.clock.hertz / 100) as never,
      );
    },
  });
  const free = Array.from({ length: board.root.slices.count }, (_, i) => i).findLast(
    (i) => board.root.slices.owner(i) === 0,
  );
  placeEnvironment(board.root, [9], { slices: [free ?? 0], upcalls });
  return () => ran;
}

/** It goes on serving, or goes on living, or ends by its own fault; the neighbour runs in any case. */
function survivesOrEndsAlone(board: LibosBoard, ran: () => number): void {
  board.serves(3);
  const before = ran();
  board.run(0.5);
  expect(ran() - before).toBeGreaterThan(10);
  expect(board.alive || board.faults.length > 0).toBe(true);
  if (board.alive) must(board.root.environmentDestroy(board.environment, own));
  checkTables(board.root);
}

const losesItsRing = (h: LibosHarness): void => {
  const rings: [Gate, RingId][] = [];
  const board = started(h, {
    gate: (gate) => {
      const ringBind: Gate["ringBind"] = (first, count, slot) => {
        const ring = gate.ringBind(first, count, slot);
        if (!failed(ring)) rings.push([gate, ring]);
        return ring;
      };
      return Object.freeze({ ...gate, ringBind });
    },
  });
  const ran = neighbour(board);
  expect(board.serves(PATIENCE)).toBe(true);
  expect(rings.length).toBeGreaterThan(0);
  for (const [gate, ring] of rings) must(gate.ringUnbind(ring));
  survivesOrEndsAlone(board, ran);
};

const losesItsWindows = (h: LibosHarness): void => {
  const windows: [Gate, Window][] = [];
  const board = started(h, {
    gate: (gate) => {
      const windowBind: Gate["windowBind"] = (first, count, writable, slot) => {
        const window = gate.windowBind(first, count, writable, slot);
        if (!failed(window)) windows.push([gate, window]);
        return window;
      };
      return Object.freeze({ ...gate, windowBind });
    },
  });
  const ran = neighbour(board);
  expect(board.serves(PATIENCE)).toBe(true);
  expect(windows.length).toBeGreaterThan(0);
  for (const [gate, window] of windows) gate.windowUnbind(window);
  survivesOrEndsAlone(board, ran);
};

const losesItsFrames = (h: LibosHarness): void => {
  const board = started(h);
  const ran = neighbour(board);
  expect(board.serves(PATIENCE)).toBe(true);
  const { frames } = board.root;
  for (let f = 0; f < frames.count; f++)
    if (frames.owner(f) === board.environment && frames.pins(f) === 0)
      must(board.root.framesFree(frame(f), 1, own));
  survivesOrEndsAlone(board, ran);
};

const losesItsTransmits = (h: LibosHarness): void => {
  const board = started(h);
  expect(board.serves(PATIENCE)).toBe(true);
  for (const binding of board.transmits) must(board.root.transmitUnbind(binding, own));
  expect(board.serves(3)).toBe(false);
  expect([board.alive, board.faults]).toEqual([true, []]);
  board.bindTransmits();
  expect(board.serves(PATIENCE)).toBe(true);
};

/** Longer than the kernel waits for an answer to a request. */
const PAST_DEADLINE = 10 * REVOCATION_SECONDS;

/** Asks for `count` of a kind, and lets the deadline pass. */
function ask(board: LibosBoard, kind: ResourceKind, count: number): void {
  must(board.root.revocationAsk(board.environment, kind, count, own));
  board.run(PAST_DEADLINE);
}

const answersRequests = (h: LibosHarness): void => {
  const board = started(h);
  const ran = neighbour(board);
  expect(board.serves(PATIENCE)).toBe(true);
  const { revocations } = board.root;
  for (const [i, kind] of board.givesBack.entries()) {
    ask(board, kind, 1);
    expect([kind, revocations.answered(), revocations.aborted()]).toEqual([kind, i + 1, 0]);
    expect(board.serves(PATIENCE)).toBe(true);
    expect([board.alive, board.faults]).toEqual([true, []]);
  }
  if (board.givesBack.length > 0) return;
  ask(board, RESOURCE_KINDS.frame, 1);
  expect(revocations.answered() + revocations.aborted()).toBe(1);
  survivesOrEndsAlone(board, ran);
};

/** Its entry points without the one that answers requests: it does not, so it loses by force. */
function deaf(entries: Upcalls): Upcalls {
  const others: Partial<Record<keyof Upcalls, unknown>> = {};
  for (const name of ENTRIES) others[name] = (entries[name] as (() => void) | undefined)?.bind(entries);
  return others as unknown as Upcalls;
}

/** Every entry point but `revoke`. */
const ENTRIES = [
  "sliceBegin",
  "sliceEnd",
  "fault",
  "transfer",
  "transferWords",
  "transferAsync",
  "transferReply",
  "repossessed",
] as const;

const findsItsLosses = (h: LibosHarness): void => {
  const looks: string[] = [];
  const noted = (gate: Gate): Gate =>
    Object.freeze({
      ...gate,
      repossessions: Object.freeze({
        ...gate.repossessions,
        what: (index: number) => (looks.push("what"), gate.repossessions.what(index)),
      }),
      repossessionsClear: () => (looks.push("clear"), gate.repossessionsClear()),
    });
  const board = started(h, { entries: deaf, gate: noted });
  const ran = neighbour(board);
  expect(board.serves(PATIENCE)).toBe(true);
  const { root, environment, entries } = board;
  ask(board, RESOURCE_KINDS.frame, root.environments.frames(rowOf(environment)));
  expect(root.revocations.aborted()).toBe(1);
  if (entries?.repossessed === undefined) return survivesOrEndsAlone(board, ran);
  expect(looks.length).toBeGreaterThan(0);
  expect(board.serves(PATIENCE)).toBe(true);
  expect([board.alive, board.faults]).toEqual([true, []]);
  checkTables(root);
};

const STALE: readonly string[] = ["BadRing", "NoFilter", "BadBinding", "BadExtent", "BadStream", "BadRegion"];

/** A gate that notes what is refused because an id names nothing of the caller's any more. */
function noting(gate: Gate, stale: string[]): Gate {
  const calls = Object.keys(CALLS) as (keyof GateCalls)[];
  const wrapped = calls.map((name) => {
    const call = gate[name] as (...args: readonly unknown[]) => unknown;
    const noted = (...args: readonly unknown[]): unknown => {
      const result = call(...args);
      if (failed(result) && STALE.includes((result as { name: string }).name)) stale.push(name);
      return result;
    };
    return [name, noted];
  });
  return Object.freeze({ ...gate, ...Object.fromEntries(wrapped) });
}

const holdsNoStaleId = (h: LibosHarness): void => {
  for (const kind of [RESOURCE_KINDS.ring, RESOURCE_KINDS.filter]) {
    const stale: string[] = [];
    const board = started(h, { entries: deaf, gate: (gate) => noting(gate, stale) });
    const ran = neighbour(board);
    expect(board.serves(PATIENCE)).toBe(true);
    ask(board, kind, 1);
    expect(board.root.revocations.aborted()).toBe(1);
    if (board.entries?.repossessed === undefined) {
      survivesOrEndsAlone(board, ran);
      continue;
    }
    expect(board.serves(PATIENCE)).toBe(true);
    stale.length = 0;
    expect(board.serves(PATIENCE)).toBe(true);
    board.run(1);
    expect([kind, stale, board.faults]).toEqual([kind, [], []]);
  }
};

const LOSSY = { loss: 0.2, duplicate: 0.1, reorder: 0.1, corrupt: 0.1 };

const bearsFaults = (h: LibosHarness): void => {
  const board = started(h, { faults: LOSSY });
  let answered = 0;
  for (let i = 0; i < 100; i++) if (board.serves(1)) answered += 1;
  expect([board.alive, board.faults]).toEqual([true, []]);
  expect(answered).toBeGreaterThan(20);
};

/** A frame of `length` bytes for the one under test, nonsense after the Ethernet header. */
function nonsense(seed: number, length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let i = 14; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  bytes.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, type >> 8, type & 255]);
  if (type === 0x0800) bytes.set([0x45 + (seed % 11)], 14);
  return bytes;
}

const bearsNonsense = (h: LibosHarness): void => {
  const board = started(h);
  expect(board.serves(PATIENCE)).toBe(true);
  for (let i = 0; i < 500; i++) {
    board.send(nonsense(i, 15 + ((i * 7) % 1499), [0x0800, 0x0806, 0x86dd, i][i % 4] ?? 0));
    if (i % 20 === 19) board.run(0.001);
  }
  expect(board.serves(PATIENCE)).toBe(true);
  expect([board.alive, board.faults]).toEqual([true, []]);
};

const bearsFloods = (h: LibosHarness): void => {
  const board = started(h);
  expect(board.serves(PATIENCE)).toBe(true);
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 400; i++) board.send(nonsense(i, 60, 0x0800));
    board.run(0.01);
  }
  expect(board.serves(PATIENCE)).toBe(true);
  expect(board.faults).toEqual([]);
};

const CASES: readonly ContractCase<LibosHarness>[] = [
  ["serves its peer", serves],
  ["refuses to start on a kernel of other versions, and holds nothing then", checksVersions],
  ["claims slices of its own among those that are free", claimsSlices],
  ["rests when there is nothing to do", rests],
  ["leaks nothing, and sends nothing, after it was destroyed", leaksNothing],
  ["survives or faults alone when its ring is gone", losesItsRing],
  ["survives or faults alone when its windows are dead", losesItsWindows],
  ["survives or faults alone when its frames are gone", losesItsFrames],
  ["holds no stale transmit binding: it sends again when it may again", losesItsTransmits],
  ["answers a request for what it says it gives back, by the deadline", answersRequests],
  ["survives an abort and finds its losses in the repossession vector, or faults alone", findsItsLosses],
  ["holds no stale id after a ring or a filter was taken, or faults alone", holdsNoStaleId],
  ["keeps running while frames are lost, doubled, swapped and damaged", bearsFaults],
  ["keeps running when it is sent nonsense", bearsNonsense],
  ["keeps running when it is sent more than its ring holds", bearsFloods],
];

/**
 * Checks that the library operating systems that `start` starts keep the contract.
 *
 * Each case puts one on a fresh simulated machine with 4,096 frames, behind a
 * wire, grants it the interface and plays its peer. A deviation that names no
 * case fails the suite.
 */
export function libosContract(name: string, start: StartLibos, deviations: readonly Deviation[] = []): void {
  contractSuite(
    name,
    () => ({ board: (options) => new LibosBoard(start, options), settle: () => {} }),
    CASES,
    deviations,
  );
}
