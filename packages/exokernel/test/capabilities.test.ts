import { RIGHTS, type Capability } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  CALLS,
  CAPABILITY_SLOTS,
  WELL_KNOWN_NAME,
  WELL_KNOWN_SLOT,
  capSlot,
  frame,
  must,
  rowOf,
  sliceIndex,
  type CapSlot,
  type Credential,
  type EnvId,
} from "../src/abi/index.ts";
import { makeRig, outcome } from "../src/testing/index.ts";

const { write, duplicate, all, none } = RIGHTS;

test("[K5] dominance at the gate: a capability reaches what is below its name, and only with its rights", () => {
  const rig = makeRig();
  const user = rig.environment([1, 115]);
  const forge = (name: number[], rights: number): string =>
    outcome(user.capabilityForge(capSlot(0), { name, rights }));
  expect(forge([1, 115, 5], all)).toBe("ok");
  expect(forge([1, 115], all)).toBe("ok");
  expect(forge([1, 116], none)).toBe("BadCapability");
  expect(forge([1], none)).toBe("BadCapability");
  const weak = must(user.capabilityForge(capSlot(0), { name: [1, 115], rights: duplicate }));
  expect(outcome(user.capabilityForge(weak, { name: [1, 115, 5], rights: duplicate }))).toBe("ok");
  expect(outcome(user.capabilityForge(weak, { name: [1, 115, 5], rights: write }))).toBe("BadCapability");
  const guarded = must(user.framesAlloc(frame(9), 1, weak));
  expect(outcome(user.framesFree(guarded, 1, weak))).toBe("BadCapability");
});

test("forging the root from 1.115 is refused, and needs the right to duplicate", () => {
  const rig = makeRig();
  const user = rig.environment([1, 115]);
  expect(outcome(user.capabilityForge(capSlot(0), { name: [], rights: all }))).toBe("BadCapability");
  const single = must(user.capabilityForge(capSlot(0), { name: [1, 115, 5], rights: write }));
  expect(outcome(user.capabilityForge(single, { name: [1, 115, 5], rights: write }))).toBe("BadCapability");
});

test("[K9] the same call with the wrong slot is refused, with the right slot it is done; only the listed calls have no slot", () => {
  const rig = makeRig();
  const user = rig.environment([1, 1]);
  const other = rig.environment([1, 2]);
  const right = capSlot(0);
  const wrong = must(user.capabilityForge(right, { name: [1, 1, 9], rights: all }));
  must(user.framesAlloc(frame(40), 1, right));
  expect(outcome(user.windowBind(frame(40), 1, true, wrong))).toBe("BadCapability");
  expect(outcome(other.windowBind(frame(40), 1, true, right))).toBe("BadCapability");
  expect(outcome(user.windowBind(frame(40), 1, true, capSlot(30)))).toBe("BadSlot");
  expect(outcome(user.windowBind(frame(40), 1, true, WELL_KNOWN_SLOT))).toBe("BadCapability");
  expect(outcome(user.windowBind(frame(40), 1, true, right))).toBe("ok");
  const without = (Object.keys(CALLS) as (keyof typeof CALLS)[]).filter(
    (name) => CALLS[name].credential !== "slot",
  );
  expect(without.toSorted()).toEqual(WITHOUT_A_SLOT);
  const kinds: Credential[] = without.map((name) => CALLS[name].credential);
  expect(kinds.every((kind) => kind === "binding" || kind === "self")).toBe(true);
});

/** The documented list: uses of what was bound earlier, and calls that concern the caller alone. */
const WITHOUT_A_SLOT = [
  "batchRun",
  "capabilityAcquire",
  "capabilityUnseal",
  "displayPort",
  "dmaCopy",
  "framesGuarantee",
  "handlerRemove",
  "messageRingUnbind",
  "nullCall",
  "predicateWait",
  "programEnd",
  "randomFill",
  "repossessionsClear",
  "ringUnbind",
  "sleep",
  "streamControl",
  "streamNext",
  "streamRead",
  "streamWrite",
  "tlbClear",
  "tlbMark",
  "tlbProtect",
  "tlbRemove",
  "transfer",
  "transferAllow",
  "transferAsync",
  "transferBuffer",
  "transferReply",
  "transferWords",
  "transfersWait",
  "translationCreate",
  "translationDestroy",
  "transmit",
  "windowUnbind",
  "yieldTo",
];

test("the well-known capability is everybody's: it reads, and answers for nothing", () => {
  const rig = makeRig();
  const user = rig.environment([1, 1]);
  expect(user.capabilities.name(WELL_KNOWN_SLOT)).toBe("0.1");
  expect(user.capabilities.rights(WELL_KNOWN_SLOT)).toBe(none);
  const wanted = { name: [...WELL_KNOWN_NAME], rights: none };
  expect(outcome(user.capabilityForge(WELL_KNOWN_SLOT, wanted))).toBe("BadCapability");
  expect(outcome(user.capabilityDestroy(WELL_KNOWN_SLOT))).toBe("BadSlot");
  expect(outcome(user.framesAlloc(frame(3), 1, WELL_KNOWN_SLOT))).toBe("BadSlot");
  expect(outcome(user.frameAllocAny(WELL_KNOWN_SLOT))).toBe("BadSlot");
  expect(outcome(user.sliceAlloc(sliceIndex(3), WELL_KNOWN_SLOT))).toBe("BadSlot");
  expect(outcome(user.environmentCreate(() => ({ sliceBegin: () => {} }), WELL_KNOWN_SLOT))).toBe("BadSlot");
  expect(outcome(user.windowBind(user.system.frame, 1, false, WELL_KNOWN_SLOT))).toBe("ok");
  expect(outcome(user.windowBind(user.system.frame, 1, true, WELL_KNOWN_SLOT))).toBe("BadCapability");
});

describe("attacks on capabilities", () => {
  const badSlots: unknown[] = [-1, 32, 1.5, Number.NaN, "0", undefined, {}, 30];

  test("an empty slot, or a value that names none, is no authority", () => {
    const rig = makeRig();
    const user = rig.environment([1, 1]);
    for (const slot of badSlots) {
      expect(outcome(user.framesAlloc(frame(3), 1, slot as CapSlot))).toBe("BadSlot");
      expect(outcome(user.sliceAlloc(sliceIndex(3), slot as CapSlot))).toBe("BadSlot");
      expect(outcome(user.capabilityForge(slot as CapSlot, { name: [1], rights: 0 }))).toBe("BadSlot");
    }
    expect(rig.root.frames.owner(3)).toBe(0);
    expect(rig.root.slices.owner(3)).toBe(0);
  });

  test("malformed names and rights are refused, whatever they are", () => {
    const rig = makeRig();
    const bad: unknown[] = [
      { name: [1, 2, 3, 4, 5, 6, 7, 8], rights: 0 },
      { name: [256], rights: 0 },
      { name: [-1], rights: 0 },
      { name: [1.5], rights: 0 },
      { name: "1.2", rights: 0 },
      { name: [1], rights: 8 },
      { name: [1], rights: -1 },
      { name: [1] },
      undefined,
      null,
      7,
    ];
    for (const capability of bad)
      expect(outcome(rig.root.capabilityForge(capSlot(0), capability as never))).toBe("BadName");
  });

  test("changing the object that was forged from does not change the capability", () => {
    const rig = makeRig();
    const user = rig.environment([1, 1]);
    const wanted = { name: [1, 1, 2], rights: 0 };
    const slot = must(user.capabilityForge(capSlot(0), wanted));
    wanted.name.length = 0;
    wanted.rights = all;
    expect(user.capabilities.name(slot)).toBe("1.1.2");
    expect(user.capabilities.rights(slot)).toBe(0);
  });

  test("granting needs authority over the receiver and the right to duplicate", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const wanted = { name: [1, 1, 5], rights: write };
    expect(outcome(alice.capabilityGrant(bob.self, wanted, capSlot(0), capSlot(0)))).toBe("BadCapability");
    const single = must(alice.capabilityForge(capSlot(0), wanted));
    expect(outcome(alice.capabilityGrant(alice.self, wanted, single, capSlot(0)))).toBe("BadCapability");
    expect(outcome(alice.capabilityGrant(alice.self, { name: [1], rights: 0 }, capSlot(0), capSlot(0)))).toBe(
      "BadCapability",
    );
    expect(outcome(alice.capabilityGrant(alice.self, { name: [1], rights: 9 }, capSlot(0), capSlot(0)))).toBe(
      "BadName",
    );
    const slot = must(alice.capabilityGrant(alice.self, wanted, capSlot(0), capSlot(0)));
    expect(alice.capabilities.name(slot)).toBe("1.1.5");
  });

  test("a grant that is refused changes no list, for every reason there is", () => {
    const rig = makeRig();
    const { root } = rig;
    const bob = rig.environment([1, 2]);
    const good = { name: [1, 2, 5], rights: none };
    const grant = (to: unknown, wanted: unknown, offered: unknown, slot: unknown): string =>
      outcome(root.capabilityGrant(to as EnvId, wanted as Capability, offered as CapSlot, slot as CapSlot));
    const own = capSlot(0);
    for (const to of [0, rowOf(bob.self), bob.self + 0x10000, undefined])
      expect(grant(to, good, own, own)).toBe("BadEnvironment");
    for (const slot of badSlots) {
      expect(grant(bob.self, good, slot, own)).toBe("BadSlot");
      expect(grant(bob.self, good, own, slot)).toBe("BadSlot");
      expect(outcome(root.capabilityDestroy(slot as CapSlot))).toBe("BadSlot");
    }
    for (const bad of [undefined, { name: [1] }, { name: [1], rights: 8 }])
      expect(grant(bob.self, bad, own, own)).toBe("BadName");
    const single = must(root.capabilityForge(own, { name: [1, 2], rights: write }));
    const reader = must(root.capabilityForge(own, { name: [1, 2], rights: none }));
    expect(grant(bob.self, good, single, own)).toBe("BadCapability");
    expect(grant(bob.self, good, own, reader)).toBe("BadCapability");
    expect(grant(bob.self, { name: [1, 3], rights: none }, single, own)).toBe("BadCapability");
    expect(bob.capabilities.count).toBe(CAPABILITY_SLOTS);
    for (let slot = 1; slot < WELL_KNOWN_SLOT; slot++) expect(bob.capabilities.rights(slot)).toBe(-1);
    for (let slot = 1; slot < WELL_KNOWN_SLOT; slot++) expect(grant(bob.self, good, own, single)).toBe("ok");
    expect(grant(bob.self, good, own, single)).toBe("BadSlot");
  });

  test("a full list refuses one more", () => {
    const rig = makeRig();
    const user = rig.environment([1, 1]);
    for (let i = 1; i < WELL_KNOWN_SLOT; i++)
      must(user.capabilityForge(capSlot(0), { name: [1, 1], rights: 0 }));
    expect(outcome(user.capabilityForge(capSlot(0), { name: [1, 1], rights: 0 }))).toBe("BadSlot");
    expect(outcome(user.capabilityDestroy(capSlot(7)))).toBe("ok");
    expect(outcome(user.capabilityDestroy(capSlot(7)))).toBe("BadSlot");
    expect(outcome(user.capabilityForge(capSlot(0), { name: [1, 1], rights: 0 }))).toBe("ok");
  });
});
