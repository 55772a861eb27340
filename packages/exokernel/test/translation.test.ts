/** Address spaces: what is bound, for whom, and what becomes of it when frames change hands. */
import { FRAME_BYTES, MODERN_3GHZ, spaceBytes } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  EXIT,
  FAULT_CAUSES,
  RESOURCE_KINDS,
  failed,
  frame,
  must,
  rowOf,
  virtualPage,
  type Gate,
  type ProgramHandle,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState } from "../src/testing/index.ts";
import { loadPaged, makeOwner, moduleOf, own, programRig, type Owner } from "./program-rig.ts";
import { MORE_REFUSALS } from "./refusal-programs.ts";
import { makeStage } from "./refusal-stage.ts";

const page = virtualPage;
const load = moduleOf((code) => code.get(0).memory("i32.load"), { parameters: ["i32"], pages: 16 });
const store = moduleOf((code) => code.get(0).get(1).memory("i32.store").i32(0), {
  parameters: ["i32", "i32"],
  pages: 16,
});

/** Binds one page of an owner's to one of its frames, counted from its first. */
const bind = ({ gate, first }: Owner, at: number, of: number, rights: number = RIGHTS.write): unknown =>
  must(gate.tlbWrite(page(at), frame(first + of), 1, rights, own));

/** What a load comes to: the value, or the name of the cause. */
function read(owner: Owner, program: ProgramHandle, address: number): unknown {
  const exit = owner.do(() => program.enter("main", address));
  return exit === EXIT.returned ? program.result() : program.cause();
}

test.each(Object.entries(MORE_REFUSALS))("%s is refused, and nothing changes", (_, [refusal, act]) => {
  const stage = makeStage();
  must(stage.alice.translationCreate(FRAME_BYTES));
  const before = tableState(stage.root) + tableState(stage.alice);
  expect(outcome(act(stage))).toBe(refusal);
  expect(tableState(stage.root) + tableState(stage.alice)).toBe(before);
});

test("what is bound is published: to its owner page by page, to all by frame and in number", () => {
  const rig = programRig();
  const owner = makeOwner(rig, 1);
  const { gate, first, row } = owner;
  const { translation, frames, environments } = gate;
  expect([translation.pageBytes(), translation.frame(3), translation.rights(3)]).toEqual([0, 0, -1]);
  must(gate.translationCreate(FRAME_BYTES));
  must(gate.tlbWrite(page(3), frame(first + 20), 2, RIGHTS.write, own));
  must(gate.tlbWrite(page(9), frame(first + 20), 1, RIGHTS.none, own));
  must(gate.tlbProtect(page(4), 1, RIGHTS.none));
  const shown = [2, 3, 4, 9].map((at) => [translation.frame(at), translation.rights(at)]);
  expect(shown).toEqual([
    [0, -1],
    [first + 20, RIGHTS.write],
    [first + 21, RIGHTS.none],
    [first + 20, RIGHTS.none],
  ]);
  expect([translation.pageBytes(), translation.count(), environments.translations(row)]).toEqual([
    4096, 3, 3,
  ]);
  expect([frames.translations(first + 20), frames.translations(first + 21)]).toEqual([2, 1]);
  expect(frames.pins(first + 20)).toBe(0);
  must(gate.tlbRemove(page(0), 5));
  expect([translation.count(), frames.translations(first + 20)]).toEqual([1, 1]);
  must(gate.translationDestroy());
  expect([translation.pageBytes(), frames.translations(first + 20)]).toEqual([0, 0]);
  expect(translation.rights("x" as never)).toBe(-1);
});

test("pages of 64 KiB are sixteen frames, each of which takes the page away when it is freed", () => {
  const owner = makeOwner(programRig(), 1);
  const { gate, first, window } = owner;
  must(gate.translationCreate(65_536));
  expect(outcome(gate.tlbWrite(page(1), frame(first + 17), 1, RIGHTS.write, own))).toBe("BadFrame");
  must(gate.tlbWrite(page(1), frame(first + 32), 1, RIGHTS.write, own));
  must(gate.tlbWrite(page(2), frame(first + 32), 1, RIGHTS.none, own));
  window.setU32LE(40 * 4096 + 12, 99);
  const program = loadPaged(owner, load);
  expect([read(owner, program, 65_536 + 8 * 4096 + 12)]).toEqual([99]);
  expect(gate.frames.translations(first + 47)).toBe(2);
  must(gate.framesFree(frame(first + 47), 1, own));
  expect([gate.translation.count(), gate.frames.translations(first + 32)]).toEqual([0, 0]);
  expect(read(owner, program, 65_536 + 8 * 4096 + 12)).toBe(FAULT_CAUSES.translation);
  checkTables(gate);
});

test("[V7] copy on write changes the rights of a range of pages, stores to the tables fault, and a foreign page is not inserted", () => {
  const rig = programRig();
  const [parent, child] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const pages = 4;
  const programs = [parent, child].map((owner) => loadPaged(owner, store));
  const [writer, copier] = programs as [ProgramHandle, ProgramHandle];
  must(parent.gate.tlbWrite(page(0), frame(parent.first + 32), pages, RIGHTS.write, own));
  for (let i = 0; i < pages; i++) parent.window.setU32LE((32 + i) * 4096, 100 + i);
  // The parent lets the child read, and both have every page for reading from now on.
  for (let i = 0; i < pages; i++)
    must(
      parent.gate.guardSet(
        RESOURCE_KINDS.frame,
        parent.first + 32 + i,
        1,
        { name: [1, 2], rights: RIGHTS.none },
        own,
      ),
    );
  must(parent.gate.tlbProtect(page(0), pages, RIGHTS.none));
  must(child.gate.tlbWrite(page(0), frame(parent.first + 32), pages, RIGHTS.none, own));
  expect(outcome(child.gate.tlbWrite(page(0), frame(parent.first + 32), 1, RIGHTS.write, own))).toBe(
    "BadCapability",
  );
  expect(outcome(child.gate.tlbWrite(page(0), frame(parent.first + 60), 1, RIGHTS.none, own))).toBe(
    "BadCapability",
  );
  expect(outcome(child.gate.tlbProtect(page(0), 1, RIGHTS.write))).toBe("BadTranslation");
  const copied: number[] = [];
  child.onFault = (cause, address) => {
    expect(cause).toBe(FAULT_CAUSES.protection);
    const at = address >>> 12;
    const source = must(child.gate.windowBind(frame(child.gate.translation.frame(at)), 1, false, own));
    child.window.copy((40 + at) * 4096, source, 0, 4096);
    bind(child, at, 40 + at);
    return copied.push(at) > 0;
  };
  child.do(() => copier.enter("main", 2 * 4096 + 8, 7));
  expect([copier.cause(), copied]).toEqual([0, [2]]);
  expect([child.window.getU32LE(42 * 4096), child.window.getU32LE(42 * 4096 + 8)]).toEqual([102, 7]);
  expect(parent.window.getU32LE(34 * 4096 + 8)).toBe(0);
  expect(child.gate.translation.frame(1)).toBe(parent.first + 33);
  parent.onFault = (_, address) =>
    parent.gate.tlbProtect(page(address >>> 12), 1, RIGHTS.write) === undefined;
  parent.do(() => writer.enter("main", 2 * 4096 + 12, 8));
  expect(parent.window.getU32LE(34 * 4096 + 12)).toBe(8);
  // No page reaches the tables: they are above the last frame, and a program's addresses end before them.
  const tables = frame(rig.machine.memory.frames);
  expect(outcome(parent.gate.tlbWrite(page(5), tables, 1, RIGHTS.write, own))).toBe("BadFrame");
  const before = parent.gate.translation.count();
  parent.onFault = () => undefined;
  parent.do(() => writer.enter("main", (tables as number) * 4096, 1));
  expect([FAULT_CAUSES.access, FAULT_CAUSES.translation]).toContain(writer.cause());
  expect(parent.gate.translation.count()).toBe(before);
});

/** What a page is taken by, each time from a program that reads it. */
const TAKERS: { readonly [name: string]: (owner: Owner, other: Gate) => void } = {
  "its frame is freed": ({ gate, first }) => must(gate.framesFree(frame(first + 20), 1, own)),
  "it is removed": ({ gate }) => must(gate.tlbRemove(page(2), 1)),
  "somebody above frees its frame": ({ rig, first }) => must(rig.root.framesFree(frame(first + 20), 1, own)),
  "frames are taken by force": ({ rig, gate, row, first }) => {
    must(rig.root.revocationAsk(gate.self, RESOURCE_KINDS.frame, gate.environments.frames(row), own));
    rig.machine.clock.advance((rig.machine.clock.now() + 1e9) as never);
    rig.kernel.step();
    rig.machine.clock.advance((rig.machine.clock.now() + 1e9) as never);
    for (let i = 0; i < 5 && gate.frames.owner(first + 20) === gate.self; i++) rig.kernel.step();
  },
};

describe.each(Object.entries(TAKERS))("when %s", (name, take) => {
  test("an access that went through misses, and what somebody else writes there is never seen", () => {
    const rig = programRig();
    const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
    const program = loadPaged(owner, load);
    bind(owner, 2, 20);
    owner.window.setU32LE(20 * 4096, 5);
    expect(read(owner, program, 2 * 4096)).toBe(5);
    take(owner, other.gate);
    expect(owner.gate.translation.frame(2)).toBe(0);
    expect(owner.gate.frames.translations(owner.first + 20)).toBe(0);
    if (owner.gate.frames.owner(owner.first + 20) === 0) {
      must(other.gate.framesAlloc(frame(owner.first + 20), 1, own));
      const window = must(other.gate.windowBind(frame(owner.first + 20), 1, true, own));
      expect(window.getU32LE(0)).toBe(0);
      window.setU32LE(0, 666);
    }
    if (name === "frames are taken by force")
      expect(() => owner.do(() => program.enter("main", 2 * 4096))).toThrow("over");
    else expect(read(owner, program, 2 * 4096)).toBe(FAULT_CAUSES.translation);
    checkTables(rig.root);
  });
});

test("one frame that is bound a million times is freed in one call, in one pass over its pages", () => {
  const owner = makeOwner(programRig(), 1);
  const { gate, first } = owner;
  must(gate.translationCreate(FRAME_BYTES));
  for (let i = 0; i < 2 ** 20; i++)
    if (gate.tlbWrite(page(i), frame(first + 20), 1, RIGHTS.write, own) !== undefined)
      throw new Error("refused");
  expect(gate.frames.translations(first + 20)).toBe(2 ** 20);
  must(gate.framesFree(frame(first + 20), 1, own));
  expect([gate.translation.count(), gate.frames.translations(first + 20)]).toEqual([0, 0]);
  expect(gate.translation.rights(2 ** 20 - 1)).toBe(-1);
});

test("whoever frees a frame pays nothing for what others bound: they have paid when they did", () => {
  const rig = programRig();
  const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const { gate, first } = owner;
  const cyclesOf = (act: () => unknown): number => {
    const before = gate.clock.now();
    must(act());
    return gate.clock.now() - before;
  };
  must(rig.root.guardSet(RESOURCE_KINDS.frame, first + 20, 1, { name: [1, 2], rights: RIGHTS.write }, own));
  must(other.gate.translationCreate(FRAME_BYTES));
  for (let i = 0; i < 5000; i++) must(other.gate.tlbWrite(page(i), frame(first + 20), 1, RIGHTS.write, own));
  const shared = cyclesOf(() => gate.framesFree(frame(first + 20), 1, own));
  expect(other.gate.translation.count()).toBe(0);
  expect(shared).toBe(cyclesOf(() => gate.framesFree(frame(first + 21), 1, own)));
  const [one = 0, many = 0] = [1, 101].map((count) =>
    cyclesOf(() => other.gate.tlbWrite(page(0), frame(other.first), count, RIGHTS.write, own)),
  );
  expect(many - one).toBeGreaterThanOrEqual(100 * 12 * MODERN_3GHZ.cycles.word);
});

test("an address space costs by its pages, the same whether there was one before or not", () => {
  const rig = programRig();
  const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const { clock } = owner.gate;
  const { touchByte } = MODERN_3GHZ.cycles;
  for (const [bytes, pages] of [
    [FRAME_BYTES, 2 ** 20],
    [65_536, 2 ** 16],
  ] as const) {
    const costs: number[] = [];
    for (const { gate } of [owner, owner, other, owner]) {
      const before = clock.now();
      must(gate.translationCreate(bytes));
      costs.push(clock.now() - before);
      expect([gate.translation.count(), gate.translation.rights(3)]).toEqual([0, -1]);
      must(
        gate.tlbWrite(page(3), frame(gate === owner.gate ? owner.first : other.first), 1, RIGHTS.write, own),
      );
      must(gate.translationDestroy());
      checkTables(rig.root);
    }
    // A part of a cycle may be left of what was before.
    expect(Math.max(...costs) - Math.min(...costs)).toBeLessThanOrEqual(1);
    expect(costs[0]).toBeGreaterThanOrEqual(9 * pages * touchByte);
  }
});

test("an address space that ends leaves zeros in the arena, and the next one begins without a translation", () => {
  const rig = programRig({}, { arenaBytes: spaceBytes(12) });
  const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const program = loadPaged(owner, load);
  for (const at of [0, 5, 1023, 1024, 70_000, 2 ** 20 - 1]) bind(owner, at, 20);
  read(owner, program, 4094);
  expect(outcome(other.gate.translationCreate(FRAME_BYTES))).toBe("Full");
  expect(outcome(owner.gate.translationDestroy())).toBe("Busy");
  must(rig.root.environmentDestroy(owner.gate.self, own));
  const { bytes, frames } = rig.machine.memory;
  expect(bytes.subarray(frames * FRAME_BYTES).some((byte) => byte !== 0)).toBe(false);
  must(other.gate.translationCreate(FRAME_BYTES));
  expect([other.gate.translation.count(), other.gate.translation.frame(5)]).toEqual([0, 0]);
  expect(rig.root.programs.owner(rowOf(program.id))).toBe(0);
  checkTables(rig.root);
});

test("a machine without an arena has no address spaces", () => {
  const owner = makeOwner(programRig({}, { arenaBytes: 0 }), 1);
  expect(outcome(owner.gate.translationCreate(65_536))).toBe("Full");
});

test("two programs in one physical memory, each at its own pages, do not see each other", () => {
  const rig = programRig();
  const owners = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const programs = owners.map((owner) => loadPaged(owner, store));
  for (const [i, owner] of owners.entries()) {
    bind(owner, 1, 20);
    owner.do(() => (programs[i] as ProgramHandle).enter("main", 4096, 11 * (i + 1)));
  }
  expect(owners.map(({ window }) => window.getU32LE(20 * 4096))).toEqual([11, 22]);
});

test("a miss goes to the table, then to the application, and what it writes is checked", () => {
  const rig = programRig();
  const owner = makeOwner(rig, 1);
  const program = loadPaged(owner, load);
  const tried: string[] = [];
  owner.onFault = (_, address) => {
    const at = page(address >>> 12);
    for (const [f, rights] of [
      [5, RIGHTS.none],
      [rig.root.system.frame, RIGHTS.write],
      [owner.first + 20, RIGHTS.all],
    ])
      tried.push(outcome(owner.gate.tlbWrite(at, frame(f ?? 0), 1, rights ?? 0, own)));
    return !failed(owner.gate.tlbWrite(at, frame(owner.first + 20), 1, RIGHTS.none, own));
  };
  expect(read(owner, program, 4096)).toBe(0);
  expect(tried).toEqual(["BadFrame", "BadCapability", "BadRange"]);
});

/** One step of a history: what is asked, of which of two owners, and with which small numbers. */
interface Step {
  readonly call: "write" | "protect" | "remove" | "free" | "claim" | "again";
  readonly who: number;
  readonly page: number;
  readonly frame: number;
  readonly count: number;
  readonly isWritable: boolean;
}

const step = (): fc.Arbitrary<Step> =>
  fc.record({
    call: fc.constantFrom("write", "write", "write", "protect", "remove", "free", "claim", "again"),
    who: fc.nat(1),
    page: fc.nat(11),
    frame: fc.nat(11),
    count: fc.integer({ min: 1, max: 4 }),
    isWritable: fc.boolean(),
  });

/** What a page is: its frame, what it was bound for, and whether it may be written now. */
interface Page {
  readonly frame: number;
  readonly isForWriting: boolean;
  isWritable: boolean;
}

/** Frames of the root's that both owners may map. */
const SHARED = 100;

/** Lets both owners read and write a frame of the root's. */
function letBothIn(root: Gate, f: number): void {
  for (const n of [1, 2])
    must(root.guardSet(RESOURCE_KINDS.frame, f, n, { name: [1, n], rights: RIGHTS.write }, own));
}

test("whatever is bound, protected, removed and freed, the tables are what a list of pages says", () => {
  fc.assert(
    fc.property(fc.array(step(), { maxLength: 60 }), (steps) => {
      const rig = makeRig(128, { reserveFrames: 0 }, { arenaBytes: 2 * spaceBytes(16) + spaceBytes(12) });
      const gates = [1, 2].map((n) => rig.environment([1, n]));
      const models = gates.map(() => new Map<number, Page>());
      for (const gate of gates) must(gate.translationCreate(gate === gates[0] ? FRAME_BYTES : 65_536));
      must(rig.root.framesAlloc(frame(16), SHARED, own));
      for (let f = 16; f < 16 + SHARED; f++) letBothIn(rig.root, f);
      for (const one of steps) {
        const gate = gates[one.who] as Gate;
        const model = models[one.who] as Map<number, Page>;
        const size = one.who === 0 ? 1 : 16;
        const first = one.who === 0 ? 16 + one.frame * 5 : 16 * (1 + (one.frame % 5));
        const rights = one.isWritable ? RIGHTS.write : RIGHTS.none;
        const { page: at, count } = one;
        const pages = Array.from({ length: count }, (_, i) => at + i);
        if (one.call === "write") {
          const done = gate.tlbWrite(page(at), frame(first), count, rights, own) === undefined;
          const isHeld = Array.from({ length: count * size }, (_, i) => first + i).every(
            (f) => f < 128 && rig.root.frames.owner(f) === rig.root.self,
          );
          expect(done).toBe(isHeld);
          if (done)
            for (const p of pages)
              model.set(p, {
                frame: first + (p - at) * size,
                isForWriting: one.isWritable,
                isWritable: one.isWritable,
              });
        } else if (one.call === "protect") {
          const may = !one.isWritable || pages.every((p) => model.get(p)?.isForWriting !== false);
          expect(outcome(gate.tlbProtect(page(at), count, rights))).toBe(may ? "ok" : "BadTranslation");
          for (const p of pages) {
            const entry = model.get(p);
            if (may && entry !== undefined) entry.isWritable = one.isWritable;
          }
        } else if (one.call === "remove") {
          must(gate.tlbRemove(page(at), count));
          for (const p of pages) model.delete(p);
        } else if (one.call === "again") {
          must(gate.translationDestroy());
          must(gate.translationCreate(size * FRAME_BYTES));
          model.clear();
        } else if (one.call === "claim") {
          if (!failed(rig.root.framesAlloc(frame(first), 1, own))) letBothIn(rig.root, first);
        } else if (rig.root.framesFree(frame(first), 1, own) === undefined)
          for (const [who, each] of models.entries())
            for (const [p, entry] of each)
              if (entry.frame <= first && first < entry.frame + (who === 0 ? 1 : 16)) each.delete(p);
        for (const [who, each] of models.entries()) {
          const { translation } = gates[who] as Gate;
          expect(translation.count()).toBe(each.size);
          for (let p = 0; p < 16; p++) {
            const entry = each.get(p);
            const wanted = entry === undefined ? -1 : entry.isWritable ? RIGHTS.write : RIGHTS.none;
            expect([translation.frame(p), translation.rights(p)]).toEqual([entry?.frame ?? 0, wanted]);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
});
