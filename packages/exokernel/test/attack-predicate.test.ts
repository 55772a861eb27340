/** What a hostile environment may try with predicates. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  CALLS,
  KERNEL,
  NEVER,
  PREDICATE_FRAMES,
  WELL_KNOWN_SLOT,
  capSlot,
  frame,
  must,
  rowOf,
  type Gate,
  type Predicate,
  type PredicateTerm,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);

interface Attacker {
  readonly rig: Rig;
  readonly gate: Gate;
  readonly window: Window;
  readonly term: PredicateTerm;
}

/** An environment with one frame, number 3, and a term over it. */
function makeAttacker(): Attacker {
  const rig = makeRig(256, { reserveFrames: 0 });
  const gate = rig.environment([1, 1], { slices: [5] });
  must(gate.framesAlloc(frame(3), 1, own));
  const window = must(gate.windowBind(frame(3), 1, true, own));
  return { rig, gate, window, term: { window, at: 0, comparison: "equal", value: 1 } };
}

const trap = (): never => {
  throw new Error("trap");
};
const trapped = (of: object): object =>
  new Proxy(of, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap });

function malformed({ term }: Attacker): readonly unknown[] {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  const bad = (change: object): unknown => [{ tag: 1, terms: [{ ...term, ...change }] }];
  const huge: unknown[] = [];
  huge.length = 2 ** 32 - 1;
  return [
    undefined,
    null,
    7,
    Number.NaN,
    "predicate",
    {},
    { 0: { tag: 1, terms: [term] }, length: 1 },
    [],
    [undefined],
    [null],
    [[]],
    [{ tag: 1 }],
    [{ tag: 1, terms: [] }],
    [{ tag: 1, terms: [undefined] }],
    [{ tag: 1, terms: { 0: term, length: 1 } }],
    ...[-1, -0, 0.5, 2 ** 32, Number.NaN, Infinity, "1", 1n, undefined].flatMap((n) => [
      [{ tag: n, terms: [term] }],
      bad({ value: n }),
    ]),
    ...["almost", "constructor", "toString", 0, undefined, null].map((comparison) => bad({ comparison })),
    [{ tag: 1, terms: Array.from({ length: 257 }, () => term) }],
    Array.from({ length: 257 }, () => ({ tag: 1, terms: [term] })),
    Array.from({ length: 129 }, () => ({ tag: 1, terms: [term, term] })),
    huge,
    [{ tag: 1, terms: huge }],
    proxy,
    [proxy],
    [{ tag: 1, terms: proxy }],
    trapped([]),
    [trapped({})],
    [{ tag: 1, terms: [trapped({})] }],
    new Proxy([], { get: () => Infinity }),
    new Proxy([], { get: (_, key) => (key === "length" ? Number.NaN : term) }),
  ];
}

test("whatever is malformed is refused, and nothing has changed", () => {
  const attacker = makeAttacker();
  const { gate, rig } = attacker;
  rig.run(3);
  const before = tableState(gate);
  for (const predicate of malformed(attacker))
    expect(outcome(gate.predicateWait(predicate as Predicate))).toBe("BadPredicate");
  expect(tableState(gate)).toBe(before);
  expect(gate.environments.runnable(rowOf(gate.self))).toBe(0);
});

test("every refusal of the call is provoked", () => {
  const { gate, rig, term, window } = makeAttacker();
  const other = rig.environment([1, 2]);
  must(gate.framesAlloc(frame(20), PREDICATE_FRAMES + 1, own));
  const run = must(gate.windowBind(frame(20), PREDICATE_FRAMES + 1, false, own));
  const many = Array.from({ length: PREDICATE_FRAMES + 1 }, (_, i) => ({
    ...term,
    window: run,
    at: i * 4096,
  }));
  const refusals = [
    gate.predicateWait([]),
    other.predicateWait([{ tag: 1, terms: [term] }]),
    gate.predicateWait([{ tag: 1, terms: [{ ...term, at: window.length }] }]),
    gate.predicateWait([{ tag: 1, terms: many }]),
  ].map(outcome);
  expect(refusals.toSorted()).toEqual(CALLS.predicateWait.fails.toSorted());
});

test("words that are not its own, by any disguise, are refused", () => {
  const { gate, rig, term, window } = makeAttacker();
  const victim = rig.environment([1, 2]);
  must(victim.framesAlloc(frame(7), 1, own));
  const theirs = must(victim.windowBind(frame(7), 1, true, own));
  const dead = must(gate.windowBind(frame(3), 1, true, own));
  must(gate.windowUnbind(dead));
  const before = tableState(gate);
  const windows = [
    theirs,
    dead,
    new Proxy(window, {}),
    Object.create(window) as Window,
    Object.create(Object.getPrototypeOf(window) as object) as Window,
    trapped(window),
    gate.gather(),
    undefined,
    3,
  ];
  for (const forged of windows)
    expect(outcome(gate.predicateWait([{ tag: 1, terms: [{ ...term, window: forged as Window }] }]))).toBe(
      "BadWindow",
    );
  for (const at of [-4, 1, 2, 4093, 4096, 2 ** 31, 2 ** 53, Number.NaN, Infinity, "0", undefined, null, {}])
    expect(outcome(gate.predicateWait([{ tag: 1, terms: [term, { ...term, at: at as number }] }]))).toBe(
      "BadRange",
    );
  expect(tableState(gate)).toBe(before);
  const readOnly = must(gate.windowBind(gate.system.frame, 1, false, WELL_KNOWN_SLOT));
  expect(outcome(gate.predicateWait([{ tag: 1, terms: [{ ...term, window: readOnly }] }]))).toBe("ok");
  expect(outcome(gate.framesFree(gate.system.frame, 1, WELL_KNOWN_SLOT))).not.toBe("ok");
});

test("an answer that changes gets past no check: each property is read once", () => {
  const { gate, term } = makeAttacker();
  const read: PropertyKey[] = [];
  const once = <T extends object>(of: T): T =>
    new Proxy(of, {
      get: (from, key) => {
        read.push(key);
        return read.filter((each) => each === key).length === 1 ? Reflect.get(from, key) : trap();
      },
    });
  expect(outcome(gate.predicateWait([once({ tag: 1, terms: [once(term)] })]))).toBe("ok");
  expect(read.toSorted()).toEqual(["at", "comparison", "tag", "terms", "value", "window"]);
});

test("what a getter does to the world is seen, not what was there before", () => {
  const doing = (act: (attacker: Attacker) => void): [string, Attacker] => {
    const attacker = makeAttacker();
    const { gate, term } = attacker;
    const last = {
      ...term,
      get value() {
        act(attacker);
        return 1;
      },
    };
    return [outcome(gate.predicateWait([{ tag: 1, terms: [term, last] }])), attacker];
  };
  const [unbound, first] = doing(({ gate, window }) => void must(gate.windowUnbind(window)));
  expect([unbound, first.gate.frames.pins(3)]).toEqual(["BadWindow", 0]);
  const [freed, second] = doing(({ gate }) => void must(gate.framesFree(frame(3), 1, own)));
  expect([freed, second.gate.frames.owner(3)]).toEqual(["BadWindow", 0]);
  const [dead, third] = doing(({ gate }) => void must(gate.environmentDestroy(gate.self, own)));
  expect([dead, third.gate.frames.pins(3)]).toEqual(["BadWindow", 0]);
  expect(third.gate.environments.id(rowOf(third.gate.self))).toBe(0);
  const [nested, fourth] = doing(
    ({ gate, term }) => void must(gate.predicateWait([{ tag: 2, terms: [term] }])),
  );
  expect([nested, fourth.gate.frames.pins(3)]).toEqual(["ok", 1]);
  const [endless, fifth] = doing(({ gate }) => {
    const again = {
      get tag(): number {
        return outcome(gate.predicateWait([again] as never)).length;
      },
    };
    gate.predicateWait([again] as never);
  });
  expect([endless, fifth.gate.frames.pins(3)]).toEqual(["ok", 1]);
  for (const { gate, rig } of [first, second, third, fourth, fifth]) {
    checkTables(gate);
    rig.run(5);
  }
});

test("a dead environment has nothing to wait with, not even the windows of who has its row now", () => {
  const { gate, rig, term } = makeAttacker();
  const row = rowOf(gate.self);
  const late = {
    ...term,
    get window(): Window {
      must(gate.environmentDestroy(gate.self, own));
      let heir = rig.environment([1, 3]);
      while (rowOf(heir.self) !== row) {
        must(rig.root.environmentDestroy(heir.self, own));
        heir = rig.environment([1, 3]);
      }
      must(heir.framesAlloc(frame(9), 1, own));
      return must(heir.windowBind(frame(9), 1, true, own));
    },
  };
  expect(outcome(gate.predicateWait([{ tag: 1, terms: [late] }]))).toBe("BadWindow");
  expect(gate.frames.pins(9)).toBe(0);
});

test("the frame of an owner that dies is an orphan while it is watched, and shows its old contents to nobody", () => {
  const { gate, rig, term } = makeAttacker();
  const victim = rig.environment([1, 2]);
  must(victim.framesAlloc(frame(7), 1, own));
  must(victim.windowBind(frame(7), 1, true, own)).setU32(0, 0xdead);
  const reading = rig.grant(gate, { name: [1, 2], rights: 0 });
  const theirs = must(gate.windowBind(frame(7), 1, false, reading));
  must(gate.predicateWait([{ tag: 1, terms: [{ ...term, window: theirs, value: 0 }] }]));
  must(rig.root.environmentDestroy(victim.self, own));
  expect(theirs.length).toBe(0);
  expect([gate.frames.pins(7), gate.frames.owner(7)]).toEqual([1, KERNEL]);
  expect(outcome(gate.framesAlloc(frame(7), 1, own))).toBe("Busy");
  expect(outcome(gate.windowBind(frame(7), 1, false, reading))).toBe("BadFrame");
  expect(outcome(gate.predicateWait([{ tag: 1, terms: [{ ...term, window: theirs }] }]))).toBe("BadWindow");
  checkTables(gate);
  rig.run(5);
  expect(gate.environments.tag(rowOf(gate.self))).toBe(0);
  gate.sleep(0, NEVER);
  expect([gate.frames.pins(7), gate.frames.owner(7)]).toEqual([0, 0]);
  must(gate.framesAlloc(frame(7), 1, own));
  expect(must(gate.windowBind(frame(7), 1, false, own)).getU32(0)).toBe(0);
  checkTables(gate);
});

test("a call at the end of the stack does all or nothing, and so does a sleep that ends a predicate", () => {
  const { gate, rig, term } = makeAttacker();
  must(gate.framesAlloc(frame(20), 4, own));
  const run = must(gate.windowBind(frame(20), 4, true, own));
  const predicate = [{ tag: 1, terms: [0, 1, 2, 3].map((i) => ({ ...term, window: run, at: i * 4096 })) }];
  const pins = (): number => [20, 21, 22, 23].reduce((sum, f) => sum + gate.frames.pins(f), 0);
  const sink = (call: () => void): void => {
    try {
      sink(call);
    } finally {
      call();
    }
  };
  const seen = new Set<number>();
  const watched = (call: () => void) => (): void => {
    try {
      call();
    } finally {
      seen.add(pins());
    }
  };
  for (let i = 0; i < 5; i++) {
    expect(() => sink(watched(() => gate.predicateWait(predicate)))).toThrow(RangeError);
    expect(() => sink(watched(() => gate.sleep(0, NEVER)))).toThrow(RangeError);
  }
  expect([...seen].every((count) => count === 0 || count === 4)).toBe(true);
  must(gate.predicateWait(predicate));
  expect(pins()).toBe(4);
  gate.sleep(0, NEVER);
  expect(pins()).toBe(0);
  checkTables(gate);
  rig.run(3);
});

test("no alien value makes the call throw or change a table", () => {
  const { gate, term } = makeAttacker();
  const before = tableState(gate);
  const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true });
  const almost = fc
    .tuple(
      fc.constantFrom("tag", "terms"),
      fc.constantFrom("window", "at", "comparison", "value"),
      anything,
      fc.boolean(),
    )
    .map(([outer, inner, value, isOuter]) =>
      isOuter
        ? [{ tag: 1, terms: [term], [outer]: value }]
        : [{ tag: 1, terms: [{ ...term, [inner]: value }] }],
    );
  fc.assert(
    fc.property(fc.oneof(anything, almost), (predicate) => {
      const result = outcome(gate.predicateWait(predicate as Predicate));
      if (result === "ok") gate.sleep(0, NEVER);
      else expect(CALLS.predicateWait.fails).toContain(result);
      expect(gate.frames.pins(3)).toBe(0);
    }),
    { numRuns: 500 },
  );
  expect(tableState(gate)).toBe(before);
});

test("hundreds of predicates at once, all ended by death, leave nothing pinned", () => {
  const { rig, gate } = makeAttacker();
  const gates = Array.from({ length: 40 }, (_, i) => {
    const each = rig.environment([2, i]);
    const window = must(each.windowBind(each.system.frame, 1, false, WELL_KNOWN_SLOT));
    must(each.predicateWait([{ tag: 1, terms: [{ window, at: 8, comparison: "less", value: 0 }] }]));
    return each;
  });
  expect(gate.frames.pins(gate.system.frame)).toBe(41);
  for (const each of gates) must(rig.root.environmentDestroy(each.self, own));
  expect(gate.frames.pins(gate.system.frame)).toBe(1);
  checkTables(gate);
});
