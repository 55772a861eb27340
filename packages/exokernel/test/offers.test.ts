/** Capabilities that change hands: offered and acquired, and what they say about who allocated what. */
import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS, type Capability } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  CAPABILITY_SLOTS,
  ERRORS,
  NEVER,
  RESOURCE_KINDS,
  WELL_KNOWN_SLOT,
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type CapSlot,
  type EnvId,
  type Gate,
  type Upcalls,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import {
  checkTables,
  makeRig,
  outcome,
  placeEnvironment,
  tableState,
  type Rig,
} from "../src/testing/index.ts";
import { checkKernel } from "./check-kernel.ts";
import { GUARDED_KINDS } from "./guarded-kinds.ts";

const own = capSlot(0);
const { all, none, write, allocate, duplicate } = RIGHTS;

/** The capability list as text, the well-known one left out. */
function listOf({ capabilities }: Gate): string[] {
  const held: string[] = [];
  for (let slot = 0; slot < CAPABILITY_SLOTS; slot++)
    if (capabilities.rights(slot) >= 0 && slot !== WELL_KNOWN_SLOT)
      held.push(`${capabilities.name(slot)} ${capabilities.rights(slot)}`);
  return held;
}

test("[K7] forging the root from 1.115 is refused, forging 1.115.5 is done; the prefix of every resource's capability identifies who allocated it", () => {
  const rig = makeRig();
  const user = rig.environment([1, 115]);
  const neighbour = rig.environment([1, 116]);
  const forge = (name: number[], rights: number, slot: CapSlot = own): string =>
    outcome(user.capabilityForge(slot, { name, rights }));
  expect(forge([], all)).toBe("BadCapability");
  expect(forge([], none)).toBe("BadCapability");
  expect(forge([1], none)).toBe("BadCapability");
  expect(forge([1, 116], none)).toBe("BadCapability");
  const five = must(user.capabilityForge(own, { name: [1, 115, 5], rights: all }));
  expect(user.capabilities.name(five)).toBe("1.115.5");
  const weak = must(user.capabilityForge(own, { name: [1, 115], rights: write | allocate }));
  expect(forge([1, 115, 5], none, weak)).toBe("BadCapability");
  must(user.capabilityDestroy(weak));
  expect(outcome(user.capabilityDestroy(weak))).toBe("BadSlot");

  for (const [i, { kind, make }] of GUARDED_KINDS.entries()) {
    const { guards } = rig.root;
    const at = 40 + i * 16;
    const id = make(rig, user, five, at);
    const other = make(rig, neighbour, own, at + 8);
    expect([kind, guards.name(kind, id, 0), guards.rights(kind, id, 0)]).toEqual([kind, "1.115.5", all]);
    expect([kind, guards.name(kind, other, 0)]).toEqual([kind, "1.116"]);
    // Whom the owner lets in, even with all rights, cannot take the owner's name off it.
    must(user.guardSet(kind, id, 1, { name: [1, 116], rights: all }, five));
    expect(outcome(neighbour.guardSet(kind, id, 0, { name: [1, 116], rights: all }, own))).toBe("BadGuard");
    expect(guards.name(kind, id, 0)).toBe("1.115.5");
  }
  const names = frames(rig).map((f) => rig.root.guards.name(RESOURCE_KINDS.frame, f, 0));
  expect(names.length).toBeGreaterThan(10);
  expect(names.every((name) => name === "1.116" || /^1\.115(\.|$)/.test(name))).toBe(true);
});

/** Frames that environments hold. */
const frames = ({ root }: Rig): number[] =>
  Array.from({ length: root.frames.count }, (_, f) => f).filter(
    (f) => root.frames.owner(f) !== 0 && root.environments.id(rowOf(root.frames.owner(f))) !== 0,
  );

interface Account {
  readonly name: string;
  readonly password: string;
  readonly capabilities: readonly Capability[];
}

const ACCOUNTS: readonly Account[] = [
  {
    name: "ada",
    password: "difference engine",
    capabilities: [
      { name: [1, 115], rights: all },
      { name: [1, 200, 4], rights: write },
    ],
  },
  { name: "bob", password: "uncle", capabilities: [{ name: [1, 116], rights: all }] },
];

const MESSAGE_BYTES = 64;

/**
 * An authentication server: a name and a password come as words; what it says is
 * how many capabilities there are. Each is offered to whoever logged in, when it asks.
 */
function authenticationServer(gate: Gate): Upcalls {
  const page = must(gate.frameAllocAny(own));
  const inbox = must(gate.windowBind(page, 1, true, own));
  must(gate.transferBuffer(inbox, 0));
  const sessions = new Map<EnvId, Account>();
  const slotFor = ({ name: [first, second] }: Capability): CapSlot => {
    const wanted = `${first}.${second}`;
    for (let slot = 1; slot < CAPABILITY_SLOTS; slot++)
      if (gate.capabilities.name(slot) === wanted) return capSlot(slot);
    return own;
  };
  return {
    sliceBegin: () => gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER),
    transferWords: (caller) => {
      const [name, password] = inbox.text(0, MESSAGE_BYTES).split("\0");
      inbox.fill(0, MESSAGE_BYTES, 0);
      const account = ACCOUNTS.find((known) => known.name === name && known.password === password);
      if (account === undefined) return 0;
      sessions.set(caller, account);
      return account.capabilities.length;
    },
    transfer: (caller, index) => {
      const capability = sessions.get(caller)?.capabilities[index];
      if (capability === undefined) return 0;
      return failed(gate.capabilityOffer(caller, capability, slotFor(capability))) ? 0 : 1;
    },
  };
}

/** Asks `server` to let it in; how many capabilities it got. */
function logIn(gate: Gate, server: EnvId, name: string, password: string): number {
  const page = must(gate.frameAllocAny(own));
  const window = must(gate.windowBind(page, 1, true, own));
  const message = new TextEncoder().encode(`${name}\0${password}\0`);
  window.write(0, message, 0, message.length);
  const count = must(gate.transferWords(server, window, 0, MESSAGE_BYTES / 4, 0));
  let got = 0;
  for (let i = 0; i < (count ?? 0); i++) {
    if (must(gate.transfer(server, i, 0, 0, 0)) !== 1) break;
    must(gate.capabilityAcquire(server));
    got += 1;
  }
  return got;
}

test("[K8] unprivileged login: an environment starts with only 1.0.0.7.1.5 and ends with the user's capabilities, by an authentication server; nobody of them holds the root", () => {
  const rig = makeRig();
  const server = rig.environment([1, 0, 0, 7], { slices: [0], upcalls: authenticationServer });
  for (const name of [
    [1, 115],
    [1, 116],
    [1, 200],
  ])
    rig.grant(server, { name, rights: all });
  const before: string[][] = [];
  const got: number[] = [];
  const visits: (() => void)[] = [];
  const user: Gate = rig.environment([1, 0, 0, 7, 1, 5], {
    slices: [1],
    upcalls: (gate) => ({
      sliceBegin: () => {
        visits.shift()?.();
        if (visits.length === 0) gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
      },
    }),
  });
  const attempt = (name: string, password: string) => (): void => {
    before.push(listOf(user));
    got.push(logIn(user, server.self, name, password));
  };
  visits.push(
    // Nothing of the user's is within reach yet, and the server offers nothing to whoever has not logged in.
    () => expect(outcome(user.capabilityForge(own, { name: [1, 115], rights: none }))).toBe("BadCapability"),
    () => expect(must(user.transfer(server.self, 0, 0, 0, 0))).toBe(0),
    () => expect(outcome(user.capabilityAcquire(server.self))).toBe("Empty"),
    attempt("ada", "analytical engine"),
    attempt("eve", "difference engine"),
    attempt("ada", "difference engine"),
  );
  rig.run();
  expect(got).toEqual([0, 0, 2]);
  expect(before).toEqual(Array.from({ length: 3 }, () => ["1.0.0.7.1.5 7"]));
  expect(listOf(user)).toEqual(["1.0.0.7.1.5 7", "1.115 7", `1.200.4 ${write}`]);
  // What it got is authority: over the user's things, and no others.
  const ada = rig.environment([1, 115]);
  const bob = rig.environment([1, 116]);
  must(ada.framesAlloc(frame(100), 1, own));
  must(bob.framesAlloc(frame(101), 1, own));
  expect(outcome(user.windowBind(frame(100), 1, true, capSlot(1)))).toBe("ok");
  expect(outcome(user.windowBind(frame(101), 1, true, capSlot(1)))).toBe("BadCapability");
  for (const gate of [user, server])
    expect(listOf(gate).filter((held) => !held.startsWith("1."))).toEqual([]);
  expect(rig.root.environments.faults(rowOf(server.self))).toBe(0);
  expect(rig.root.environments.faults(rowOf(user.self))).toBe(0);
});

describe("an offer", () => {
  const trio = (): { rig: Rig; alice: Gate; bob: Gate; carol: Gate } => {
    const rig = makeRig();
    const [alice, bob, carol] = [1, 2, 3].map((name) => rig.environment([1, name])) as [Gate, Gate, Gate];
    return { rig, alice, bob, carol };
  };
  const five: Capability = { name: [1, 1, 5], rights: write };

  test("changes nobody's list until it is taken, and is taken once", () => {
    const { alice, bob } = trio();
    must(alice.capabilityOffer(bob.self, five, own));
    expect(listOf(bob)).toEqual(["1.2 7"]);
    expect(must(bob.capabilityAcquire(alice.self))).toBe(1);
    expect(listOf(bob)).toEqual(["1.2 7", `1.1.5 ${write}`]);
    expect(bob.capabilityAcquire(alice.self)).toBe(ERRORS.Empty);
    expect(listOf(alice)).toEqual(["1.1 7"]);
  });

  test("is for one environment, and a new one takes its place", () => {
    const { alice, bob, carol } = trio();
    must(alice.capabilityOffer(bob.self, five, own));
    expect(carol.capabilityAcquire(alice.self)).toBe(ERRORS.Empty);
    must(alice.capabilityOffer(carol.self, five, own));
    expect(bob.capabilityAcquire(alice.self)).toBe(ERRORS.Empty);
    must(alice.capabilityOffer(carol.self, { name: [1, 1, 6], rights: none }, own));
    must(carol.capabilityAcquire(alice.self));
    expect(listOf(carol)).toEqual(["1.3 7", "1.1.6 0"]);
  });

  test("that was refused leaves the one before", () => {
    const { alice, bob } = trio();
    must(alice.capabilityOffer(bob.self, five, own));
    expect(outcome(alice.capabilityOffer(bob.self, { name: [1, 2], rights: none }, own))).toBe(
      "BadCapability",
    );
    must(bob.capabilityAcquire(alice.self));
    expect(listOf(bob)).toEqual(["1.2 7", `1.1.5 ${write}`]);
  });

  test("may be made to oneself", () => {
    const { alice } = trio();
    must(alice.capabilityOffer(alice.self, five, own));
    expect(must(alice.capabilityAcquire(alice.self))).toBe(1);
  });

  test("dies with either environment", () => {
    const { rig, alice, bob } = trio();
    must(alice.capabilityOffer(bob.self, five, own));
    must(rig.root.environmentDestroy(alice.self, own));
    expect(bob.capabilityAcquire(alice.self)).toBe(ERRORS.BadEnvironment);
    const heir = rig.environment([1, 4]);
    must(heir.capabilityOffer(bob.self, { name: [1, 4], rights: none }, own));
    const row = rowOf(bob.self);
    must(rig.root.environmentDestroy(bob.self, own));
    // Environments come and go until one has the row that Bob had.
    let tenant: Gate = heir;
    while (rowOf(tenant.self) !== row) {
      const next = rig.environment([1, 5]);
      if (tenant !== heir) must(rig.root.environmentDestroy(tenant.self, own));
      tenant = next;
    }
    expect(tenant.self).not.toBe(bob.self);
    expect(tenant.capabilityAcquire(heir.self)).toBe(ERRORS.Empty);
  });

  test("to an environment that has died is kept for nobody", () => {
    const { kernel, root } = load(makeSimulatedMachine({ frames: 64 }));
    const [alice, bob, carol] = [1, 2, 3].map((name) => placeEnvironment(root, [1, name])) as [
      Gate,
      Gate,
      Gate,
    ];
    const offered = (gate: Gate): unknown => kernel.environments.rows[rowOf(gate.self)]?.offer?.to;
    must(alice.capabilityOffer(bob.self, five, own));
    must(carol.capabilityOffer(alice.self, { name: [1, 3], rights: none }, own));
    must(root.environmentDestroy(bob.self, own));
    expect([offered(alice), offered(carol)]).toEqual([undefined, alice.self]);
    checkKernel(kernel);
  });

  test("is what it was when it was made, whatever becomes of the slot and of the object", () => {
    const { alice, bob } = trio();
    const wanted = { name: [1, 1, 5], rights: write as number };
    const slot = must(alice.capabilityForge(own, { name: [1, 1, 5], rights: all }));
    must(alice.capabilityOffer(bob.self, wanted, slot));
    wanted.name.length = 1;
    wanted.rights = all;
    must(alice.capabilityDestroy(slot));
    must(bob.capabilityAcquire(alice.self));
    expect(listOf(bob)).toEqual(["1.2 7", `1.1.5 ${write}`]);
  });
});

describe("refusals", () => {
  test("of capabilityOffer offer nothing", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    const before = tableState(rig.root);
    const good = { name: [1, 1, 5], rights: none };
    const offer = (to: unknown, wanted: unknown, slot: unknown): string =>
      outcome(alice.capabilityOffer(to as EnvId, wanted as Capability, slot as CapSlot));
    for (const to of [0, -1, rowOf(bob.self), bob.self + 0x10000, bob.self + 0.5, `${bob.self}`, undefined])
      expect(offer(to, good, own)).toBe("BadEnvironment");
    for (const slot of [9, -1, 32, Number.NaN, undefined])
      expect(offer(bob.self, good, slot)).toBe("BadSlot");
    for (const bad of [
      undefined,
      null,
      7,
      { name: [1] },
      { name: [-1], rights: 0 },
      { name: [1], rights: 8 },
    ])
      expect(offer(bob.self, bad, own)).toBe("BadName");
    const weak = must(alice.capabilityForge(own, { name: [1, 1, 5], rights: write | allocate }));
    expect(offer(bob.self, good, weak)).toBe("BadCapability");
    for (const wide of [
      { name: [], rights: none },
      { name: [1], rights: none },
      { name: [1, 2], rights: none },
    ])
      expect(offer(bob.self, wide, own)).toBe("BadCapability");
    const dup = must(alice.capabilityForge(own, { name: [1, 1, 5], rights: duplicate }));
    expect(offer(bob.self, { name: [1, 1, 5], rights: write }, dup)).toBe("BadCapability");
    expect(offer(bob.self, { name: [0, 1], rights: none }, WELL_KNOWN_SLOT)).toBe("BadCapability");
    expect(bob.capabilityAcquire(alice.self)).toBe(ERRORS.Empty);
    expect(tableState(rig.root)).toBe(before);
  });

  test("of capabilityAcquire leave the offer and the list", () => {
    const rig = makeRig();
    const alice = rig.environment([1, 1]);
    const bob = rig.environment([1, 2]);
    for (const from of [0, -1, rowOf(alice.self), 1.5, Number.NaN, {}, undefined])
      expect(outcome(bob.capabilityAcquire(from as EnvId))).toBe("BadEnvironment");
    expect(outcome(bob.capabilityAcquire(alice.self))).toBe("Empty");
    must(alice.capabilityOffer(bob.self, { name: [1, 1, 5], rights: none }, own));
    while (!failed(bob.capabilityForge(own, { name: [1, 2], rights: none })));
    expect(outcome(bob.capabilityAcquire(alice.self))).toBe("BadSlot");
    must(bob.capabilityDestroy(capSlot(12)));
    expect(must(bob.capabilityAcquire(alice.self))).toBe(12);
    expect(bob.capabilities.name(12)).toBe("1.1.5");
    checkTables(rig.root);
  });
});
