/** Changes and claims that are somebody's code, and callers without a stack: the block is right or as it was. */
import { describe, expect, test } from "vitest";
import { compileUdf } from "./compile.ts";
import type { BlockChange } from "./changes.ts";
import { type Extent, makeExtentList } from "./extents.ts";
import { makeUdfInterpreter } from "./interpret.ts";
import {
  type Modification,
  type OwnershipClaim,
  type OwnershipRefusal,
  OWNS_THE_SAME,
  OwnershipCheck,
  isOwnershipRefusal,
} from "./owns.ts";
import { type UdfProgram, type UdfRun, makeUdfRun, udfProgram } from "./run.ts";
import { emit, ifElse, load, owns } from "./term.ts";
import { mustVerifyUdf } from "../testing/udf-runs.ts";

const AT = 100;
const LENGTH = 4;

interface Victim {
  readonly memory: Uint8Array;
  readonly run: UdfRun;
  readonly owns: UdfProgram<"owns">;
  readonly check: OwnershipCheck;
}

// The first byte of the block is a pointer to a block that it owns.
const pointer = mustVerifyUdf(owns(0, ifElse(load(1, 0), [emit(load(1, 0), 1, 1)])));

function makeVictim(): Victim {
  const wasm = new WebAssembly.Memory({ initial: 1 });
  const memory = new Uint8Array(wasm.buffer);
  for (let i = 0; i < 256; i++) memory[i] = i;
  const run = Object.assign(makeUdfRun(makeExtentList(8)), { at: AT, length: LENGTH });
  return { memory, run, owns: compileUdf(pointer).over(wasm), check: new OwnershipCheck(8) };
}

const steal: BlockChange = { at: 0, bytes: Uint8Array.of(66) };
const GAINS = [{ start: 66, count: 1, type: 1 }];
const LOSES = [{ start: AT, count: 1, type: 1 }];

const propose = (
  { check, ...rest }: Victim,
  changes: unknown,
  claim: unknown = OWNS_THE_SAME,
): OwnershipClaim | OwnershipRefusal => check.propose({ ...rest, changes, claim } as Modification);

const ruleOf = (result: OwnershipClaim | OwnershipRefusal): string | undefined =>
  isOwnershipRefusal(result) ? result.rule : undefined;

/** The victim's memory is what it was before `attack`, whatever that does. */
function expectUnchanged(victim: Victim, attack: () => void): void {
  const before = victim.memory.slice();
  attack();
  expect(Buffer.compare(victim.memory, before)).toBe(0);
}

test("what these tests would steal can be had honestly", () => {
  const victim = makeVictim();
  expect(propose(victim, [steal], { gains: GAINS, loses: LOSES })).toEqual({ gains: GAINS, loses: LOSES });
  expect(victim.memory[AT]).toBe(66);
});

describe("when the stack of whoever asks comes to its end", () => {
  test("the block is as it was, at whatever depth that is", () => {
    const victim = makeVictim();
    // It owns nothing yet: only the second run has something to hand over, and so goes deeper.
    victim.memory[AT] = 0;
    const at = (depth: number): unknown => (depth === 0 ? propose(victim, [steal]) : at(depth - 1));
    const ends = { answered: 0, thrown: 0 };
    const tryAt = (depth: number): boolean => {
      try {
        at(depth);
        ends.answered++;
        return true;
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(RangeError);
        ends.thrown++;
        return false;
      } finally {
        expect(victim.memory[AT]).toBe(0);
      }
    };
    let depth = 1;
    while (depth < 1e6 && tryAt(depth)) depth *= 2;
    // From far too deep upwards, one frame less each time, until it is answered for good.
    for (let answers = 0; depth > 0 && answers < 100; depth--) answers = tryAt(depth) ? answers + 1 : 0;
    expect(Math.min(ends.answered, ends.thrown)).toBeGreaterThan(0);
    expect(ruleOf(propose(victim, [steal]))).toBe("WrongGains");
  });

  test.each([1, 2])("it is so exactly if the run that throws is number %i", (which) => {
    const victim = makeVictim();
    let runs = 0;
    const failing = udfProgram("owns", (run) => {
      if (++runs === which) throw new RangeError("no stack is left");
      return victim.owns(run);
    });
    expectUnchanged(victim, () => {
      expect(() => propose({ ...victim, owns: failing }, [steal])).toThrow("no stack is left");
      expect(runs).toBe(which);
    });
    // And the check may be asked again.
    expect(ruleOf(propose(victim, [steal]))).toBe("WrongGains");
  });
});

describe("a claim", () => {
  const thrower = {
    get gains(): never {
      throw new Error("hostile");
    },
    loses: [],
  };
  const long = (count: number): Extent[] => new Array<Extent>(count).fill({ start: 0, count: 0, type: 0 });
  test.each([
    ["null", null],
    ["a number", 7],
    ["no lists", {}],
    ["one list", { gains: GAINS }],
    ["lists that are none", { gains: { length: 1, 0: GAINS[0] }, loses: LOSES }],
    ["null in a list", { gains: [null], loses: LOSES }],
    ["a hole", { gains: new Array<Extent>(1).concat(GAINS), loses: LOSES }],
    ["half a block", { gains: [{ start: 66, count: 0.5, type: 1 }], loses: LOSES }],
    ["half a number", { gains: [{ start: 66.5, count: 1, type: 1 }], loses: LOSES }],
    ["half a type", { gains: [{ start: 66, count: 1, type: 1.5 }], loses: LOSES }],
    ["large integers", { gains: [{ start: 66n, count: 1n, type: 1n }], loses: LOSES }],
    ["texts", { gains: [{ start: "66", count: "1", type: "1" }], loses: LOSES }],
    ["a getter that throws", thrower],
    ["millions of extents of no blocks", { gains: [...long(1_000_000)], loses: LOSES }],
    ["one extent more than there is room for", { gains: long(17), loses: LOSES }],
    ["a list without an end", { gains: new Proxy([], { get: () => 2 ** 31 }), loses: LOSES }],
  ])("that is %s is refused, and nothing is done", (_what, claim) => {
    const victim = makeVictim();
    expectUnchanged(victim, () => {
      expect(ruleOf(propose(victim, [steal], claim))).toBe("BadClaim");
      expect(victim.check.before(victim.owns, victim.run)).toBe(undefined);
      expect(ruleOf(victim.check.after(victim.owns, victim.run, claim as OwnershipClaim))).toBe("BadClaim");
    });
  });

  test("that changes its answers is what it was when it was read; that is what its reader is given", () => {
    const victim = makeVictim();
    const seen: string[] = [];
    const changing = <T extends object>(target: T, name: string): T =>
      new Proxy(target, {
        get: (from, key) => {
          const read = `${name}.${String(key)}`;
          seen.push(read);
          return seen.filter((known) => known === read).length === 1 ? Reflect.get(from, key) : 7;
        },
      });
    const claim = changing(
      {
        gains: changing([changing({ ...GAINS[0] }, "gain")], "gains"),
        loses: changing([changing({ ...LOSES[0] }, "loss")], "loses"),
      },
      "claim",
    );
    expect(propose(victim, [steal], claim)).toEqual({ gains: GAINS, loses: LOSES });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(2 + 2 * (1 + 1 + 3));
  });
});

describe("changes", () => {
  test.each([
    ["a hole behind what is stolen", [steal].concat(new Array<BlockChange>(1))],
    ["nothing behind it", [steal, undefined]],
    ["too many", new Array(1_000_000).fill(steal)],
    ["bytes behind the block", [steal, { at: LENGTH - 1, bytes: Uint8Array.of(1, 2) }]],
    ["no bytes behind the block", [{ at: LENGTH + 1, bytes: new Uint8Array(0) }]],
  ])("with %s are refused, and nothing is done", (_what, changes) => {
    const victim = makeVictim();
    expectUnchanged(victim, () => expect(ruleOf(propose(victim, changes))).toBe("BadModification"));
  });

  test("whose bytes lie about their length reach nothing outside the block", () => {
    const victim = makeVictim();
    const bytes = new Uint8Array(8).fill(77);
    Object.defineProperty(bytes, "length", { value: 0 });
    expectUnchanged(victim, () =>
      expect(ruleOf(propose(victim, [{ at: 1, bytes }]))).toBe("BadModification"),
    );
  });

  test("whose place moves when it is asked for again are where they were at first", () => {
    const victim = makeVictim();
    let reads = 0;
    const moving = {
      get at(): number {
        return reads++ === 0 ? 1 : 8;
      },
      bytes: Uint8Array.of(77),
    };
    expect(propose(victim, [moving])).toBe(OWNS_THE_SAME);
    expect([...victim.memory.subarray(AT, AT + 12)]).toEqual([
      100, 77, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111,
    ]);
  });

  test("that are bytes of the block itself are those from before", () => {
    const victim = makeVictim();
    const aliases = [
      { at: 2, bytes: victim.memory.subarray(AT, AT + 2) },
      { at: 1, bytes: victim.memory.subarray(AT + 2, AT + 4) },
    ];
    expect(propose(victim, aliases)).toBe(OWNS_THE_SAME);
    expect([...victim.memory.subarray(AT, AT + LENGTH)]).toEqual([100, 102, 103, 101]);
  });

  test("whose getter moves the block are of where it then is, and all inside", () => {
    const victim = makeVictim();
    const moving = {
      get at(): number {
        victim.run.at = victim.memory.length - 2;
        return 1;
      },
      bytes: Uint8Array.of(77),
    };
    expectUnchanged(victim, () => expect(ruleOf(propose(victim, [moving]))).toBe("BadModification"));
  });
});

describe("a getter that asks the same check meanwhile", () => {
  test.each(["change", "claim"])("of a %s gets nothing, and changes nothing of the answer", (where) => {
    const victim = makeVictim();
    const { check, memory } = victim;
    const other = { ...victim, run: Object.assign(makeUdfRun(makeExtentList(8)), { at: 200, length: 4 }) };
    const answers: unknown[] = [];
    const ask = (): void => {
      const all = { gains: [{ start: 77, count: 1, type: 1 }], loses: [{ start: 200, count: 1, type: 1 }] };
      answers.push(ruleOf(propose(other, [{ at: 0, bytes: Uint8Array.of(77) }], all)));
      answers.push(check.before(other.owns, other.run)?.rule);
      answers.push(ruleOf(check.after(other.owns, other.run, all)));
    };
    const change = {
      at: 0,
      get bytes(): Uint8Array {
        if (where === "change") ask();
        return Uint8Array.of(66);
      },
    };
    const claim = {
      get gains(): readonly Extent[] {
        if (where === "claim") ask();
        return [];
      },
      loses: [],
    };
    expectUnchanged(victim, () => expect(ruleOf(propose(victim, [change], claim))).toBe("WrongGains"));
    expect(answers).toEqual(["Busy", "Busy", "Busy"]);
    expect(memory[200]).toBe(200);
  });

  test("of after's claim does not spoil what before has remembered", () => {
    const { check, owns: program, run, memory } = makeVictim();
    expect(check.before(program, run)).toBe(undefined);
    memory[AT] = 66;
    const claim = {
      get gains(): readonly Extent[] {
        expect(check.before(program, run)?.rule).toBe("Busy");
        return [];
      },
      loses: [],
    };
    expect(ruleOf(check.after(program, run, claim))).toBe("WrongGains");
  });
});

test("an interpreted program is no easier to rob", () => {
  const victim = makeVictim();
  const interpreted = { ...victim, owns: makeUdfInterpreter(pointer, victim.memory) };
  expectUnchanged(victim, () => expect(ruleOf(propose(interpreted, [steal]))).toBe("WrongGains"));
});
