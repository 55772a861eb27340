/** A hostile environment against every check of capabilities, guards, offers and tokens. */
import { RIGHTS, TOKEN_BYTES, encodeCapability, makeCapability, type Capability } from "@exolith/secure-bind";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAPABILITY_SLOTS,
  ERRORS,
  RESOURCE_KINDS,
  WELL_KNOWN_SLOT,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type CapSlot,
  type EnvId,
  type FrameNumber,
  type Gate,
  type ResourceKind,
  type Window,
} from "../src/abi/index.ts";
import { checkTables, makeRig, outcome, tableState, type Rig } from "../src/testing/index.ts";
import { GUARDED_KINDS } from "./guarded-kinds.ts";

const own = capSlot(0);
const { all, none, write, duplicate } = RIGHTS;
const { frame: FRAME, environment: ENVIRONMENT } = RESOURCE_KINDS;

interface Stage {
  readonly rig: Rig;
  readonly alice: Gate;
  readonly mallory: Gate;
}

/** Alice holds frame 40; Mallory holds frame 80, and wants Alice's. */
function stage(): Stage {
  const rig = makeRig();
  const alice = rig.environment([1, 1]);
  const mallory = rig.environment([1, 2]);
  must(alice.framesAlloc(frame(40), 1, own));
  must(mallory.framesAlloc(frame(80), 1, own));
  return { rig, alice, mallory };
}

/** A capability whose name runs `trap` while the kernel looks at it. */
const trapping = (name: readonly number[], trap: () => void): Capability => ({
  get name() {
    trap();
    return name;
  },
  rights: all,
});

describe("code that runs while an argument is looked at", () => {
  test("cannot free the resource under a change of its guard", () => {
    const { rig, mallory } = stage();
    const capability = trapping([1, 2, 5], () => must(mallory.framesFree(frame(80), 1, own)));
    expect(outcome(mallory.guardSet(FRAME, 80, 1, capability, own))).toBe("BadResource");
    checkTables(rig.root);
  });

  test("cannot lose the right in between and use it all the same", () => {
    const { rig, alice, mallory } = stage();
    must(alice.guardSet(FRAME, 40, 1, { name: [1, 2], rights: all }, own));
    const capability = trapping([1, 2], () => must(alice.guardSet(FRAME, 40, 1, undefined, own)));
    expect(outcome(mallory.guardSet(FRAME, 40, 2, capability, own))).toBe("BadCapability");
    expect(rig.root.guards.entries(FRAME, 40)).toBe(1);
  });

  test("cannot end its environment, or the other side, half-way through a call", () => {
    const calls: ((gate: Gate, other: Gate, trap: () => void) => unknown)[] = [
      (gate, _, trap) => gate.capabilityForge(own, trapping([1, 2], trap)),
      (gate, other, trap) => gate.capabilityGrant(other.self, trapping([1, 2], trap), own, own),
      (gate, other, trap) => gate.capabilityOffer(other.self, trapping([1, 2], trap), own),
      (gate, _, trap) => gate.guardSet(FRAME, 80, 1, trapping([1, 2], trap), own),
    ];
    for (const call of calls)
      for (const who of ["self", "other"]) {
        const { rig, alice, mallory } = stage();
        const victim = who === "self" ? mallory : alice;
        const result = call(mallory, alice, () => must(rig.root.environmentDestroy(victim.self, own)));
        if (who === "self") expect(failed(result)).toBe(true);
        expect(rig.root.environments.state(rowOf(victim.self))).toBe(0);
        checkTables(rig.root);
      }
  });

  test("that throws is a refusal, not an exception out of the kernel", () => {
    const { mallory, alice } = stage();
    const thrower = trapping([1, 2], () => {
      throw new Error("no");
    });
    const hostile: unknown[] = [
      thrower,
      new Proxy({}, { get: () => thrower.name }),
      { name: new Proxy([1, 2], { get: () => undefined }), rights: 0 },
      { name: [{ valueOf: () => 1 }], rights: 0 },
    ];
    for (const capability of hostile as Capability[]) {
      expect(outcome(mallory.capabilityForge(own, capability))).toBe("BadName");
      expect(outcome(mallory.capabilityOffer(alice.self, capability, own))).toBe("BadName");
      expect(outcome(mallory.guardSet(FRAME, 80, 1, capability, own))).toBe("BadName");
    }
  });
});

describe("whoever is let in", () => {
  test("cannot take the owner's place, at any kind of resource, by an entry or by a record", () => {
    for (const { kind, make } of GUARDED_KINDS) {
      const { rig, alice, mallory } = stage();
      const id = make(rig, alice, own, 60);
      const seize = (): string => outcome(mallory.guardSet(kind, id, 0, { name: [1, 2], rights: all }, own));
      expect(seize()).toBe("BadCapability");
      must(alice.guardSet(kind, id, 1, { name: [1, 2], rights: all }, own));
      expect(seize()).toBe("BadGuard");
      must(alice.guardSet(kind, id, 1, undefined, own));
      const list = must(alice.windowBind(must(alice.framesAlloc(frame(50), 1, own)), 1, true, own));
      list.write(0, encodeCapability(makeCapability([1, 2], all)), 0, 8);
      must(alice.guardExtend(kind, id, frame(50), 1, own));
      expect(seize()).toBe("BadGuard");
      expect(rig.root.guards.name(kind, id, 0)).toBe("1.1");
    }
  });

  test("cannot shut the owner out: entry 0 lets it in whatever the others say", () => {
    const { alice, mallory } = stage();
    must(alice.guardSet(FRAME, 40, 1, { name: [1, 2], rights: all }, own));
    for (const entry of [3, 2, 1]) must(mallory.guardSet(FRAME, 40, entry, { name: [9], rights: all }, own));
    expect(alice.guards.entries(FRAME, 40)).toBe(4);
    expect(outcome(alice.windowBind(frame(40), 1, true, own))).toBe("ok");
    expect(outcome(mallory.windowBind(frame(40), 1, false, own))).toBe("BadCapability");
  });

  test("cannot put records into a frame that it may only read, nor point a guard there", () => {
    const { alice, mallory } = stage();
    must(alice.framesAlloc(frame(41), 1, own));
    must(alice.guardExtend(FRAME, 40, frame(41), 4, own));
    must(alice.guardSet(FRAME, 41, 1, { name: [1, 2], rights: none }, own));
    const window = must(mallory.windowBind(frame(41), 1, false, own));
    expect(() => window.setU32(0, 1)).toThrow(TypeError);
    expect(outcome(mallory.windowBind(frame(41), 1, true, own))).toBe("BadCapability");
    expect(outcome(mallory.guardExtend(FRAME, 80, frame(41), 1, own))).toBe("BadCapability");
    expect(outcome(mallory.windowBind(frame(40), 1, false, own))).toBe("BadCapability");
  });

  test("cannot keep a frame of entries by a window from before it changed hands", () => {
    const { alice, mallory } = stage();
    const window = must(mallory.windowBind(frame(80), 1, true, own));
    must(mallory.framesFree(frame(80), 1, own));
    must(alice.framesAlloc(frame(80), 1, own));
    must(alice.guardExtend(FRAME, 40, frame(80), 8, own));
    expect(() => window.setU32(0, 1)).toThrow();
    expect(outcome(mallory.windowBind(frame(40), 1, false, own))).toBe("BadCapability");
  });
});

describe("a stranger", () => {
  test("gets by with no stale id, no id of another kind, and no row of it", () => {
    const { rig, alice, mallory } = stage();
    const child = must(mallory.environmentCreate(() => ({ sliceBegin: () => {} }), own));
    must(mallory.environmentDestroy(child, own));
    const ids = [child, rowOf(child), child + 0x1_0000, -child, child + 2 ** 32];
    for (const id of ids) {
      expect(outcome(mallory.guardSet(ENVIRONMENT, id, 1, { name: [1, 2], rights: none }, own))).toBe(
        "BadResource",
      );
      expect(outcome(mallory.capabilityOffer(id as EnvId, { name: [1, 2], rights: none }, own))).toBe(
        "BadEnvironment",
      );
      expect(outcome(mallory.capabilityAcquire(id as EnvId))).toBe("BadEnvironment");
    }
    expect(outcome(mallory.guardSet(ENVIRONMENT, alice.self, 1, { name: [1, 2], rights: all }, own))).toBe(
      "BadCapability",
    );
    expect(rig.root.guards.entries(ENVIRONMENT, alice.self)).toBe(1);
  });

  test("cannot change the guards of the kernel's own frames, not even with the root", () => {
    const { rig } = stage();
    const { root } = rig;
    const system = root.system.frame;
    const everybody = { name: [], rights: all };
    expect(outcome(root.guardSet(FRAME, system, 1, everybody, own))).toBe("BadCapability");
    expect(outcome(root.guardSet(FRAME, system, 0, everybody, own))).toBe("BadCapability");
    expect(outcome(root.guardExtend(FRAME, system, frame(1), 0, own))).toBe("BadCapability");
    for (let f = system + 1; f < root.frames.count; f++) {
      expect(outcome(root.guardSet(FRAME, f, 1, everybody, own))).toBe("BadResource");
      expect(outcome(root.guardExtend(FRAME, f, frame(1), 0, own))).toBe("BadResource");
    }
  });

  test("makes nothing of the well-known capability", () => {
    const { rig, mallory, alice } = stage();
    const known = { name: [0, 1], rights: none };
    const slot = WELL_KNOWN_SLOT;
    const before = tableState(rig.root);
    const window = must(mallory.windowBind(frame(80), 1, true, own));
    expect(outcome(mallory.capabilityForge(slot, known))).toBe("BadCapability");
    expect(outcome(mallory.capabilityGrant(mallory.self, known, slot, own))).toBe("BadCapability");
    expect(outcome(mallory.capabilityOffer(alice.self, known, slot))).toBe("BadCapability");
    expect(outcome(mallory.capabilitySeal(slot, window, 0))).toBe("BadCapability");
    expect(outcome(mallory.capabilityExpire(slot))).toBe("BadCapability");
    expect(outcome(mallory.guardSet(FRAME, 80, 1, known, slot))).toBe("BadCapability");
    expect(outcome(mallory.framesFree(frame(80), 1, slot))).toBe("BadCapability");
    expect(outcome(mallory.framesAlloc(frame(81), 1, slot))).toBe("BadSlot");
    must(mallory.windowUnbind(window));
    expect(tableState(rig.root)).toBe(before);
  });

  test("cannot win back by a token what was narrowed, nor widen what it holds by sealing it", () => {
    const { mallory } = stage();
    const window = must(mallory.windowBind(frame(80), 1, true, own));
    const weak = must(mallory.capabilityForge(own, { name: [1, 2, 5], rights: duplicate }));
    must(mallory.capabilitySeal(weak, window, 0));
    for (const bytes of [
      makeCapability([1, 2, 5], all),
      makeCapability([1, 2], duplicate),
      makeCapability([], all),
    ]) {
      window.write(64, encodeCapability(bytes), 0, 8);
      window.copy(72, window, 8, TOKEN_BYTES - 8);
      expect(mallory.capabilityUnseal(window, 64, TOKEN_BYTES)).toBe(ERRORS.BadToken);
    }
    const slot = must(mallory.capabilityUnseal(window, 0, TOKEN_BYTES));
    expect([mallory.capabilities.name(slot), mallory.capabilities.rights(slot)]).toEqual([
      "1.2.5",
      duplicate,
    ]);
  });

  test("gets nothing above its name by any order of these calls, with any arguments", () => {
    const arbitraryName = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });
    const alien = fc.oneof(
      fc.integer({ min: -1, max: 84 }),
      fc.record({ name: arbitraryName, rights: fc.integer({ min: 0, max: 8 }) }),
      fc.constantFrom<unknown>(undefined, null, "0", 0.5, Number.NaN, {}),
    );
    const CALLS = [
      "capabilityForge",
      "capabilityGrant",
      "capabilityOffer",
      "capabilityAcquire",
      "capabilitySeal",
      "capabilityUnseal",
      "capabilityExpire",
      "guardSet",
      "guardExtend",
    ] as const;
    const call = fc.tuple(
      fc.constantFrom(...CALLS),
      fc.array(fc.oneof({ weight: 3, arbitrary: alien }, fc.constantFrom("window", "self", "frame")), {
        minLength: 5,
        maxLength: 5,
      }),
    );
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        const { rig, mallory } = stage();
        const window: Window = must(mallory.windowBind(frame(80), 1, true, own));
        const meant: Record<string, unknown> = { window, self: mallory.self, frame: 80 as FrameNumber };
        for (const [name, args] of calls) {
          const values = args.map((value) => (typeof value === "string" ? (meant[value] ?? value) : value));
          (mallory[name] as (...values: unknown[]) => unknown)(...values);
        }
        for (let slot = 0; slot < CAPABILITY_SLOTS; slot++)
          if (mallory.capabilities.rights(slot) >= 0 && slot !== WELL_KNOWN_SLOT)
            expect(mallory.capabilities.name(slot)).toMatch(/^1\.2(\.|$)/);
        expect(rig.root.guards.name(FRAME, 40, 0)).toBe("1.1");
        expect(outcome(mallory.windowBind(frame(40), 1, false, own))).toBe("BadCapability");
        checkTables(rig.root);
      }),
      { numRuns: 60 },
    );
  });
});

test("an id that was somebody's names nobody else, however often its row changes hands", () => {
  const rig = makeRig();
  const [victim, friend, attacker] = [1, 2, 3].map((name) => rig.environment([1, name])) as [
    Gate,
    Gate,
    Gate,
  ];
  must(
    victim.capabilityOffer(
      friend.self,
      { name: [1], rights: none },
      rig.grant(victim, { name: [1], rights: all }),
    ),
  );
  const idle = { sliceBegin: (): void => {} };
  while (!failed(attacker.environmentCreate(() => idle, own)));
  must(rig.root.environmentDestroy(friend.self, own));
  let heir: Gate | undefined;
  let refusal = "";
  for (let i = 0; i < 0x8001 && refusal !== "Full" && heir === undefined; i++)
    refusal = outcome(
      attacker.environmentCreate((gate) => {
        if (gate.self !== friend.self) throw new Error("not this one");
        heir = gate;
        return idle;
      }, own),
    );
  expect([heir, refusal]).toEqual([undefined, "Full"]);
  expect(rig.root.environments.id(rowOf(friend.self))).toBe(0);
  expect(outcome(victim.capabilityAcquire(friend.self))).toBe("BadEnvironment");
  checkTables(rig.root);
}, 120_000);

test("a caller without stack left gets its own error, and nothing is half done", () => {
  const { rig, alice, mallory } = stage();
  const window = must(mallory.windowBind(frame(80), 1, true, own));
  must(mallory.capabilitySeal(own, window, 0));
  const calls: (() => unknown)[] = [
    () => mallory.capabilityUnseal(window, 0, TOKEN_BYTES),
    () => mallory.capabilitySeal(own, window, 64),
    () => mallory.capabilityOffer(alice.self, { name: [1, 2], rights: none }, own),
    () => mallory.guardSet(FRAME as ResourceKind, 80, 1, { name: [1, 2], rights: write }, own),
    () => mallory.guardExtend(FRAME, 80, frame(80), 1, own),
  ];
  const dive = (call: () => unknown): unknown => {
    try {
      return dive(call);
    } catch {
      return call();
    }
  };
  for (const call of calls) {
    let reason: unknown;
    try {
      dive(call);
    } catch (caught) {
      reason = caught;
    }
    expect(reason === undefined || reason instanceof RangeError).toBe(true);
    checkTables(rig.root);
  }
  for (let slot = 1; slot < WELL_KNOWN_SLOT; slot++)
    if (mallory.capabilities.rights(slot) >= 0) must(mallory.capabilityDestroy(slot as CapSlot));
  must(mallory.guardExtend(FRAME, 80, frame(80), 0, own));
  expect(rig.root.frames.pins(80)).toBe(0);
  expect(outcome(mallory.framesFree(frame(80), 1, own))).toBe("ok");
});
