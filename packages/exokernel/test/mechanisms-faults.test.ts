/** Mechanisms of exceptions and translation, as programs meet them. */
import { DEC5000_125, FRAME_BYTES } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  CALLS,
  EXIT,
  FAULT_CAUSES,
  NEVER,
  RESOURCE_KINDS,
  frame,
  must,
  rowOf,
  virtualPage,
  type FaultCause,
  type ProgramHandle,
} from "../src/abi/index.ts";
import { outcome } from "../src/testing/index.ts";
import { makeTrace } from "../src/trace.ts";
import {
  CONTEXT_FRAMES,
  OWNER_FRAMES,
  PAGE_FRAMES,
  host,
  loadPaged,
  loadSegment,
  makeOwner,
  moduleOf,
  own,
  programRig,
  type Owner,
} from "./program-rig.ts";
import { eventsOf } from "./transfer-rig.ts";

const PAGES = 64;
const WASM_PAGES = (PAGES * FRAME_BYTES) / 65_536;

/** Loads or stores one word: `main(address, value, isStore)`. */
const access = moduleOf(
  (code) => {
    code.get(2).open("if", "i32").get(0).get(1).memory("i32.store").i32(0);
    code.op("else").get(0).memory("i32.load").end();
  },
  { parameters: ["i32", "i32", "i32"], pages: WASM_PAGES },
);
const load = (program: ProgramHandle, address: number): unknown => program.enter("main", address, 0, 0);
const store = (program: ProgramHandle, address: number, value: number): unknown =>
  program.enter("main", address, value, 1);

/** The kinds that a program raises, by number: what it does, and what it is to be told with. */
const KINDS = [
  ["translation", 0x3008],
  ["protection", 0x1010],
  ["access", 0x10_0000],
  ["division", undefined],
  ["division", undefined],
  ["unreachable", undefined],
  ["trap", undefined],
  ["stack", undefined],
] as const;

/** One program that raises every kind there is: `main(kind)`. */
const raises = moduleOf(
  (code) => {
    for (let kind = KINDS.length - 1; kind >= 0; kind--) code.open("block");
    code.get(0).table([0, 1, 2, 3, 4, 5, 6, 7], 7);
    code.end().i32(0x3008).memory("i32.load").op("return");
    code.end().i32(0x1010).i32(5).memory("i32.store").i32(0).op("return");
    code.end().i32(0x10_0000).memory("i32.load").op("return");
    code.end().i32(1).get(0).get(0).ops("i32.sub", "i32.div_s", "return");
    code
      .end()
      .i32(-(2 ** 31))
      .i32(-1)
      .ops("i32.div_s", "return");
    code.end().op("unreachable");
    code.end().f64(1e300).ops("i32.trunc_f64_s", "return");
    code.end().get(0).op("call", 0);
  },
  { parameters: ["i32"], pages: WASM_PAGES },
);

/** A program that cannot translate what it touches, with one page for reading. */
function raiser(owner: Owner): ProgramHandle {
  const program = loadPaged(owner, raises);
  must(owner.gate.tlbWrite(virtualPage(1), frame(owner.first + 20), 1, RIGHTS.none, own));
  return program;
}

test("[H4] one program raises a miss, a protection fault, a bad access, both kinds of bad division, the unreachable, a trap and a call too deep; its handler, or who runs it, sees the right cause and address", () => {
  const owner = makeOwner(programRig(), 1);
  const seen: (readonly [FaultCause, number])[] = [];
  owner.onFault = (cause, address) => {
    seen.push([cause, address]);
    return undefined;
  };
  for (const [kind, [name, address]] of KINDS.entries()) {
    const program = raiser(owner);
    seen.length = 0;
    expect(owner.do(() => program.enter("main", kind))).toBe(EXIT.stopped);
    expect([name, program.cause()]).toEqual([name, FAULT_CAUSES[name]]);
    const isAsked = name === "translation" || name === "protection";
    expect(seen).toEqual(isAsked ? [[FAULT_CAUSES[name], address]] : []);
    if (address !== undefined) expect(program.address()).toBe(address);
    must(owner.gate.programEnd(program.id));
  }
  // The handler may also see to it, and then the same program goes on behind the instruction.
  const program = raiser(owner);
  const { gate, first, window } = owner;
  window.setU32LE(21 * FRAME_BYTES + 8, 99);
  owner.onFault = (cause, address) => {
    const at = virtualPage(address >>> 12);
    const f = frame(first + (cause === FAULT_CAUSES.translation ? 21 : 20));
    must(gate.tlbWrite(at, f, 1, RIGHTS.write, own));
    return true;
  };
  expect([0, 1].map((kind) => owner.do(() => program.enter("main", kind)))).toEqual([0, 0]);
  expect(window.getU32LE(20 * FRAME_BYTES + 0x10)).toBe(5);
  expect(owner.do(() => program.enter("main", 0))).toBe(EXIT.returned);
  expect(program.result()).toBe(99);
  expect(gate.environments.faults(owner.row)).toBe(0);
});

/** Instructions that the dispatch of an exception takes (SOSP'95 on Table 5). */
const DISPATCH_INSTRUCTIONS = 18;

/** What the dispatch of an exception is known by. */
interface Dispatch {
  /** Cycles from the instruction to the first of who hears of it. */
  readonly cycles: number;
  /** What is in the save area then. */
  readonly saved: readonly number[];
  /** Bytes of all memory of the owner, but for those of the save area, that are not what they were. */
  readonly touched: number;
}

const FAULTS = [
  ["translation", 0x3008],
  ["protection", 0x1010],
  ["division", undefined],
  ["unreachable", undefined],
] as const;

/** The dispatch of four exceptions of one program, from the same machine. */
function dispatches(): Record<string, Dispatch> {
  const rig = programRig({}, { profile: DEC5000_125 });
  const owner = makeOwner(rig, 1);
  const { gate, first, window } = owner;
  const { clock, memory } = rig.machine;
  const { instruction } = DEC5000_125.cycles;
  const told: Record<string, Dispatch> = {};
  must(gate.translationCreate(FRAME_BYTES));
  for (const [name] of FAULTS) {
    const program = loadPaged(owner, raises);
    must(gate.tlbWrite(virtualPage(1), frame(first + 20), 1, RIGHTS.none, own));
    const kind = KINDS.findIndex(([each]) => each === name);
    const state = (): readonly [number, Uint8Array] => [
      clock.now() - gate.programs.fuel(rowOf(program.id)) * instruction,
      memory.bytes.slice(first * FRAME_BYTES, (first + OWNER_FRAMES) * FRAME_BYTES),
    ];
    owner.do(() => {
      const [began, before] = state();
      const hear = (): void => {
        const [heard, now] = state();
        const saved = [0, 4, 8, 12].map((at) => window.getU32LE(at));
        const touched = now.filter((byte, at) => at >= 16 && byte !== before[at]).length;
        told[name] = { cycles: heard - began, saved, touched };
      };
      owner.onFault = () => (hear(), false);
      program.enter("main", kind);
      if (told[name] === undefined) hear();
    });
    expect([name, program.cause()]).toEqual([name, FAULT_CAUSES[name]]);
    must(gate.programEnd(program.id));
  }
  return told;
}

test("an exception is dispatched in 18 instructions, whichever it is, and all that is written is the save area", () => {
  const { trap, instruction, word } = DEC5000_125.primitives;
  // Three of them save, and five more of the handler's own restore that: they are charged at once.
  const dispatch = (DISPATCH_INSTRUCTIONS - 3) * instruction + 3 * word;
  const restored = 2 * instruction + 3 * word;
  const cost = trap + dispatch + restored;
  const walk = 2 * word;
  const told = dispatches();
  const cycles = FAULTS.map(([name]) => told[name]?.cycles);
  expect(cycles).toEqual([cost + walk, cost + walk, cost, cost]);
  expect(walk / cost).toBeLessThan(0.1);
  for (const [name, address] of FAULTS) {
    const { saved = [], touched } = told[name] ?? {};
    expect([name, touched, saved.slice(0, 3)]).toEqual([name, 0, [1, FAULT_CAUSES[name], address ?? 0]]);
    expect(saved[3]).toBeGreaterThan(0);
  }
});

/** Where the page table of the handler lies in its own memory: a word for each page, the number of its frame. */
const TABLE = 4096;
/** Looks a page up: `main(address)` is the frame of its page, and counts what it was asked. */
const handler = moduleOf(
  (code) => {
    code.i32(0).i32(0).memory("i32.load").i32(1).op("i32.add").memory("i32.store");
    code.get(0).i32(12).op("i32.shr_u").i32(2).op("i32.shl").memory("i32.load", TABLE);
  },
  { parameters: ["i32"] },
);

/** Touches pages 0 to `pages`: `main(pages)` is the sum of what is in them. */
const sweep = moduleOf(
  (code) => {
    const [page, sum] = [code.local("i32"), code.local("i32")];
    code.open("loop").get(page).i32(12).op("i32.shl").memory("i32.load").get(sum).op("i32.add").set(sum);
    code.get(page).i32(1).op("i32.add").tee(page).get(0).op("i32.lt_u").op("br_if", 0).end().get(sum);
  },
  { parameters: ["i32"], pages: 64 },
);

test("[V4] handler and page table in a pinned segment, the program in pages: a storm of faults never recurses, and no access to the segment is ever heard of", () => {
  const owner = makeOwner(programRig(), 1);
  const { gate, first, window } = owner;
  const pinned = loadSegment(owner, handler);
  const paged = loadPaged(owner, sweep, [], { context: frame(first + CONTEXT_FRAMES + PAGE_FRAMES) });
  const [segment, data] = [CONTEXT_FRAMES, 2 * CONTEXT_FRAMES + PAGE_FRAMES];
  for (let i = 0; i < PAGES; i++) {
    window.setU32LE((data + i) * FRAME_BYTES, i);
    window.setU32LE(segment * FRAME_BYTES + TABLE + i * 4, first + data + i);
  }
  const seen: number[] = [];
  let [depth, deepest] = [0, 0];
  owner.onFault = (cause, address) => {
    depth += 1;
    deepest = Math.max(deepest, depth);
    expect(cause).toBe(FAULT_CAUSES.translation);
    seen.push(address >>> 12);
    expect(pinned.enter("main", address)).toBe(EXIT.returned);
    const f = frame(pinned.result() as number);
    // The storm: what was bound for the page before is taken away again.
    must(gate.tlbRemove(virtualPage(0), PAGES));
    must(gate.tlbWrite(virtualPage(address >>> 12), f, 1, RIGHTS.none, own));
    depth -= 1;
    return true;
  };
  const storm = (): void => {
    owner.do(() => paged.enter("main", PAGES));
    expect(paged.result()).toBe((PAGES * (PAGES - 1)) / 2);
  };
  storm();
  storm();
  const each = [...Array(PAGES).keys()];
  expect(seen).toEqual([...each, ...each]);
  expect(deepest).toBe(1);
  expect(window.getU32LE(segment * FRAME_BYTES)).toBe(2 * PAGES);
  const faultsOf = (program: ProgramHandle): number => gate.programs.faults(rowOf(program.id));
  expect([faultsOf(pinned), faultsOf(paged)]).toEqual([0, 2 * PAGES]);
  // Handler and table are pinned: their frames are not given away while they are needed.
  for (const f of [0, segment, segment + 1]) {
    expect(gate.frames.pins(first + f)).toBe(1);
    expect(outcome(gate.framesFree(frame(first + f), 1, own))).toBe("Pinned");
  }
  storm();
});

/** Frames of the kernel's, of the arena's, and beyond; and rights that are none, or more than the guard gives. */
type Forgery = readonly [what: string, refusal: string, act: (owner: Owner, other: Owner) => unknown];
const at = virtualPage(7);
const FORGERIES: readonly Forgery[] = [
  [
    "a frame of somebody else's",
    "BadCapability",
    ({ gate }, other) => gate.tlbWrite(at, frame(other.first), 1, RIGHTS.none, own),
  ],
  [
    "a run that ends in somebody else's",
    "BadCapability",
    ({ gate, first }) => gate.tlbWrite(at, frame(first + OWNER_FRAMES - 1), 2, RIGHTS.none, own),
  ],
  ["a frame that nobody has", "BadFrame", ({ gate }) => gate.tlbWrite(at, frame(5), 1, RIGHTS.none, own)],
  [
    "the kernel's own, for writing",
    "BadCapability",
    ({ gate }) => gate.tlbWrite(at, frame(gate.system.frame), 1, RIGHTS.write, own),
  ],
  [
    "the tables themselves",
    "BadFrame",
    ({ gate, rig }) => gate.tlbWrite(at, frame(rig.machine.memory.frames), 1, RIGHTS.write, own),
  ],
  [
    "rights that there are not",
    "BadRange",
    ({ gate, first }) => gate.tlbWrite(at, frame(first + 120), 1, RIGHTS.all + 1, own),
  ],
  [
    "rights that the guard does not give",
    "BadCapability",
    ({ gate }, other) => gate.tlbWrite(at, frame(other.first + 1), 1, RIGHTS.write, own),
  ],
  [
    "a slot without a capability",
    "BadSlot",
    ({ gate, first }) => gate.tlbWrite(at, frame(first + 120), 1, RIGHTS.none, 9 as never),
  ],
  [
    "rights raised over what was bound",
    "BadTranslation",
    ({ gate }) => gate.tlbProtect(virtualPage(6), 1, RIGHTS.write),
  ],
];

test("[V5] an access looks in the table first; a miss goes to the application, which looks in its own, and what it binds is checked then: a forged frame or right is refused, and the trace has that order", () => {
  const trace = makeTrace(4096, { calls: true });
  const rig = programRig({ trace });
  const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const { gate, first } = owner;
  const guard = { name: [1, 1], rights: RIGHTS.none };
  must(other.gate.guardSet(RESOURCE_KINDS.frame, other.first + 1, 1, guard, own));
  const pinned = loadSegment(owner, access, [], { segmentFrames: WASM_PAGES * PAGE_FRAMES });
  const program = loadPaged(owner, access, [], {
    context: frame(first + CONTEXT_FRAMES + WASM_PAGES * PAGE_FRAMES),
  });
  must(gate.tlbWrite(virtualPage(6), frame(other.first + 1), 1, RIGHTS.none, own));
  const order: string[] = [];
  const pageTable = new Map([[7, first + 120]]);
  owner.onFault = (_, address) => {
    const f = pageTable.get(address >>> 12);
    order.push("page table");
    for (const [what, refusal, act] of f === undefined ? [] : FORGERIES) {
      expect([what, outcome(act(owner, other))]).toEqual([what, refusal]);
      expect(gate.translation.rights(7)).toBe(-1);
    }
    return outcome(gate.tlbWrite(at, frame(f ?? 0), 1, RIGHTS.write, own)) === "ok";
  };
  const events = (): string[] =>
    eventsOf(trace, "memoryFault", "call", "refused", "programStop")
      .filter(([, who]) => who === gate.self)
      .map(([name, , what]) => {
        const call = Object.entries(CALLS).find(([, { number }]) => number === (what & 0xff))?.[0];
        return name === "memoryFault" || name === "programStop" ? name : `${name} ${call}`;
      });
  const before = events().length;
  // What is pinned is not even looked for.
  expect(owner.do(() => store(pinned, 7 * FRAME_BYTES, 3))).toBe(EXIT.returned);
  expect(events().length).toBe(before);
  expect(owner.do(() => store(program, 7 * FRAME_BYTES, 3))).toBe(EXIT.returned);
  const missed = events().slice(before);
  const refused = FORGERIES.flatMap(([, refusal]) => {
    const call = refusal === "BadTranslation" ? "tlbProtect" : "tlbWrite";
    return [`call ${call}`, `refused ${call}`];
  });
  expect(missed).toEqual(["memoryFault", ...refused, "call tlbWrite"]);
  expect(order).toEqual(["page table"]);
  // From now on it is in the table, and nobody hears of it.
  expect(owner.do(() => load(program, 7 * FRAME_BYTES))).toBe(EXIT.returned);
  expect(program.result()).toBe(3);
  expect(events().length).toBe(before + missed.length);
  expect(order).toHaveLength(1);
  // What the application's own table does not have ends there.
  expect(owner.do(() => load(program, 9 * FRAME_BYTES))).toBe(EXIT.stopped);
  expect(program.cause()).toBe(FAULT_CAUSES.translation);
});

describe("the table as a cache of translations", () => {
  const SET = 1000;

  test("a working set of 1000 pages is in it whole: after the first touch of each nobody is called, and its owner may read it without a call", () => {
    const owner = makeOwner(programRig({}, { profile: DEC5000_125 }), 1);
    const { gate, first, row } = owner;
    const program = loadPaged(owner, sweep);
    let upcalls = 0;
    owner.onFault = (_, address) => {
      upcalls += 1;
      const f = frame(first + 32 + ((address >>> 12) % 64));
      return gate.tlbWrite(virtualPage(address >>> 12), f, 1, RIGHTS.none, own) === undefined;
    };
    const round = (): void => {
      let exit = owner.do(() => program.enter("main", SET));
      while (exit === EXIT.suspended) exit = owner.do(() => program.run());
      expect(exit).toBe(EXIT.returned);
    };
    round();
    expect(upcalls).toBe(SET);
    const calls = gate.environments.calls(row);
    for (let i = 0; i < 20; i++) round();
    expect(upcalls).toBe(SET);
    for (let page = 0; page < SET; page++)
      expect(gate.translation.frame(page)).toBe(first + 32 + (page % 64));
    expect(gate.environments.calls(row)).toBe(calls);
  });
});

test("[K12] a library computes how many frames are free, finds the entry of its own page table for a frame, and names the next runnable environment, with no kernel call", () => {
  const rig = programRig();
  const [owner, sleeper, next] = [1, 2, 3].map((n) => makeOwner(rig, n)) as [Owner, Owner, Owner];
  const { gate, first, row } = owner;
  must(gate.translationCreate(FRAME_BYTES));
  must(gate.tlbWrite(virtualPage(70_001), frame(first + 33), 1, RIGHTS.none, own));
  must(gate.tlbWrite(virtualPage(9), frame(first + 34), 1, RIGHTS.write, own));
  sleeper.do(() => sleeper.gate.sleep(sleeper.gate.environments.events(sleeper.row), NEVER));
  const calls = gate.environments.calls(row);
  const told = owner.do(() => {
    const { frames, translation, slices, environments } = gate;
    let free = 0;
    for (let f = 0; f < frames.count; f++) if (frames.owner(f) === 0) free += 1;
    const entries: number[][] = [];
    for (let page = 0; entries.length < translation.count(); page++)
      if (translation.rights(page) >= 0)
        entries.push([page, translation.frame(page), translation.rights(page)]);
    let after = 0;
    for (let i = 1; after === 0 || environments.runnable(rowOf(after)) === 0; i++)
      after = slices.owner((slices.current() + i) % slices.count);
    return { free, entries, after };
  });
  expect(gate.environments.calls(row)).toBe(calls);
  expect(told.free).toBe(gate.frames.free());
  expect(told.entries).toEqual([
    [9, first + 34, RIGHTS.write],
    [70_001, first + 33, RIGHTS.none],
  ]);
  expect(told.after).toBe(next.gate.self);
  const begun = next.gate.environments.slicesBegun(next.row);
  rig.kernel.step();
  expect(next.gate.environments.slicesBegun(next.row)).toBe(begun + 1);
});

const POISONED = ["i32", "i64", "f32", "f64", "v128"] as const;
/** Locals of each type. */
const EACH = 6;
const poison = (i: number): number => 0x5eed_0000 + i * 257;
const vector = (i: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, at) => i * 16 + at);

/** Poisons every local, makes the calls, waits for another slice, and saves every local from 0 on. */
function poisoned(): Uint8Array {
  return moduleOf(
    (code, calls) => {
      const locals = POISONED.flatMap((type) =>
        Array.from({ length: EACH }, () => [type, code.local(type)] as const),
      );
      for (const [i, [type, local]] of locals.entries()) {
        if (type === "i32") code.i32(poison(i));
        else if (type === "i64") code.i64(BigInt(poison(i)) << 20n);
        else if (type === "v128") code.v128(vector(i));
        else code[type](poison(i));
        code.set(local);
      }
      code
        .get(0)
        .get(1)
        .i32(1)
        .i32(RIGHTS.write)
        .i32(0)
        .op("call", calls["tlbWrite"] ?? 0)
        .op("drop");
      code
        .get(0)
        .i32(1)
        .i32(RIGHTS.none)
        .op("call", calls["tlbProtect"] ?? 0)
        .op("drop");
      code
        .get(0)
        .i32(1)
        .op("call", calls["tlbRemove"] ?? 0)
        .op("drop");
      code.op("call", calls["wait"] ?? 0).op("drop");
      for (const [i, [type, local]] of locals.entries())
        code
          .i32(0)
          .get(local)
          .memory(type === "v128" ? "v128.store" : `${type}.store`, i * 16);
      code.i32(1);
    },
    {
      imports: [{ name: "wait", parameters: [], results: ["i32"] }],
      calls: ["tlbWrite", "tlbProtect", "tlbRemove"],
      parameters: ["i32", "i32"],
    },
  );
}

test("[K15] the calls that write, protect and delete a translation, and a switch to another address space and back, leave every local of a program as it was, of whatever type", () => {
  const trace = makeTrace(4096);
  const rig = programRig({ trace });
  const [owner, other] = [makeOwner(rig, 1), makeOwner(rig, 2)];
  const { gate, first, window } = owner;
  must(gate.translationCreate(FRAME_BYTES));
  let isReady = false;
  const wait = host("wait", () => {
    if (!isReady) program.suspend();
    return 0;
  });
  const program: ProgramHandle = loadSegment(owner, poisoned(), [wait]);
  const calls = gate.programs.gateCalls(rowOf(program.id));
  expect(owner.do(() => program.enter("main", 5, first + 40))).toBe(EXIT.suspended);
  expect(gate.programs.gateCalls(rowOf(program.id)) - calls).toBe(3);
  expect(eventsOf(trace, "refused")).toEqual([]);
  // Another address space, in which as many locals have other values.
  const intruder = loadPaged(
    other,
    moduleOf((code) => {
      for (let i = 0; i < 5 * EACH; i++) code.i32(-1).set(code.local("i32"));
      code.i32(0);
    }),
  );
  expect(other.do(() => intruder.enter("main"))).toBe(EXIT.returned);
  isReady = true;
  expect(owner.do(() => program.run())).toBe(EXIT.returned);
  const at = (i: number): number => CONTEXT_FRAMES * FRAME_BYTES + i * 16;
  for (const [t, type] of POISONED.entries())
    for (let i = t * EACH; i < (t + 1) * EACH; i++) {
      const bytes = Uint8Array.from({ length: 16 }, (_, b) => window.getU8(at(i) + b));
      const view = new DataView(bytes.buffer);
      if (type === "i32") expect(view.getUint32(0, true)).toBe(poison(i));
      else if (type === "i64") expect(view.getBigUint64(0, true)).toBe(BigInt(poison(i)) << 20n);
      else if (type === "f32") expect(view.getFloat32(0, true)).toBe(Math.fround(poison(i)));
      else if (type === "f64") expect(view.getFloat64(0, true)).toBe(poison(i));
      else expect(bytes).toEqual(vector(i));
    }
});

test.todo(
  "[V1] of S2 there is no model of a monolithic kernel's signal whose length would not be an estimate of ours, so that 50 times is not shown; that four exceptions are dispatched in 18 instructions, and that what is written is the save area and nothing else, is tested",
);
