/** Protection by induction, on a file format that nobody but its templates understands. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileUdf } from "./compile.ts";
import { type Extent, makeExtentList, readExtents } from "./extents.ts";
import type { BlockChange } from "./changes.ts";
import { interpretUdf, makeUdfInterpreter } from "./interpret.ts";
import {
  type OwnershipClaim,
  type OwnershipRefusal,
  OWNS_THE_SAME,
  OwnershipCheck,
  isOwnershipRefusal,
  ownedExtents,
} from "./owns.ts";
import { type UdfProgram, type UdfRun, isUdfFault, makeUdfRun } from "./run.ts";
import { type Udf, binary, emit, ifElse, load, local, owns, repeat } from "./term.ts";
import {
  EXAMPLE_ARGUMENTS,
  EXAMPLE_BLOCK,
  EXAMPLE_READ,
  EXAMPLE_TYPES,
  directoryAcl,
  directoryOwns,
  directorySize,
  exampleDirectory,
  exampleIndirect,
  examplePointerAt,
  exampleSuperblock,
  indirectOwns,
  superblockOwns,
} from "../testing/udf-example.ts";
import { mustVerifyUdf } from "../testing/udf-runs.ts";

const { data, directory, indirect, manyDirectories } = EXAMPLE_TYPES;
const extent = (start: number, count: number, type: number): Extent => ({ start, count, type });
/** Where blocks are in the memory: not at its beginning. */
const AT = 8192;

/** A block in a memory, and a program of it, compiled. */
interface Rig {
  readonly memory: Uint8Array;
  readonly run: UdfRun;
  readonly program: UdfProgram<"owns">;
  readonly check: OwnershipCheck;
}

function rig(program: Udf<"owns">, block: Uint8Array): Rig {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer);
  bytes.fill(0xee);
  bytes.set(block, AT);
  const run = Object.assign(makeUdfRun(makeExtentList(1024)), { at: AT, length: block.length });
  const compiled = compileUdf(mustVerifyUdf(program)).over(memory);
  return { memory: bytes, run, program: compiled, check: new OwnershipCheck(1024) };
}

function owned({ program, run }: Rig): readonly Extent[] | OwnershipRefusal {
  return ownedExtents(program, run) ?? readExtents(run.extents);
}

const word = (at: number, value: number): BlockChange => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return { at, bytes };
};

const propose = (
  { program, run, memory, check }: Rig,
  changes: readonly BlockChange[],
  claim: Partial<OwnershipClaim> = {},
): OwnershipClaim | OwnershipRefusal =>
  check.propose({ owns: program, run, memory, changes, claim: { ...OWNS_THE_SAME, ...claim } });

const ruleOf = (result: OwnershipClaim | OwnershipRefusal | undefined): string | undefined =>
  isOwnershipRefusal(result) ? result.rule : undefined;

describe("the example's templates", () => {
  test("a superblock owns its root directory, and one without a root nothing", () => {
    expect(owned(rig(superblockOwns, exampleSuperblock(77)))).toEqual([extent(77, 1, directory)]);
    expect(owned(rig(superblockOwns, exampleSuperblock(0)))).toEqual([]);
  });

  test("a directory owns the blocks of its files and directories", () => {
    const block = exampleDirectory(
      5,
      { kind: "file", direct: [101, 100, 0, 103], indirect: 200 },
      { kind: "directory", direct: [102], indirect: 201 },
      { kind: "file", direct: Array.from({ length: 15 }, (_, i) => 300 + i) },
    );
    expect(owned(rig(directoryOwns, block))).toEqual([
      extent(100, 2, data),
      extent(102, 1, directory),
      extent(103, 1, data),
      extent(200, 1, indirect),
      extent(201, 1, manyDirectories),
      extent(300, 15, data),
    ]);
    const full = exampleDirectory(
      5,
      ...Array.from({ length: 31 }, (_, i) => ({ kind: "file", direct: [i + 1] }) as const),
    );
    expect(owned(rig(directoryOwns, full))).toEqual([extent(1, 31, data)]);
  });

  test("an indirect block owns what it lists, the same block twice being one", () => {
    expect(owned(rig(indirectOwns, exampleIndirect(9, 8, 7, 0, 12, 9)))).toEqual([
      extent(7, 3, data),
      extent(12, 1, data),
    ]);
    const many = Array.from({ length: 1024 }, (_, i) => 2 * i + 2);
    expect(owned(rig(indirectOwns, exampleIndirect(...many)))).toHaveLength(1024);
  });

  test("what has just been cleared owns nothing or is none", () => {
    const nothing = new Uint8Array(EXAMPLE_BLOCK);
    expect(owned(rig(indirectOwns, nothing))).toEqual([]);
    for (const program of [superblockOwns, directoryOwns])
      expect(owned(rig(program, nothing))).toEqual({ rule: "FaultBefore", fault: "Raised" });
    expect(owned(rig(indirectOwns, new Uint8Array(100)))).toEqual({
      rule: "FaultBefore",
      fault: "OutOfBounds",
    });
  });

  test("a directory is read by everybody, and changed by its user who says when", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(exampleDirectory(5));
    const changed = exampleDirectory(5);
    changed.set(word(8, 1999).bytes, 8);
    bytes.set(changed, EXAMPLE_BLOCK);
    const run = Object.assign(makeUdfRun(), {
      length: EXAMPLE_BLOCK,
      proposedAt: EXAMPLE_BLOCK,
      proposedLength: EXAMPLE_BLOCK,
    });
    const verified = mustVerifyUdf(directoryAcl);
    const compiled = compileUdf(verified).over(memory);
    const says = (operation: number, user: number, now: number): unknown => {
      run.arguments[EXAMPLE_ARGUMENTS.operation] = operation;
      run.arguments[EXAMPLE_ARGUMENTS.user] = user;
      run.arguments[EXAMPLE_ARGUMENTS.now] = now;
      expect(interpretUdf(verified, bytes, run)).toBe(compiled(run));
      return compiled(run);
    };
    expect(says(EXAMPLE_READ, 6, 0)).toBe(1);
    expect(says(1, 5, 1999)).toBe(1);
    expect(says(1, 6, 1999)).toBe(0);
    expect(says(1, 5, 2000)).toBe(0);
    run.proposedLength = 0;
    expect(says(1, 5, 1999)).toEqual({ reason: "OutOfBounds" });
  });

  test("a directory's size is that of the slots in use", () => {
    const { memory, run } = rig(superblockOwns, exampleDirectory(5, { kind: "file" }, { kind: "file" }));
    const verified = mustVerifyUdf(directorySize);
    expect(interpretUdf(verified, memory, run)).toBe(3 * 128);
    memory.fill(0);
    expect(isUdfFault(interpretUdf(verified, memory, run))).toBe(true);
  });
});

describe("a change of a block", () => {
  const block = exampleDirectory(5, { kind: "file", direct: [10, 11], indirect: 90 }, { kind: "directory" });
  const first = examplePointerAt(0, 0);
  const third = examplePointerAt(0, 2);

  /** Each change, what it is claimed to do, and the rule that it breaks. */
  const CASES: readonly (readonly [
    string,
    readonly BlockChange[],
    Partial<OwnershipClaim>,
    string | undefined,
  ])[] = [
    ["that says the time", [word(8, 1999)], {}, undefined],
    ["that does nothing", [], {}, undefined],
    ["that allocates", [word(third, 12)], { gains: [extent(12, 1, data)] }, undefined],
    ["that frees", [word(first, 0)], { loses: [extent(10, 1, data)] }, undefined],
    [
      "that moves",
      [word(first, 50)],
      { gains: [extent(50, 1, data)], loses: [extent(10, 1, data)] },
      undefined,
    ],
    ["that swaps two pointers", [word(first, 11), word(first + 4, 10)], {}, undefined],
    ["that repeats a pointer", [word(third, 10)], {}, undefined],
    [
      "that allocates two at once, claimed as one and as two",
      [word(third, 12), word(third + 4, 13)],
      { gains: [extent(13, 1, data), extent(12, 2, data)] },
      undefined,
    ],
    [
      "that makes a file a directory",
      [{ at: 128, bytes: Uint8Array.of(2) }],
      {
        gains: [extent(10, 2, directory), extent(90, 1, manyDirectories)],
        loses: [extent(10, 2, data), extent(90, 1, indirect)],
      },
      undefined,
    ],
    ["that allocates without a claim", [word(third, 12)], {}, "WrongGains"],
    ["that allocates something else", [word(third, 13)], { gains: [extent(12, 1, data)] }, "WrongGains"],
    [
      "that allocates more",
      [word(third, 12), word(third + 4, 13)],
      { gains: [extent(12, 1, data)] },
      "WrongGains",
    ],
    ["that allocates of another type", [word(third, 12)], { gains: [extent(12, 1, indirect)] }, "WrongGains"],
    [
      "that does not allocate what it claims",
      [word(8, 1999)],
      { gains: [extent(12, 1, data)] },
      "WrongGains",
    ],
    ["that claims what it has", [word(third, 10)], { gains: [extent(10, 1, data)] }, "WrongGains"],
    [
      "that forges a pointer to the superblock",
      [word(first, 1)],
      { loses: [extent(10, 1, data)] },
      "WrongGains",
    ],
    ["that frees without a claim", [word(first, 0)], {}, "WrongLosses"],
    ["that frees less than it claims", [word(first, 0)], { loses: [extent(10, 2, data)] }, "WrongLosses"],
    ["that frees something else", [word(first, 0)], { loses: [extent(11, 1, data)] }, "WrongLosses"],
    ["that claims to lose what it keeps", [], { loses: [extent(10, 1, data)] }, "WrongLosses"],
    [
      "that frees one of two pointers to a block",
      [word(third, 10), word(first, 0)],
      { loses: [extent(10, 1, data)] },
      "WrongLosses",
    ],
    ["that gives a block two types", [word(third, 90)], { gains: [extent(90, 1, data)] }, "ConflictAfter"],
    ["that makes it no block of its format", [word(0, 7)], {}, "FaultAfter"],
    ["that claims no such block", [], { gains: [extent(0xffff_ffff, 1, data)] }, "BadClaim"],
    ["that claims what is no number", [], { gains: [extent(Number.NaN, 1, data)] }, "BadClaim"],
    ["that claims a negative number", [], { loses: [extent(-1, 1, data)] }, "BadClaim"],
    ["that claims one block of two types", [], { gains: [extent(7, 1, 1), extent(7, 1, 2)] }, "BadClaim"],
    ["before the block", [word(-4, 0)], {}, "BadModification"],
    ["behind the block", [word(EXAMPLE_BLOCK - 3, 0)], {}, "BadModification"],
    ["nowhere", [word(Number.NaN, 0)], {}, "BadModification"],
  ];

  test.each(CASES)("%s", (_what, changes, claim, rule) => {
    const made = rig(directoryOwns, block);
    const before = made.memory.slice();
    const result = propose(made, changes, claim);
    expect(ruleOf(result)).toBe(rule);
    for (const { at, bytes } of rule === undefined ? changes : []) before.set(bytes, AT + at);
    expect(made.memory.every((byte, i) => byte === before[i])).toBe(true);
    // The interpreter checks alike.
    const { memory, run, check } = rig(directoryOwns, block);
    const verified = mustVerifyUdf(directoryOwns);
    const program = makeUdfInterpreter(verified, memory);
    expect(propose({ memory, run, check, program }, changes, claim)).toEqual(result);
  });

  test("is not even tried when the block is none of its format, or contradicts itself", () => {
    const none = rig(directoryOwns, new Uint8Array(EXAMPLE_BLOCK));
    expect(propose(none, [])).toEqual({ rule: "FaultBefore", fault: "Raised" });
    const twice = rig(directoryOwns, exampleDirectory(5, { kind: "file", direct: [9], indirect: 9 }));
    expect(propose(twice, [])).toEqual({ rule: "ConflictBefore", fault: undefined });
    expect(twice.run.extents.count).toBe(0);
  });

  test("says by which fault it failed", () => {
    const made = rig(directoryOwns, block);
    expect(propose(made, [{ at: 128, bytes: Uint8Array.of(9) }])).toEqual({
      rule: "FaultAfter",
      fault: "Raised",
    });
    made.run.stepLimit = 20;
    expect(propose(made, [])).toEqual({ rule: "FaultBefore", fault: "OutOfSteps" });
  });

  test("of a block outside memory is refused", () => {
    const made = rig(directoryOwns, block);
    made.run.at = made.memory.length - 10;
    expect(ruleOf(propose(made, []))).toBe("BadModification");
    for (const mistake of [{ at: -1 }, { at: 0.5 }, { at: Number.NaN }, { length: -1 }, { length: 0.5 }]) {
      Object.assign(made.run, { at: AT, length: 8 }, mistake);
      expect(ruleOf(propose(made, []))).toBe("BadModification");
    }
  });

  test("that is right gives the claim back as it was accepted: frozen, sorted, what touches as one", () => {
    const made = rig(directoryOwns, block);
    const gains = [extent(13, 1, data), extent(20, 0, 7), extent(12, 1, data), extent(12, 2, data)];
    const result = propose(made, [word(third, 12), word(third + 4, 13), word(first, 0)], {
      gains,
      loses: [extent(10, 1, data)],
    });
    expect(result).toEqual({ gains: [extent(12, 2, data)], loses: [extent(10, 1, data)] });
    const parts = [result, ...Object.values(result), ...Object.values(result).flat()];
    expect(parts.every((part) => Object.isFrozen(part))).toBe(true);
    expect(propose(made, [])).toBe(OWNS_THE_SAME);
  });

  test("of a larger block is put back whole after one of a smaller block", () => {
    const made = rig(directoryOwns, block);
    made.memory[100] = 0;
    const small = Object.assign(makeUdfRun(makeExtentList(1)), { at: 100, length: 1 });
    const one = mustVerifyUdf(owns(0, ifElse(load(1, 0), [emit(load(1, 0), 1, 1)])));
    const program = makeUdfInterpreter(one, made.memory);
    expect(ruleOf(propose({ ...made, program, run: small }, [{ at: 0, bytes: Uint8Array.of(3) }]))).toBe(
      "WrongGains",
    );
    const before = made.memory.slice();
    expect(ruleOf(propose(made, [word(EXAMPLE_BLOCK - 4, 7), word(third, 12)]))).toBe("WrongGains");
    expect(Buffer.compare(made.memory, before)).toBe(0);
  });
});

describe("a check for few extents", () => {
  // Nine blocks in one extent before, and two with a hole on each side after; or two extents that split one.
  const split = mustVerifyUdf(owns(0, ifElse(load(1, 0), [emit(0, 9, 1)], [emit(2, 1, 1), emit(5, 1, 1)])));
  const memory = new Uint8Array(1);
  const program = makeUdfInterpreter(split, memory);
  const run = Object.assign(makeUdfRun(makeExtentList(2)), { length: 1 });
  const parts = [extent(0, 2, 1), extent(3, 2, 1), extent(6, 3, 1)];

  test("takes a difference that is longer than either list, as a gain and as a loss", () => {
    const check = new OwnershipCheck(2);
    for (const [from, claim] of [
      [0, { gains: parts, loses: [] }],
      [1, { gains: [], loses: parts }],
    ] as const) {
      memory[0] = from;
      const changes = [{ at: 0, bytes: Uint8Array.of(1 - from) }];
      expect(check.propose({ owns: program, run, memory, changes, claim })).toEqual(claim);
      expect(memory[0]).toBe(1 - from);
    }
  });

  test("refuses claims that are longer than any difference", () => {
    const check = new OwnershipCheck(2);
    memory[0] = 0;
    const claims = (count: number): Extent[] => Array.from({ length: count }, (_, i) => extent(2 * i, 1, 1));
    const says = (claim: Partial<OwnershipClaim>): string | undefined => {
      expect(check.before(program, run)).toBe(undefined);
      return ruleOf(check.after(program, run, { ...OWNS_THE_SAME, ...claim }));
    };
    expect([says({ gains: claims(4) }), says({ gains: claims(5) })]).toEqual(["WrongGains", "BadClaim"]);
    expect([says({ loses: claims(4) }), says({ loses: claims(5) })]).toEqual(["WrongLosses", "BadClaim"]);
  });

  test("throws at a run with more: its caller's mistake", () => {
    memory[0] = 0;
    const check = new OwnershipCheck(1);
    expect(() => check.before(program, run)).toThrow(RangeError);
    memory[0] = 1;
    expect(check.before(program, run)).toBe(undefined);
    memory[0] = 0;
    expect(() => check.before(program, run)).toThrow(RangeError);
    expect(ruleOf(check.after(program, run, OWNS_THE_SAME))).toBe("NotBegun");
  });
});

describe("after", () => {
  const block = exampleDirectory(5, { kind: "file", direct: [10] });
  const gains = [extent(12, 1, data)];

  test("compares with before, once", () => {
    const { check, program, run, memory } = rig(directoryOwns, block);
    expect(check.before(program, run)).toBe(undefined);
    memory.set(word(0, 12).bytes, AT + examplePointerAt(0, 1));
    expect(check.after(program, run, { gains, loses: [] })).toEqual({ gains, loses: [] });
    expect(ruleOf(check.after(program, run, OWNS_THE_SAME))).toBe("NotBegun");
  });

  test("without a before that succeeded says nothing, whatever is claimed", () => {
    const { check, program, run, memory } = rig(directoryOwns, block);
    const all = { gains: [extent(10, 1, data)], loses: [] };
    expect(ruleOf(check.after(program, run, all))).toBe("NotBegun");
    expect(check.before(program, run)).toBe(undefined);
    memory[AT] = 0;
    expect(ruleOf(check.before(program, run))).toBe("FaultBefore");
    memory.set(block, AT);
    expect(ruleOf(check.after(program, run, all))).toBe("NotBegun");
    expect(check.before(program, run)).toBe(undefined);
    expect(check.propose({ owns: program, run, memory, changes: [], claim: OWNS_THE_SAME })).toBe(
      OWNS_THE_SAME,
    );
    expect(ruleOf(check.after(program, run, OWNS_THE_SAME))).toBe("NotBegun");
  });
});

test("only a program that says what a block owns is asked", () => {
  const { run, memory, check } = rig(directoryOwns, exampleDirectory(5));
  const other = makeUdfInterpreter(mustVerifyUdf(directorySize), memory);
  // @ts-expect-error a size is no owns
  expect(() => ownedExtents(other, run)).toThrow(TypeError);
  // @ts-expect-error nor here
  expect(() => check.before(other, run)).toThrow(TypeError);
  const asked = { run, memory, changes: [word(8, 1)], claim: OWNS_THE_SAME };
  const before = memory.slice();
  // @ts-expect-error nor here
  expect(() => check.propose({ ...asked, owns: other })).toThrow(TypeError);
  expect(Buffer.compare(memory, before)).toBe(0);
  // @ts-expect-error compiled, it is the same
  expect(() => ownedExtents(compileUdf(mustVerifyUdf(directorySize)).over(memory as never), run)).toThrow();
});

/** Eight bytes, each of them a pointer to one block; the last two are of another type. */
const tiny = owns(
  1,
  repeat(0, 8, 8, [
    ifElse(load(1, local(0)), [emit(load(1, local(0)), 1, binary("greaterOrEqual", local(0), 6))]),
  ]),
);

test("exactly the changes that do what is claimed are made", () => {
  const program = mustVerifyUdf(tiny);
  const pointer = fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(12) });
  const blocks = fc.array(pointer, { minLength: 8, maxLength: 8 });
  const sets = (bytes: readonly number[]): Set<string> =>
    new Set(bytes.flatMap((byte, i) => (byte === 0 ? [] : [`${byte} ${i >= 6 ? 1 : 0}`])));
  const extents = (pairs: readonly string[]): Extent[] =>
    pairs.map((pair) => extent(Number(pair.split(" ")[0]), 1, Number(pair.split(" ")[1])));
  const isTwoTyped = (set: ReadonlySet<string>): boolean =>
    [...set].some((pair) => pair.endsWith(" 0") && set.has(pair.replace(/ 0$/, " 1")));
  let made = 0;
  let refused = 0;
  const check = new OwnershipCheck(16);
  fc.assert(
    fc.property(
      blocks,
      fc.array(fc.tuple(fc.nat(7), pointer), { maxLength: 3 }),
      fc.nat(3),
      fc.nat(12),
      (block, writes, lie, other) => {
        const memory = Uint8Array.from(block);
        const run = Object.assign(makeUdfRun(makeExtentList(8)), { length: 8 });
        const after = block.slice();
        for (const [at, value] of writes) after[at] = value;
        const [old, now] = [sets(block), sets(after)];
        const gains = extents([...now].filter((pair) => !old.has(pair)));
        const loses = extents([...old].filter((pair) => !now.has(pair)));
        if (lie === 1) gains.push(extent(other + 1, 1, 0));
        if (lie === 2) loses.push(extent(other + 1, 1, 1));
        const isTrue =
          (lie !== 1 || (now.has(`${other + 1} 0`) && !old.has(`${other + 1} 0`))) &&
          (lie !== 2 || (old.has(`${other + 1} 1`) && !now.has(`${other + 1} 1`)));
        const isRight = isTrue && !isTwoTyped(old) && !isTwoTyped(now);
        const changes = writes.map(([at, value]) => ({ at, bytes: Uint8Array.of(value) }));
        const interpreted = makeUdfInterpreter(program, memory);
        const result = check.propose({ owns: interpreted, run, memory, changes, claim: { gains, loses } });
        expect(isOwnershipRefusal(result)).toBe(!isRight);
        expect([...memory]).toEqual(isRight ? after : block);
        if (isRight) made++;
        else refused++;
      },
    ),
    { numRuns: 3000 },
  );
  expect(made).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(100);
});
