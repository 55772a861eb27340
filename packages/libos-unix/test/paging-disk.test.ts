/** Paging to blocks of a disk: a program with more pages than frames, and the policies of its libOS. */
import { boot, createEnvironment, deviceCapability } from "@exolith/exokernel";
import { capSlot } from "@exolith/exokernel/abi";
import {
  makeDiskLog,
  makeSimulatedMachine,
  runSimulated,
  spaceBytes,
  tracedDisk,
  type DiskLog,
} from "@exolith/hw-model";
import { RIGHTS, makeModuleBuilder } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import {
  DescriptorTable,
  firstInFirstOut,
  openDiskStore,
  secondChance,
  unixProgram,
  type PagePolicyMaker,
  type ProgramLedger,
  type ProgramOutcome,
} from "../src/index.ts";

const PAGE_BYTES = 4096;
const PAGES = 64;
const ROUNDS = 5;
const CONTEXT_FRAMES = 16;
const DISK_BLOCKS = 256;
/** Where on the disk the environment's blocks are. */
const FIRST_BLOCK = 1000;

/** In every round adds to each page what it added before and one, and touches page 0 between; exits with 7 when all sums are right. */
function touchPages(): Uint8Array {
  const m = makeModuleBuilder();
  const exit = m.importFunction("wasi_snapshot_preview1", "proc_exit", m.type(["i32"], []));
  m.memory({ minimum: (PAGES * PAGE_BYTES) / 65_536 });
  const f = m.function([], []);
  const [page, round, wrong] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const each = (body: () => void): void => {
    f.i32(0).set(page).open("loop");
    body();
    f.get(page).i32(1).op("i32.add").tee(page).i32(PAGES).op("i32.lt_u").op("br_if", 0).end();
  };
  const address = (): void => void f.get(page).i32(PAGE_BYTES).op("i32.mul");
  f.open("loop");
  each(() => {
    address();
    address();
    f.memory("i32.load", 64, 2).get(page).op("i32.add").i32(1).op("i32.add").memory("i32.store", 64, 2);
    f.i32(0).i32(0).memory("i32.load", 128, 2).i32(1).op("i32.add").memory("i32.store", 128, 2);
  });
  f.get(round).i32(1).op("i32.add").tee(round).i32(ROUNDS).op("i32.lt_u").op("br_if", 0).end();
  each(() => {
    address();
    f.memory("i32.load", 64, 2).get(page).i32(1).op("i32.add").i32(ROUNDS).op("i32.mul").op("i32.ne");
    f.get(wrong).op("i32.or").set(wrong);
  });
  f.i32(0)
    .memory("i32.load", 128, 2)
    .i32(ROUNDS * PAGES)
    .op("i32.ne")
    .get(wrong)
    .op("i32.or")
    .set(wrong);
  f.i32(7).get(wrong).op("i32.add").op("call", exit);
  m.export("_start", "function", f.index);
  return m.build();
}

interface Paged {
  readonly outcome: ProgramOutcome | undefined;
  readonly ledger: ProgramLedger;
  readonly log: DiskLog;
}

/** Runs it on `frames` frames for its pages, on a simulated machine with a disk. */
function runPaged(frames: number, policy: PagePolicyMaker): Paged {
  const simulated = makeSimulatedMachine({ arenaBytes: spaceBytes(12) + 65_536, disks: [{}] });
  const log = makeDiskLog();
  const machine = { ...simulated, disks: simulated.disks.map((disk) => tracedDisk(disk, log)) };
  const kernel = boot(machine, { excessTicksMax: Infinity });
  const unix = unixProgram(
    {
      module: touchPages(),
      mode: "paged",
      contextFrames: CONTEXT_FRAMES,
      descriptors: new DescriptorTable(),
      limits: { frames: frames + CONTEXT_FRAMES },
      random: (into) => void into.fill(1),
      policy,
      store: (gate) =>
        openDiskStore(gate, {
          disk: 0,
          first: FIRST_BLOCK,
          blocks: DISK_BLOCKS,
          device: capSlot(1),
          slot: capSlot(0),
        }),
    },
    () => undefined,
  );
  const grants = [deviceCapability("disk", 0, RIGHTS.allocate)];
  createEnvironment(kernel.root, { name: [1, 1], grants, program: unix.program });
  runSimulated([{ clock: simulated.clock, steppable: kernel }], {
    until: () => unix.outcome() !== undefined,
  });
  return { outcome: unix.outcome(), ledger: unix.ledger(), log };
}

const exited = { kind: "exited", code: 7 };

test("[V12] a working set of twice the memory completes, and two policies give different fault counts", () => {
  const first = runPaged(PAGES / 2, firstInFirstOut);
  const second = runPaged(PAGES / 2, secondChance);
  const enough = runPaged(PAGES + 1, firstInFirstOut);
  for (const { outcome } of [first, second, enough]) expect(outcome).toEqual(exited);
  // Faults that had to bring a page back. Page 0 is touched again and again: whoever notices has fewer of them.
  expect(second.ledger.paging?.loaded).toBeLessThan(first.ledger.paging?.loaded ?? 0);
  expect(enough.ledger.paging?.loaded).toBe(0);
  expect(enough.log.entries).toHaveLength(0);
});

test("victims go to blocks of the environment's own, come back from there, and the disk shows it", () => {
  const { ledger, log } = runPaged(PAGES / 2, firstInFirstOut);
  const written = log.entries.filter(({ kind }) => kind === "write");
  const read = log.entries.filter(({ kind }) => kind === "read");
  expect(written.length).toBe(ledger.paging?.saved);
  expect(read.length).toBe(ledger.paging?.loaded);
  expect(read.length).toBeGreaterThan(PAGES);
  for (const { first, count, ok } of log.entries) {
    expect(ok).toBe(true);
    expect(first).toBeGreaterThanOrEqual(FIRST_BLOCK);
    expect(first + count).toBeLessThanOrEqual(FIRST_BLOCK + DISK_BLOCKS);
  }
  // A page is read only where it was written before.
  for (const { first } of read) expect(written.some((entry) => entry.first === first)).toBe(true);
});

test("the same again, to the cycle", () => {
  const [one, two] = [runPaged(PAGES / 2, secondChance), runPaged(PAGES / 2, secondChance)];
  expect(one.log.entries).toEqual(two.log.entries);
  expect(one.ledger).toEqual(two.ledger);
});
