/** Translation buffers of few entries, filled by the kernel or from walked page tables. */
import {
  DEC5000_125,
  FRAME_BYTES,
  PENTIUM_PRO_TRANSLATION,
  R3000_TRANSLATION,
  makeTranslationBuffer,
  type TranslationHardware,
} from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import { ADDRESS_SPACE_IDS, WELL_KNOWN_SLOT } from "../src/abi/limits.ts";
import {
  EXIT,
  FAULT_CAUSES,
  PAGE_USE,
  frame,
  must,
  rowOf,
  sliceIndex,
  virtualPage,
  type Gate,
  type ProgramHandle,
} from "../src/abi/index.ts";
import { checkTables, outcome } from "../src/testing/index.ts";
import { loadPaged, makeOwner, moduleOf, own, programRig, type Owner } from "./program-rig.ts";

const page = virtualPage;
const ENTRIES = 16;
const WASM_PAGES = 512;

/** Touches `count` pages, each `stride` pages after the one before: `main(count, stride, writes)` is the sum of what is in them. */
const sweep = moduleOf(
  (code) => {
    const [at, left, sum] = [code.local("i32"), code.local("i32"), code.local("i32")];
    code.get(0).set(left).open("loop");
    code.get(2).open("if").get(at).get(at).memory("i32.store", 4).end();
    code.get(at).memory("i32.load").get(sum).op("i32.add").set(sum);
    code.get(at).get(1).i32(12).ops("i32.shl", "i32.add").set(at);
    code.get(left).i32(1).op("i32.sub").tee(left).op("br_if", 0).end().get(sum);
  },
  { parameters: ["i32", "i32", "i32"], pages: WASM_PAGES },
);

/** One access to an address: a store, and a load. */
const touches = [
  moduleOf((code) => code.get(0).i32(1).memory("i32.store").i32(0), { parameters: ["i32"], pages: 16 }),
  moduleOf((code) => code.get(0).memory("i32.load"), { parameters: ["i32"], pages: 16 }),
] as const;

interface Swept {
  readonly owner: Owner;
  readonly gate: Gate;
  /** Touches pages to the end, over as many slices as that takes. */
  run(count: number, stride?: number, writes?: number): unknown;
  /** Instructions that its program has run. */
  fuel(): number;
  /** What came since this was last asked: misses, those that the kernel answered, and upcalls. */
  since(): { misses: number; refills: number; upcalls: number };
}

/** Frames that pages are bound to, one after the other. */
const SHARED = 64;
const FIRST_SHARED = 32;

/** An owner that binds the page of every miss to one of its frames, and gives what was protected back. */
function makeSwept(translation: TranslationHardware, n = 1, rig = rigWith(translation)): Swept {
  const owner = makeOwner(rig, n);
  const { gate, first } = owner;
  const program: ProgramHandle = loadPaged(owner, sweep);
  let upcalls = 0;
  owner.onFault = (cause, address) => {
    upcalls += 1;
    const at = address >>> 12;
    if (cause === FAULT_CAUSES.protection) return gate.tlbProtect(page(at), 1, RIGHTS.write) === undefined;
    const f = frame(first + FIRST_SHARED + (at % SHARED));
    return gate.tlbWrite(page(at), f, 1, RIGHTS.write, own) === undefined;
  };
  let seen = { misses: 0, refills: 0, upcalls: 0 };
  return {
    owner,
    gate,
    run: (count, stride = 1, writes = 0) => {
      let exit = owner.do(() => program.enter("main", count, stride, writes));
      while (exit === EXIT.suspended) exit = owner.do(() => program.run());
      expect(exit).toBe(EXIT.returned);
      return program.result();
    },
    fuel: () => gate.programs.fuel(rowOf(program.id)),
    since: () => {
      const before = seen;
      seen = { misses: gate.translation.misses(), refills: gate.translation.refills(), upcalls };
      return {
        misses: seen.misses - before.misses,
        refills: seen.refills - before.refills,
        upcalls: seen.upcalls - before.upcalls,
      };
    },
  };
}

const rigWith = (translation: TranslationHardware): ReturnType<typeof programRig> =>
  programRig({}, { profile: DEC5000_125, translation });

describe.each(["software", "hardware"] as const)("a buffer that is filled by %s", (refill) => {
  const hardware = { entries: ENTRIES, refill };

  test(`[H2] with more pages than entries misses are counted, what is unmapped is flushed, and an entry of another address space never hits (${refill})`, () => {
    const one = makeSwept(hardware);
    const { gate, owner } = one;
    const { counters } = owner.rig.machine.translation;
    // As many pages as entries: each misses once.
    one.run(ENTRIES);
    expect(one.since()).toEqual({ misses: ENTRIES, refills: 0, upcalls: ENTRIES });
    one.run(ENTRIES);
    expect(one.since()).toEqual({ misses: 0, refills: 0, upcalls: 0 });
    // One more, and the oldest is always the next: every access misses, and is answered by the kernel.
    one.run(ENTRIES + 1);
    expect(one.since().upcalls).toBe(1);
    const displaced = counters.displaced;
    one.run(ENTRIES + 1);
    expect(one.since()).toEqual({ misses: ENTRIES + 1, refills: ENTRIES + 1, upcalls: 0 });
    expect(counters.displaced - displaced).toBe(ENTRIES + 1);
    // What is unmapped is not in the buffer any more: the handler hears of it, and of nothing else.
    one.run(4);
    one.since();
    must(gate.tlbRemove(page(2), 1));
    one.run(4);
    expect(one.since()).toEqual({ misses: 1, refills: 0, upcalls: 1 });
    // What is in it for one is not there for another, who has the same pages.
    const other = makeSwept(hardware, 2, owner.rig);
    owner.window.setU32LE((FIRST_SHARED + 1) * FRAME_BYTES, 1000);
    other.owner.window.setU32LE((FIRST_SHARED + 1) * FRAME_BYTES, 7);
    one.run(2);
    one.since();
    expect(other.run(2)).toBe(7);
    expect(other.since()).toEqual({ misses: 2, refills: 0, upcalls: 2 });
    expect([one.run(2), other.run(2)]).toEqual([1000, 7]);
    expect([one.since().upcalls, other.since()]).toEqual([0, { misses: 0, refills: 0, upcalls: 0 }]);
    checkTables(owner.rig.root);
  });

  test("a dirty entry is one that was written: the first write to what was read misses once more, and a write to what is protected faults", () => {
    const one = makeSwept(hardware);
    one.run(4);
    one.since();
    one.run(4, 1, 1);
    expect(one.since()).toEqual({ misses: 4, refills: 4, upcalls: 0 });
    one.run(4, 1, 1);
    expect(one.since().misses).toBe(0);
    must(one.gate.tlbProtect(page(1), 1, RIGHTS.none));
    one.run(4, 1, 1);
    expect(one.since()).toEqual({ misses: 1, refills: 0, upcalls: 1 });
  });

  test("an id that is given to another takes its entries with it, and nothing that a program sees", () => {
    const one = makeSwept(hardware);
    const { rig, window } = one.owner;
    window.setU32LE((FIRST_SHARED + 3) * FRAME_BYTES, 31);
    expect(one.run(4)).toBe(31);
    one.since();
    for (let i = 0; i < ADDRESS_SPACE_IDS + 8; i++) rig.environment([1, 100 + i], { slices: [10 + i] });
    for (let i = 0; i < 4 * ADDRESS_SPACE_IDS; i++) rig.kernel.step();
    expect(rig.machine.translation.counters.flushed).toBe(4);
    expect(one.run(4)).toBe(31);
    expect(one.since()).toEqual({ misses: 4, refills: 4, upcalls: 0 });
  });

  test("results, faults and bytes are those of a machine without it", () => {
    const told = [R3000_TRANSLATION, { entries: Infinity, refill: "hardware" } as const, hardware].map(
      (each) => {
        const one = makeSwept(each);
        const sums = [one.run(100, 1, 1), one.run(100), one.run(50, 3, 1)];
        const { upcalls } = one.since();
        const bytes = one.owner.window.checksum(FIRST_SHARED * FRAME_BYTES, SHARED * FRAME_BYTES, 0);
        return { sums, upcalls, bytes };
      },
    );
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
  });
});

test("a buffer has room for every page that one access needs", () => {
  const memory = { view: new DataView(new ArrayBuffer(16)) };
  for (const entries of [0, 7, 8.5, Number.NaN])
    expect(() => makeTranslationBuffer(memory, { entries, refill: "software" })).toThrow(RangeError);
});

test("[H3] an access sets the accessed bit and a write the dirty bit of its page, the owner's three bits and what it keeps in pages that are not there survive, and a store to the tables faults", () => {
  const one = makeSwept(PENTIUM_PRO_TRANSLATION);
  const { gate, owner } = one;
  const { translation } = gate;
  const { first } = owner;
  must(gate.tlbWrite(page(0), frame(first + FIRST_SHARED), 6, RIGHTS.write, own));
  const used = (at: number): readonly number[] => [translation.accessed(at), translation.dirty(at)];
  expect([0, 1].map(used)).toEqual([
    [0, 0],
    [0, 0],
  ]);
  // Marks of both kinds: all eight that a bound page can have, and any word of 31 bits.
  for (let i = 0; i < 6; i++) must(gate.tlbMark(page(i), 1, i + 2));
  const payloads = [0, 1, 0x1234_5678, 2 ** 31 - 1];
  for (const [i, payload] of payloads.entries()) must(gate.tlbMark(page(200 + i), 1, payload));
  const marks = (): unknown => [
    [0, 1, 2, 3, 4, 5].map((at) => translation.mark(at)),
    payloads.map((_, i) => translation.mark(200 + i)),
  ];
  const marked = [[2, 3, 4, 5, 6, 7], payloads];
  expect(marks()).toEqual(marked);
  expect(payloads.map((_, i) => translation.rights(200 + i))).toEqual([-1, -1, -1, -1]);
  // Reads, and then writes.
  one.run(3);
  expect([0, 1, 2, 3].map(used)).toEqual([
    [1, 0],
    [1, 0],
    [1, 0],
    [0, 0],
  ]);
  one.run(2, 1, 1);
  expect([0, 1, 2].map(used)).toEqual([
    [1, 1],
    [1, 1],
    [1, 0],
  ]);
  // What is forgotten is set by the next access, and nobody hears of that.
  must(gate.tlbClear(page(0), 3, PAGE_USE.accessed));
  expect([0, 1, 2].map(used)).toEqual([
    [0, 1],
    [0, 1],
    [0, 0],
  ]);
  must(gate.tlbClear(page(1), 1, PAGE_USE.accessed + PAGE_USE.dirty));
  one.run(2);
  expect([0, 1].map(used)).toEqual([
    [1, 1],
    [1, 0],
  ]);
  expect(one.since().upcalls).toBe(0);
  // Through all of it, a change of rights and the loss of every place in the buffer.
  must(gate.tlbProtect(page(0), 3, RIGHTS.none));
  must(gate.tlbProtect(page(0), 3, RIGHTS.write));
  one.run(2 * PENTIUM_PRO_TRANSLATION.entries);
  expect(marks()).toEqual([[2, 3, 4, 5, 6, 7], payloads]);
  // A page that is bound has three bits, and binding begins anew.
  expect(outcome(gate.tlbMark(page(199), 2, 8))).toBe("ok");
  must(gate.tlbWrite(page(199), frame(first + FIRST_SHARED), 1, RIGHTS.none, own));
  expect(outcome(gate.tlbMark(page(199), 2, 8))).toBe("BadRange");
  expect([translation.mark(199), translation.mark(200)]).toEqual([0, 8]);
  must(gate.tlbRemove(page(199), 1));
  expect([translation.mark(199), used(199)]).toEqual([0, [0, 0]]);
  // Whatever a page that is not there keeps, it is not there: neither read nor written.
  owner.onFault = () => undefined;
  for (const [i, payload] of payloads.entries()) {
    must(gate.tlbMark(page(200 + i), 1, payload));
    for (const touch of touches) {
      const program = loadPaged(owner, touch);
      expect(owner.do(() => program.enter("main", (200 + i) * FRAME_BYTES))).toBe(EXIT.stopped);
      expect([program.cause(), translation.mark(200 + i)]).toEqual([FAULT_CAUSES.translation, payload]);
      must(gate.programEnd(program.id));
    }
  }
  // The tables are above the frames: nobody binds them, and an address up there is a fault.
  const tables = owner.rig.machine.memory.frames;
  expect(outcome(gate.tlbWrite(page(300), frame(tables), 1, RIGHTS.write, own))).toBe("BadFrame");
  const store = loadPaged(owner, touches[0]);
  const before = Array.from({ length: 6 }, (_, at) => [used(at), translation.frame(at)]);
  expect(owner.do(() => store.enter("main", tables * FRAME_BYTES))).toBe(EXIT.stopped);
  expect(store.cause()).toBe(FAULT_CAUSES.access);
  expect(Array.from({ length: 6 }, (_, at) => [used(at), translation.frame(at)])).toEqual(before);
});

describe("the software translation buffer", () => {
  const SET = 1000;
  const ROUNDS = 20;
  const PLACES = 4096;

  test("[V6] it absorbs the misses of 1000 pages with no upcall, two pages of one place thrash, and its owner probes it through the well-known capability", () => {
    const one = makeSwept(R3000_TRANSLATION);
    const { gate, owner } = one;
    one.run(SET);
    expect(one.since()).toEqual({ misses: SET, refills: 0, upcalls: SET });
    const calls = gate.environments.calls(owner.row);
    for (let i = 0; i < ROUNDS; i++) one.run(SET);
    const absorbed = one.since();
    expect(absorbed.misses).toBeGreaterThanOrEqual(ROUNDS * (SET - R3000_TRANSLATION.entries));
    expect(absorbed.refills / absorbed.misses).toBeGreaterThanOrEqual(0.95);
    expect([absorbed.upcalls, gate.environments.calls(owner.row) - calls]).toEqual([0, 0]);
    // Two pages with one place: once they have left the processor's buffer, each takes the other out.
    const others = R3000_TRANSLATION.entries + 2;
    const alternate = (stride: number): number => {
      for (let i = 0; i < ROUNDS; i++) {
        one.run(2, stride);
        if (i === 1) one.since();
        one.run(others);
      }
      return one.since().upcalls;
    };
    expect(alternate(PLACES)).toBe(2 * (ROUNDS - 2));
    // Two pages that have a place each stay.
    expect(alternate(PLACES + 500)).toBe(0);
    // Anybody reads it, and nobody writes it.
    const stlb = gate.system.translations;
    const frames = (PLACES * 8) / FRAME_BYTES;
    const words = must(gate.windowBind(stlb, frames, false, WELL_KNOWN_SLOT));
    const place = (at: number): number => ((at ^ (owner.row << 6)) % PLACES) * 8;
    for (const at of [5, 700, SET - 1]) {
      expect(words.getU32(place(at))).toBe(at * 4096 + owner.row + 1);
      expect(words.getU32(place(at) + 4) >>> 12).toBe(gate.translation.frame(at));
    }
    expect(words.getU32(place(SET + 50))).toBe(0);
    must(gate.tlbRemove(page(700), 1));
    expect([words.getU32(place(700)), words.getU32(place(700) + 4)]).toEqual([0, 0]);
    expect(outcome(gate.windowBind(stlb, frames, true, WELL_KNOWN_SLOT))).toBe("BadCapability");
    expect(outcome(gate.tlbWrite(page(7), stlb, 1, RIGHTS.write, WELL_KNOWN_SLOT))).toBe("BadCapability");
    checkTables(owner.rig.root);
  });

  test("a copy between two pages of one place is done: both are in the processor's buffer at once", () => {
    const copy = moduleOf((code) => code.get(0).get(1).get(2).op("memory.copy", 0, 0).i32(5), {
      parameters: ["i32", "i32", "i32"],
      pages: WASM_PAGES,
    });
    const { owner } = makeSwept(R3000_TRANSLATION);
    const program = loadPaged(owner, copy);
    owner.window.setU32LE((FIRST_SHARED + 1) * FRAME_BYTES, 0xabcd);
    const far = (PLACES + 1) * FRAME_BYTES;
    owner.onFault = (_, address) => {
      const f = frame(owner.first + FIRST_SHARED + (address >= far ? 2 : 1));
      return owner.gate.tlbWrite(page(address >>> 12), f, 1, RIGHTS.write, own) === undefined;
    };
    expect(owner.do(() => program.enter("main", far, FRAME_BYTES, 4))).toBe(EXIT.returned);
    expect(owner.window.getU32LE((FIRST_SHARED + 2) * FRAME_BYTES)).toBe(0xabcd);
  });

  test("a page that lost its place to another's keeps its frame, its bits and its mark until it is asked for", () => {
    const one = makeSwept(R3000_TRANSLATION);
    const other = makeSwept(R3000_TRANSLATION, 2, one.owner.rig);
    const { translation } = one.gate;
    one.run(1, 1, 1);
    must(one.gate.tlbMark(page(0), 1, 5));
    const kept = (): unknown => [translation.frame(0), translation.dirty(0), translation.mark(0)];
    const before = kept();
    expect(before).toEqual([one.owner.first + FIRST_SHARED, 1, 5]);
    const rival = page((one.owner.row << 6) ^ (other.owner.row << 6));
    must(other.gate.tlbWrite(rival, frame(other.owner.first + 40), 1, RIGHTS.write, own));
    expect(kept()).toEqual(before);
    const seen: unknown[] = [];
    const { onFault } = one.owner;
    one.owner.onFault = (cause, address) => (seen.push([cause, address, kept()]), onFault(cause, address));
    one.run(1);
    expect(seen).toEqual([[FAULT_CAUSES.translation, 0, before]]);
    checkTables(one.owner.rig.root);
  });

  test("more pages than places are bound in one call, all or none", () => {
    const { gate, owner } = makeSwept(R3000_TRANSLATION);
    for (let at = 0; at < PLACES + 10; at++)
      must(gate.tlbWrite(page(at), frame(owner.first + FIRST_SHARED), 1, RIGHTS.none, own));
    expect(gate.translation.count()).toBe(PLACES + 10);
  });

  test("an environment's pages take the places of another's, whose next access is an upcall", () => {
    const one = makeSwept(R3000_TRANSLATION);
    const other = makeSwept(R3000_TRANSLATION, 2, one.owner.rig);
    one.run(PLACES);
    one.since();
    other.run(64);
    one.run(PLACES);
    expect(one.since().upcalls).toBe(64);
    checkTables(one.owner.rig.root);
  });

  test("a machine that walks its tables has none", () => {
    const { gate } = makeSwept(PENTIUM_PRO_TRANSLATION);
    expect(gate.system.translations).toBe(0);
  });

  test("a refill costs 18 instructions and an exception", () => {
    const one = makeSwept(R3000_TRANSLATION);
    const { softwareRefill, trap } = { ...DEC5000_125.cycles, trap: DEC5000_125.primitives.trap };
    const { environments, translation } = one.gate;
    one.run(66);
    const timed = (count: number): { cycles: number; misses: number } => {
      const state = (): [number, number] => [
        environments.cyclesUsed(one.owner.row) - one.fuel(),
        translation.misses(),
      ];
      const [cycles, misses] = state();
      one.run(count);
      const [cyclesAfter, missesAfter] = state();
      return { cycles: cyclesAfter - cycles, misses: missesAfter - misses };
    };
    one.run(2);
    const [hit, miss] = [timed(2), timed(66)];
    // The two that hit have come last, and leave last.
    expect([hit.misses, miss.misses]).toEqual([0, 64]);
    expect(miss.cycles - hit.cycles).toBe(64 * softwareRefill);
    expect(softwareRefill).toBe(trap + 18);
  });
});

describe.each([R3000_TRANSLATION, PENTIUM_PRO_TRANSLATION])(
  "a buffer of few entries ($refill)",
  (translation) => {
    const poke = moduleOf((code) => code.get(0).get(1).memory("i32.store").i32(0), {
      parameters: ["i32", "i32"],
      pages: 16,
    });

    /** Frees a frame of an environment's, has somebody else claim it, and lets the environment's program write where it was. */
    function writesWhatItFreed(owner: Owner, gate: Gate, freed: number, write: () => ProgramHandle): void {
      must(gate.framesFree(frame(freed), 1, own));
      const victim = makeOwner(owner.rig, 3);
      must(victim.gate.framesAlloc(frame(freed), 1, own));
      const window = must(victim.gate.windowBind(frame(freed), 1, true, own));
      window.setU32LE(4, 0xabcd);
      const program = write();
      expect([program.cause(), window.getU32LE(4)]).toEqual([FAULT_CAUSES.translation, 0xabcd]);
      checkTables(owner.rig.root);
    }

    test("what a program touches while its environment is being created is taken out with its frame", () => {
      const rig = programRig({ quantumSeconds: 20 }, { profile: DEC5000_125, translation });
      const creator = makeOwner(rig, 1);
      const [first, freed] = [6 * 128, 6 * 128 + 16];
      const made: { gate?: Gate; program?: ProgramHandle; act?: () => void } = {};
      creator.do(() =>
        must(
          creator.gate.environmentCreate((gate) => {
            made.gate = gate;
            must(gate.sliceAlloc(sliceIndex(40), own));
            must(gate.framesAlloc(frame(first), 20, own));
            must(gate.translationCreate(FRAME_BYTES));
            must(gate.tlbWrite(page(0), frame(freed), 1, RIGHTS.write, own));
            const request = {
              module: poke,
              mode: "paged",
              imports: [],
              context: frame(first),
              contextFrames: 16,
            } as const;
            made.program = must(gate.programLoad(request, own));
            expect(made.program.initialise()).toBe(EXIT.returned);
            expect(made.program.enter("main", 0, 77)).toBe(EXIT.returned);
            return { sliceBegin: () => made.act?.() };
          }, own),
        ),
      );
      writesWhatItFreed(creator, made.gate as Gate, freed, () => {
        made.act = () => {
          delete made.act;
          made.program?.enter("main", 4, 99);
        };
        for (let i = 0; i < 400 && made.act !== undefined; i++) rig.kernel.step();
        return made.program as ProgramHandle;
      });
    });

    test("an entry has the id of an address space", () => {
      const memory = { view: new DataView(new ArrayBuffer(64)) };
      const buffer = makeTranslationBuffer(memory, translation);
      expect(() => buffer.write(-1, { base: 0, bits: 16 }, 0, 0, false)).toThrow(RangeError);
    });
  },
);
