/** Capabilities and environments: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import { RIGHTS } from "@exolith/secure-bind";
import { expect } from "vitest";
import { must } from "../abi/errors.ts";
import { capSlot, frame, sliceIndex, type CapSlot, type EnvId } from "../abi/ids.ts";
import { CAPABILITY_SLOTS, WELL_KNOWN_SLOT } from "../abi/limits.ts";
import type { Gate } from "../abi/gate.ts";
import { outcome, placeEnvironment } from "../testing/rig.ts";
import { NO_NUMBERS, grant, own, rowOfSelf, type KernelHarness } from "./harness.ts";

const { all, none, write, duplicate } = RIGHTS;

const holdsEverything = ({ root }: KernelHarness): void => {
  expect(root.capabilities.name(0)).toBe("");
  expect(root.capabilities.rights(0)).toBe(all);
  const user = placeEnvironment(root, [1, 7]);
  expect(user.capabilities.name(0)).toBe("1.7");
  expect(user.capabilities.rights(0)).toBe(all);
  expect(user.capabilities.rights(1)).toBe(-1);
};

const forgesDownwards = ({ root }: KernelHarness): void => {
  const user = placeEnvironment(root, [1, 7]);
  const forge = (slot: CapSlot, name: number[], rights: number): string =>
    outcome(user.capabilityForge(slot, { name, rights }));
  expect(forge(own, [1, 7, 5], all)).toBe("ok");
  expect(forge(own, [1, 8], none)).toBe("BadCapability");
  expect(forge(own, [1], none)).toBe("BadCapability");
  expect(forge(own, [], none)).toBe("BadCapability");
  const weak = must(user.capabilityForge(own, { name: [1, 7], rights: duplicate }));
  expect(forge(weak, [1, 7, 5], write)).toBe("BadCapability");
  const single = must(user.capabilityForge(own, { name: [1, 7], rights: write }));
  expect(forge(single, [1, 7], write)).toBe("BadCapability");
};

const grantsWithAuthority = (h: KernelHarness): void => {
  const alice = placeEnvironment(h.root, [1, 1]);
  const bob = placeEnvironment(h.root, [1, 2]);
  const wanted = { name: [1, 1, 5], rights: write };
  expect(outcome(alice.capabilityGrant(bob.self, wanted, own, own))).toBe("BadCapability");
  expect(outcome(alice.capabilityGrant(alice.self, { name: [1], rights: none }, own, own))).toBe(
    "BadCapability",
  );
  const over = grant(h, alice, { name: [1, 2], rights: write });
  expect(outcome(alice.capabilityGrant(bob.self, wanted, own, over))).toBe("ok");
  expect(bob.capabilities.name(1)).toBe("1.1.5");
  expect(bob.capabilities.rights(1)).toBe(write);
};

const emptySlots = ({ root }: KernelHarness): void => {
  const user = placeEnvironment(root, [1, 1]);
  for (const slot of [...NO_NUMBERS, CAPABILITY_SLOTS, WELL_KNOWN_SLOT - 1] as CapSlot[]) {
    expect(outcome(user.framesAlloc(frame(9), 1, slot))).toBe("BadSlot");
    expect(outcome(user.sliceAlloc(sliceIndex(3), slot))).toBe("BadSlot");
    expect(outcome(user.capabilityForge(slot, { name: [1, 1], rights: none }))).toBe("BadSlot");
    expect(outcome(user.environmentDestroy(user.self, slot))).toBe("BadSlot");
  }
  expect(root.frames.owner(9)).toBe(0);
  expect(root.slices.owner(3)).toBe(0);
};

const malformedNames = ({ root }: KernelHarness): void => {
  const names: unknown[] = [[1, 2, 3, 4, 5, 6, 7, 8], [256], [-1], [1.5], ["1"], "1.2", undefined, null, {}];
  for (const name of names)
    expect(outcome(root.capabilityForge(own, { name: name as number[], rights: none }))).toBe("BadName");
  for (const rights of [8, ...NO_NUMBERS] as number[])
    expect(outcome(root.capabilityForge(own, { name: [1], rights }))).toBe("BadName");
  for (const alien of [undefined, null, 7, "1"])
    expect(outcome(root.capabilityForge(own, alien as never))).toBe("BadName");
};

const fullLists = ({ root }: KernelHarness): void => {
  const user = placeEnvironment(root, [1, 1]);
  const forge = (): string => outcome(user.capabilityForge(own, { name: [1, 1], rights: none }));
  for (let i = 1; i < WELL_KNOWN_SLOT; i++) expect(forge()).toBe("ok");
  expect(forge()).toBe("BadSlot");
  expect(outcome(user.capabilityDestroy(capSlot(7)))).toBe("ok");
  expect(outcome(user.capabilityDestroy(capSlot(7)))).toBe("BadSlot");
  expect(forge()).toBe("ok");
};

const staleEnvironments = (h: KernelHarness): void => {
  const { root } = h;
  const first = placeEnvironment(root, [1, 1]).self;
  expect(root.environments.id(first & 0xffff)).toBe(first);
  must(root.environmentDestroy(first, own));
  const second = placeEnvironment(root, [1, 1]).self;
  expect(second).not.toBe(first);
  for (const nobody of [first, 0, ...NO_NUMBERS] as EnvId[]) {
    expect(outcome(root.wake(nobody, own))).toBe("BadEnvironment");
    expect(outcome(root.environmentDestroy(nobody, own))).toBe("BadEnvironment");
    expect(outcome(root.capabilityGrant(nobody, { name: [1], rights: none }, own, own))).toBe(
      "BadEnvironment",
    );
  }
  for (const nobody of [first, 0, -1, {}] as EnvId[])
    expect(outcome(root.yieldTo(nobody))).toBe("BadEnvironment");
  expect(root.environments.id(second & 0xffff)).toBe(second);
};

const brokenPrograms = ({ root }: KernelHarness): void => {
  const free = root.frames.free();
  const alive = aliveIn(root);
  const greedy = (gate: Gate): never => {
    must(gate.framesAlloc(frame(9), 3, own));
    must(gate.sliceAlloc(sliceIndex(1), own));
    throw new Error("no");
  };
  const noEntry = (): never => ({}) as never;
  const suicide = (gate: Gate): never => {
    must(gate.environmentDestroy(gate.self, own));
    return { sliceBegin: () => {} } as never;
  };
  for (const program of [greedy, noEntry, suicide, 7, undefined, {}])
    expect(outcome(root.environmentCreate(program as never, own))).toBe("BadProgram");
  expect(root.frames.free()).toBe(free);
  expect(root.slices.owner(1)).toBe(0);
  expect(aliveIn(root)).toBe(alive);
};

const aliveIn = ({ environments }: Gate): number => {
  let alive = 0;
  for (let row = 0; row < environments.count; row++) alive += environments.state(row);
  return alive;
};

const creationNeedsRight = ({ root }: KernelHarness): void => {
  const user = placeEnvironment(root, [1, 1]);
  const weak = must(user.capabilityForge(own, { name: [1, 1], rights: write | duplicate }));
  const program = (): { sliceBegin: () => void } => ({ sliceBegin: () => {} });
  expect(outcome(user.environmentCreate(program, weak))).toBe("BadCapability");
  const child = must(user.environmentCreate(program, own));
  expect(root.environments.parent(child & 0xffff)).toBe(user.self);
};

const destruction = ({ root }: KernelHarness): void => {
  const free = root.frames.free();
  const victim = placeEnvironment(root, [1, 1], { slices: [4] });
  const other = placeEnvironment(root, [1, 2]);
  must(victim.framesAlloc(frame(9), 5, own));
  must(other.framesAlloc(frame(20), 2, own));
  const window = must(victim.windowBind(frame(9), 5, true, own));
  const ring = must(victim.ringBind(frame(9), 3, own));
  expect(outcome(other.environmentDestroy(victim.self, own))).toBe("BadCapability");
  expect(window.length).toBeGreaterThan(0);
  must(root.environmentDestroy(victim.self, own));
  expect(root.frames.free()).toBe(free - 2);
  expect(root.frames.bindings(9)).toBe(0);
  expect(root.rings.owner(ring & 0xffff)).toBe(0);
  expect(root.slices.owner(4)).toBe(0);
  expect(window.length).toBe(0);
  expect(() => window.getU8(0)).toThrow(RangeError);
  expect(() => victim.nullCall()).toThrow();
  expect(root.frames.owner(20)).toBe(other.self);
};

const faultsStayAlone = async (h: KernelHarness): Promise<void> => {
  const causes: number[] = [];
  let ran = 0;
  const sleepAfter = (gate: Gate): void =>
    void gate.sleep(gate.environments.events(rowOfSelf(gate)), Infinity as never);
  const brave = placeEnvironment(h.root, [1, 1], {
    slices: [0],
    upcalls: (gate) => ({
      sliceBegin: () => {
        sleepAfter(gate);
        throw new Error("broken");
      },
      fault: (cause) => void causes.push(cause),
    }),
  });
  const frail = placeEnvironment(h.root, [1, 2], {
    slices: [1],
    upcalls: () => ({
      sliceBegin: () => {
        throw new RangeError("broken");
      },
    }),
  });
  placeEnvironment(h.root, [1, 3], {
    slices: [2],
    upcalls: (gate) => ({
      sliceBegin: () => {
        ran += 1;
        sleepAfter(gate);
      },
    }),
  });
  await h.settle();
  expect(causes).toEqual([1]);
  expect(h.root.environments.faults(rowOfSelf(brave))).toBe(1);
  expect(h.root.environments.id(rowOfSelf(brave))).toBe(brave.self);
  expect(h.root.environments.id(rowOfSelf(frail))).toBe(0);
  expect(h.root.slices.owner(1)).toBe(0);
  expect(ran).toBe(1);
};

const strangeThrows = async (h: KernelHarness): Promise<void> => {
  const shy = new Proxy({}, { getPrototypeOf: () => { throw new Error("do not look"); } }); // prettier-ignore
  const entries: { sliceBegin: () => void } = {
    sliceBegin: () => {
      throw shy;
    },
  };
  const doomed = placeEnvironment(h.root, [1, 1], { slices: [0], upcalls: () => entries });
  Object.defineProperty(entries, "sliceBegin", {
    get: () => {
      throw new Error("captured already");
    },
  });
  Object.defineProperty(entries, "fault", {
    get: () => {
      throw new Error("captured already");
    },
  });
  await h.settle();
  expect(h.root.environments.id(rowOfSelf(doomed))).toBe(0);
};

/** The cases of this part. */
export const AUTHORITY_CASES: readonly ContractCase<KernelHarness>[] = [
  [
    "gives the boot environment a capability for everything, and others one for their own name",
    holdsEverything,
  ],
  ["forges downwards only, with rights that only shrink", forgesDownwards],
  ["grants with authority over the receiver and over what is granted", grantsWithAuthority],
  ["takes no authority from a value that names no capability", emptySlots],
  ["refuses malformed names and rights", malformedNames],
  ["refuses one capability more than a list holds", fullLists],
  ["names an environment while it lives, and nobody by a stale id", staleEnvironments],
  ["leaves nothing of a program that throws, ends itself or has no entry for slices", brokenPrograms],
  ["creates environments for those who may allocate", creationNeedsRight],
  ["destroys with authority, and frees exactly what was held", destruction],
  ["delivers a fault to the environment that made it, and ends one that does not answer", faultsStayAlone],
  ["survives whatever an environment throws or does to its entry points", strangeThrows],
];
