/** Sealed capabilities at the gate: sealing, sharing, narrowing, expiry. */
import {
  RIGHTS,
  TOKEN_BYTES,
  TOKEN_GENERATIONS,
  TOKEN_LINKS,
  encodeCapability,
  makeCapability,
  narrowToken,
  type Capability,
} from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import {
  ERRORS,
  EXPIRED_NAMES,
  WELL_KNOWN_SLOT,
  capSlot,
  frame,
  must,
  type CapSlot,
  type Gate,
  type Window,
} from "../src/abi/index.ts";
import { load } from "../src/load.ts";
import { makeRig, outcome, placeEnvironment, tableState, type Rig } from "../src/testing/index.ts";

const own = capSlot(0);
const { all, none, write, duplicate } = RIGHTS;

/** An environment with a frame of its own to keep tokens in. */
interface Holder {
  readonly gate: Gate;
  readonly window: Window;
}

function holder(rig: Rig, name: readonly number[]): Holder {
  const gate = rig.environment(name);
  return { gate, window: windowOf(gate) };
}

const windowOf = (gate: Gate): Window => {
  const own0 = must(gate.frameAllocAny(own));
  return must(gate.windowBind(own0, 1, true, own));
};

/** The bytes at `at`, as a library sees them. */
function bytesAt(window: Window, at: number, length: number = TOKEN_BYTES): Uint8Array {
  const bytes = new Uint8Array(length);
  window.read(at, bytes, 0, length);
  return bytes;
}

const put = (window: Window, bytes: Uint8Array): void => window.write(0, bytes, 0, bytes.length);

/** What `bytes` come to at `gate`: the capability in the slot that was filled, or the refusal. */
function unsealed({ gate, window }: Holder, bytes: Uint8Array): string {
  put(window, bytes);
  const slot = gate.capabilityUnseal(window, 0, bytes.length);
  if (outcome(slot) !== "ok") return outcome(slot);
  const said = `${gate.capabilities.name(slot as CapSlot)} ${gate.capabilities.rights(slot as CapSlot)}`;
  must(gate.capabilityDestroy(slot as CapSlot));
  return said;
}

/** A token for a capability that `gate` can forge; it has the right to duplicate, which sealing needs. */
function sealedAs({ gate, window }: Holder, capability: Capability): Uint8Array {
  const slot = must(gate.capabilityForge(own, capability));
  expect(must(gate.capabilitySeal(slot, window, 2048))).toBe(TOKEN_BYTES);
  must(gate.capabilityDestroy(slot));
  return bytesAt(window, 2048);
}

/** A small generator with a fixed seed, for bytes that must not follow from the machine's own. */
function makeXorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const GUESSES = 1_000_000;

test("[K10] a random guess of 64 bits is refused 10^6 of 10^6 times; sharing works by copying the bits", () => {
  const rig = makeRig();
  const alice = holder(rig, [1, 115]);
  const bob = holder(rig, [1, 116]);
  const mallory = holder(rig, [1, 117]);
  const token = sealedAs(alice, makeCapability([1, 115], all));
  const before = tableState(rig.root);
  // All is as Alice's token has it, half of the authenticator included: only 64 bits are to be guessed.
  put(mallory.window, token);
  const next = makeXorshift(0x9e37_79b9);
  let refused = 0;
  for (let i = 0; i < GUESSES; i++) {
    mallory.window.setU32(24, next());
    mallory.window.setU32(28, next());
    if (mallory.gate.capabilityUnseal(mallory.window, 0, TOKEN_BYTES) === ERRORS.BadToken) refused += 1;
  }
  expect(refused).toBe(GUESSES);
  expect(tableState(rig.root)).toBe(before);
  expect(mallory.gate.capabilities.rights(1)).toBe(-1);

  // Alice lets Bob read the frame; he copies the bits, and needs nothing more of her.
  must(alice.gate.framesAlloc(frame(99), 1, own));
  const shared = must(alice.gate.windowBind(frame(99), 1, true, own));
  shared.write(0, token, 0, TOKEN_BYTES);
  must(alice.gate.guardSet(1, 99, 1, { name: [1, 116], rights: none }, own));
  const seen = must(bob.gate.windowBind(frame(99), 1, false, own));
  bob.window.copy(64, seen, 0, TOKEN_BYTES);
  must(rig.root.environmentDestroy(alice.gate.self, own));
  const slot = must(bob.gate.capabilityUnseal(bob.window, 64, TOKEN_BYTES));
  expect(bob.gate.capabilities.name(slot)).toBe("1.115");
  expect(bob.gate.capabilities.rights(slot)).toBe(all);
  const mine = must(bob.gate.framesAlloc(frame(50), 1, slot));
  expect(bob.gate.guards.name(1, mine, 0)).toBe("1.115");
}, 120_000);

test("a token is read where it lies, for reading only, and even across two frames", () => {
  const rig = makeRig();
  const alice = holder(rig, [1, 115]);
  const token = sealedAs(alice, makeCapability([1, 115, 5], duplicate));
  must(alice.gate.framesAlloc(frame(20), 2, own));
  const wide = must(alice.gate.windowBind(frame(20), 2, true, own));
  const reader = must(alice.gate.windowBind(frame(20), 2, false, own));
  wide.write(4096 - 7, token, 0, TOKEN_BYTES);
  const slot = must(alice.gate.capabilityUnseal(reader, 4096 - 7, TOKEN_BYTES));
  expect(alice.gate.capabilities.name(slot)).toBe("1.115.5");
  expect(alice.gate.capabilities.rights(slot)).toBe(duplicate);
});

test("a library narrows a token by itself, and the kernel takes what is left", () => {
  const rig = makeRig();
  const alice = holder(rig, [1, 115]);
  const bob = holder(rig, [1, 116]);
  const calls = alice.gate.environments.calls(alice.gate.self & 0xffff);
  const token = sealedAs(alice, makeCapability([1, 115], all));
  const narrow = narrowToken(token, makeCapability([1, 115, 5], write));
  const narrower = narrowToken(narrow, makeCapability([1, 115, 5, 9], none));
  expect(alice.gate.environments.calls(alice.gate.self & 0xffff) - calls).toBe(3);
  expect(unsealed(bob, narrow)).toBe(`1.115.5 ${write}`);
  expect(unsealed(bob, narrower)).toBe(`1.115.5.9 ${none}`);
  let full = token;
  for (let i = 0; i < TOKEN_LINKS; i++) full = narrowToken(full, makeCapability([1, 115], all));
  expect(unsealed(bob, full)).toBe(`1.115 ${all}`);
  expect(unsealed(bob, narrow.slice(0, TOKEN_BYTES).with(15, 0))).toBe("BadToken");
});

test("every link costs the machine one hash more", () => {
  const rig = makeRig();
  const alice = holder(rig, [1, 115]);
  let token = sealedAs(alice, makeCapability([1, 115], all));
  const costs: number[] = [];
  for (let links = 0; links <= TOKEN_LINKS; links++) {
    put(alice.window, token);
    const from = rig.machine.clock.now();
    const slot = must(alice.gate.capabilityUnseal(alice.window, 0, token.length));
    costs.push(rig.machine.clock.now() - from);
    must(alice.gate.capabilityDestroy(slot));
    if (links < TOKEN_LINKS) token = narrowToken(token, makeCapability([1, 115], all));
  }
  const steps = costs.slice(1).map((cost, i) => cost - (costs[i] ?? 0));
  const [least, most] = [Math.min(...steps), Math.max(...steps)];
  expect(least).toBeGreaterThan(0);
  expect(most - least).toBeLessThanOrEqual(4);
  expect(costs[0]).toBeGreaterThan(least);
});

describe("expiry", () => {
  test("makes every token void that was sealed for the name or one below it, and no other", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const other = holder(rig, [1, 116]);
    const above = sealedAs(alice, makeCapability([1, 115], all));
    const at = sealedAs(alice, makeCapability([1, 115, 5], duplicate));
    const below = sealedAs(alice, makeCapability([1, 115, 5, 1], all));
    const beside = sealedAs(alice, makeCapability([1, 115, 6], all));
    const foreign = sealedAs(other, makeCapability([1, 116], all));
    const slot = must(alice.gate.capabilityForge(own, { name: [1, 115, 5], rights: duplicate }));
    must(alice.gate.capabilityExpire(slot));
    expect(unsealed(other, above)).toBe(`1.115 ${all}`);
    expect(unsealed(other, at)).toBe("BadToken");
    expect(unsealed(other, below)).toBe("BadToken");
    expect(unsealed(other, beside)).toBe(`1.115.6 ${all}`);
    expect(unsealed(other, foreign)).toBe(`1.116 ${all}`);
    expect(unsealed(other, sealedAs(alice, makeCapability([1, 115, 5], duplicate)))).toBe(
      `1.115.5 ${duplicate}`,
    );
  });

  test("of a name above makes those below it void, from the root down", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    for (const name of [[1, 115], [1], []]) {
      const token = sealedAs(alice, makeCapability([1, 115, 5], duplicate));
      const slot = must(rig.root.capabilityForge(own, { name, rights: duplicate }));
      must(rig.root.capabilityExpire(slot));
      expect(unsealed(alice, token)).toBe("BadToken");
    }
    expect(unsealed(alice, sealedAs(alice, makeCapability([1, 115, 5], duplicate)))).toBe(
      `1.115.5 ${duplicate}`,
    );
  });

  test("of the name of a link makes the narrowed token void, and any like it made of an old one", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const token = sealedAs(alice, makeCapability([1, 115], all));
    const middle = makeCapability([1, 115, 5], all);
    const narrow = narrowToken(token, middle);
    const last = narrowToken(narrow, makeCapability([1, 115, 5, 7], write));
    expect(unsealed(alice, last)).toBe(`1.115.5.7 ${write}`);
    const slot = must(alice.gate.capabilityForge(own, middle));
    must(alice.gate.capabilityExpire(slot));
    expect(unsealed(alice, narrow)).toBe("BadToken");
    expect(unsealed(alice, last)).toBe("BadToken");
    expect(unsealed(alice, narrowToken(token, middle))).toBe("BadToken");
    expect(unsealed(alice, token)).toBe(`1.115 ${all}`);
    const renewed = sealedAs(alice, makeCapability([1, 115], all));
    expect(unsealed(alice, narrowToken(renewed, middle))).toBe(`1.115.5 ${all}`);
  });

  test("again and again makes each time void what was sealed in between", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const tokens: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      const token = sealedAs(alice, makeCapability([1, 115], all));
      expect(unsealed(alice, token)).toBe(`1.115 ${all}`);
      must(alice.gate.capabilityExpire(own));
      must(alice.gate.capabilityExpire(own));
      tokens.push(token);
      for (const old of tokens) expect(unsealed(alice, old)).toBe("BadToken");
    }
  });

  test("does not touch what was already taken: capabilities in slots, and what is bound with them", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const bob = holder(rig, [1, 116]);
    put(bob.window, sealedAs(alice, makeCapability([1, 115], all)));
    const slot = must(bob.gate.capabilityUnseal(bob.window, 0, TOKEN_BYTES));
    must(alice.gate.capabilityExpire(own));
    expect(outcome(bob.gate.framesAlloc(frame(60), 1, slot))).toBe("ok");
  });

  test("is refused for one name too many, and whoever stands above makes room", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const bob = holder(rig, [1, 116]);
    const early = sealedAs(alice, makeCapability([1, 115, 0], all));
    const bobs = sealedAs(bob, makeCapability([1, 116], all));
    const expire = (gate: Gate, name: readonly number[]): string => {
      const slot = must(gate.capabilityForge(own, { name, rights: duplicate }));
      const result = outcome(gate.capabilityExpire(slot));
      must(gate.capabilityDestroy(slot));
      return result;
    };
    for (let i = 0; i < EXPIRED_NAMES; i++) expect(expire(alice.gate, [1, 115, i])).toBe("ok");
    expect(expire(bob.gate, [1, 116])).toBe("Full");
    expect(unsealed(bob, bobs)).toBe(`1.116 ${all}`);
    expect(expire(alice.gate, [1, 115, 7])).toBe("ok");
    expect(unsealed(bob, early)).toBe("BadToken");
    expect(expire(alice.gate, [1, 115])).toBe("ok");
    expect(unsealed(bob, early)).toBe("BadToken");
    expect(expire(bob.gate, [1, 116])).toBe("ok");
    expect(unsealed(bob, bobs)).toBe("BadToken");
  });

  test("takes no room where there is nothing to make void", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    for (let i = 0; i < 3 * EXPIRED_NAMES; i++) {
      const name = [1, 115, i & 255, i >> 8];
      const slot = must(alice.gate.capabilityForge(own, { name, rights: duplicate }));
      must(alice.gate.capabilityExpire(slot));
      must(alice.gate.capabilityDestroy(slot));
    }
    const token = sealedAs(alice, makeCapability([1, 115, 1, 1], all));
    expect(unsealed(alice, token)).toBe(`1.115.1.1 ${all}`);
  });

  test("is refused when the generations are used up, and nothing changes", () => {
    const rig = makeRig();
    const { kernel, root } = load(rig.machine);
    const gate = placeEnvironment(root, [1, 115]);
    const alice = { gate, window: windowOf(gate) };
    kernel.seals.generation = TOKEN_GENERATIONS - 1;
    const token = sealedAs(alice, makeCapability([1, 115], all));
    expect(outcome(gate.capabilityExpire(own))).toBe("Full");
    expect(unsealed(alice, token)).toBe(`1.115 ${all}`);
  });
});

describe("refusals", () => {
  test("of capabilitySeal leave the memory as it was", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const bob = holder(rig, [1, 116]);
    const { gate, window } = alice;
    const weak = must(gate.capabilityForge(own, { name: [1, 115], rights: write }));
    const reader = must(gate.windowBind(must(gate.frameAllocAny(own)), 1, false, own));
    const dead = windowOf(gate);
    must(gate.windowUnbind(dead));
    const seal = (slot: unknown, to: unknown, at: unknown): string =>
      outcome(gate.capabilitySeal(slot as CapSlot, to as Window, at as number));
    for (const slot of [9, -1, 32, 0.5, undefined, "0"]) expect(seal(slot, window, 0)).toBe("BadSlot");
    expect(seal(weak, window, 0)).toBe("BadCapability");
    expect(seal(WELL_KNOWN_SLOT, window, 0)).toBe("BadCapability");
    for (const to of [reader, dead, bob.window, undefined, {}, new Proxy(window, {})])
      expect(seal(own, to, 0)).toBe("BadWindow");
    for (const at of [-1, 4065, 4096, 0.5, Number.NaN, Infinity, "0", undefined])
      expect(seal(own, window, at)).toBe("BadRange");
    expect(bytesAt(window, 0, 4096).every((byte) => byte === 0)).toBe(true);
    expect(seal(own, window, 4064)).toBe("ok");
  });

  test("of capabilityUnseal put nothing into the list", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const bob = holder(rig, [1, 116]);
    const { gate, window } = alice;
    put(window, sealedAs(alice, makeCapability([1, 115], all)));
    const dead = windowOf(gate);
    must(gate.windowUnbind(dead));
    const unseal = (from: unknown, at: unknown, length: unknown): string =>
      outcome(gate.capabilityUnseal(from as Window, at as number, length as number));
    for (const from of [dead, bob.window, undefined, {}, Object.create(window)])
      expect(unseal(from, 0, TOKEN_BYTES)).toBe("BadWindow");
    const ranges: [unknown, unknown][] = [
      [-1, 32],
      [4065, 32],
      [0, 4097],
      [0, -1],
      [0, 32.5],
      [Number.NaN, 32],
      [0, undefined],
      [0, "32"],
    ];
    for (const [at, length] of ranges) expect(unseal(window, at, length)).toBe("BadRange");
    for (const length of [0, 1, 31, 33, 39, 40, 96, 104, 4096])
      expect(unseal(window, 0, length)).toBe("BadToken");
    expect(unseal(window, 1, TOKEN_BYTES)).toBe("BadToken");
    expect(unseal(window, 4064, TOKEN_BYTES)).toBe("BadToken");
    for (let slot = 1; slot < WELL_KNOWN_SLOT; slot++) expect(gate.capabilities.rights(slot)).toBe(-1);
    for (let slot = 1; slot < WELL_KNOWN_SLOT; slot++)
      must(gate.capabilityForge(own, { name: [1, 115], rights: none }));
    expect(unseal(window, 0, TOKEN_BYTES)).toBe("BadSlot");
    must(gate.capabilityDestroy(capSlot(17)));
    expect(must(gate.capabilityUnseal(window, 0, TOKEN_BYTES))).toBe(17);
  });

  test("of capabilityExpire leave every token as it was", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const { gate } = alice;
    const token = sealedAs(alice, makeCapability([1, 115], all));
    const weak = must(gate.capabilityForge(own, { name: [1, 115], rights: write }));
    for (const slot of [9, -1, 32, Number.NaN, undefined])
      expect(outcome(gate.capabilityExpire(slot as CapSlot))).toBe("BadSlot");
    expect(outcome(gate.capabilityExpire(weak))).toBe("BadCapability");
    expect(outcome(gate.capabilityExpire(WELL_KNOWN_SLOT))).toBe("BadCapability");
    expect(unsealed(alice, token)).toBe(`1.115 ${all}`);
  });
});

describe("attacks on tokens", () => {
  test("a token of another machine, or of this one before it was switched on again, is void", () => {
    const first = holder(makeRig(), [1, 115]);
    const rig = makeRig();
    const again = load(rig.machine).root;
    const gate = placeEnvironment(again, [1, 115]);
    const token = sealedAs(first, makeCapability([1, 115], all));
    expect(unsealed({ gate, window: windowOf(gate) }, token)).toBe("BadToken");
  });

  test("a changed record, generation or link is void", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const mallory = holder(rig, [1, 117]);
    const token = narrowToken(
      sealedAs(alice, makeCapability([1, 115], all)),
      makeCapability([1, 115, 5], write),
    );
    expect(unsealed(mallory, token)).toBe(`1.115.5 ${write}`);
    for (let i = 0; i < token.length; i++)
      for (const by of [1, 0x80])
        expect(unsealed(mallory, token.with(i, (token[i] ?? 0) ^ by))).toBe("BadToken");
    const root = token.slice();
    root.set(encodeCapability(makeCapability([], all)));
    expect(unsealed(mallory, root)).toBe("BadToken");
  });

  test("what a token stood for in memory tells the next owner of the frame nothing", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    must(alice.gate.framesAlloc(frame(70), 1, own));
    const secret = must(alice.gate.windowBind(frame(70), 1, true, own));
    must(alice.gate.capabilitySeal(own, secret, 0));
    must(alice.gate.framesFree(frame(70), 1, own));
    const mallory = rig.environment([1, 117]);
    must(mallory.framesAlloc(frame(70), 1, own));
    const found = must(mallory.windowBind(frame(70), 1, true, own));
    expect(outcome(mallory.capabilityUnseal(found, 0, TOKEN_BYTES))).toBe("BadToken");
  });
});
