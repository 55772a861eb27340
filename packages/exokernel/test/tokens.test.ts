/** Sealed capabilities at the gate: sealing, sharing, narrowing, expiry. */
import { makeSimulatedMachine } from "@exolith/hw-model";
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
import * as fc from "fast-check";
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

  /** Expires `name`, which `gate` can forge, after a token was sealed. */
  const expire = ({ gate, window }: Holder, name: readonly number[]): string => {
    const slot = must(gate.capabilityForge(own, { name, rights: duplicate }));
    must(gate.capabilitySeal(slot, window, 1024));
    const result = outcome(gate.capabilityExpire(slot));
    must(gate.capabilityDestroy(slot));
    return result;
  };
  const numbers = Array.from({ length: EXPIRED_NAMES }, (_, i) => i);

  test("is never refused because others expired many names: theirs are made one", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const mallory = holder(rig, [1, 3]);
    const bob = holder(rig, [1, 116]);
    const weak = rig.environment([1, 3]);
    expect(expire(alice, [1, 115, 200])).toBe("ok");
    for (const i of numbers.slice(1)) expect(expire(mallory, [1, 3, i])).toBe("ok");
    must(rig.root.environmentDestroy(mallory.gate.self, own));
    const other = { gate: weak, window: windowOf(weak) };
    const theirs = sealedAs(other, makeCapability([1, 3, 0, 9], all));
    const good = sealedAs(alice, makeCapability([1, 115], all));
    const above = sealedAs({ gate: rig.root, window: windowOf(rig.root) }, makeCapability([1], all));
    const bobs = sealedAs(bob, makeCapability([1, 116], all));
    // Nothing is folded yet: what is below 1.3, and was not expired, is good.
    expect(unsealed(other, theirs)).toBe(`1.3.0.9 ${all}`);
    expect(expire(bob, [1, 116])).toBe("ok");
    expect(unsealed(bob, bobs)).toBe("BadToken");
    expect(unsealed(alice, good)).toBe(`1.115 ${all}`);
    expect(unsealed(bob, above)).toBe(`1 ${all}`);
    expect(unsealed(other, theirs)).toBe(`1.3.0.9 ${all}`);
  });

  test("goes on for ever for everybody, however many names somebody else expires", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const mallory = holder(rig, [1, 3]);
    for (const i of numbers) {
      for (let j = 0; j < 3; j++) expect(expire(mallory, [1, 3, i, j])).toBe("ok");
      const token = sealedAs(alice, makeCapability([1, 115, i], all));
      const kept = sealedAs(alice, makeCapability([1, 115], all));
      expect(expire(alice, [1, 115, 5])).toBe("ok");
      expect(unsealed(alice, token)).toBe(i === 5 ? "BadToken" : `1.115.${i} ${all}`);
      expect(unsealed(alice, kept)).toBe(`1.115 ${all}`);
    }
  });

  test("of one name too many takes those of whoever has most, as deep as they go, and those tokens only", () => {
    const rig = makeRig();
    const alice = holder(rig, [1, 115]);
    const mallory = holder(rig, [1, 3]);
    const early = [
      sealedAs(mallory, makeCapability([1, 3, 7, 255], all)),
      sealedAs(mallory, makeCapability([1, 3, 8, 255], all)),
      sealedAs(mallory, makeCapability([1, 3, 7], all)),
      sealedAs(alice, makeCapability([1, 115, 7, 255], all)),
    ];
    for (const i of numbers.slice(0, 56)) expire(alice, [1, 115, 7, i]);
    for (const i of numbers.slice(0, 110)) expire(mallory, [1, 3, 7, i]);
    for (const i of numbers.slice(0, 90)) expire(mallory, [1, 3, 8, i]);
    const late = sealedAs(mallory, makeCapability([1, 3, 7, 255], all));
    for (const token of early) expect(unsealed(alice, token)).not.toBe("BadToken");
    expire(alice, [1, 115, 8]);
    expect(early.map((token) => unsealed(alice, token))).toEqual([
      "BadToken",
      `1.3.8.255 ${all}`,
      "BadToken",
      `1.115.7.255 ${all}`,
    ]);
    // Sealed after the last of the names that were made one: good as before.
    expect(unsealed(alice, late)).toBe(`1.3.7.255 ${all}`);
  });

  test("makes accounts one only when none has two names", () => {
    const rig = makeRig();
    const root = { gate: rig.root, window: windowOf(rig.root) };
    const alice = holder(rig, [1, 115]);
    const [seven, first] = [[7, 9, 1], [1]].map((name) => sealedAs(root, makeCapability(name, all))) as [
      Uint8Array,
      Uint8Array,
    ];
    for (const i of numbers.slice(1)) expire(root, [7, i === 9 ? 0 : i]);
    expire(root, [8]);
    expect(unsealed(alice, seven)).toBe(`7.9.1 ${all}`);
    expect(expire(alice, [1, 115])).toBe("ok");
    expect(unsealed(alice, seven)).toBe("BadToken");
    expect(unsealed(alice, first)).toBe(`1 ${all}`);
    const again = sealedAs(root, makeCapability([7, 9, 1], all));
    expect(unsealed(alice, again)).toBe(`7.9.1 ${all}`);
  });

  test("makes void at least what was expired, keeps within the limit, and touches no other account", () => {
    const component = fc.nat({ max: 3 });
    const names = fc.array(fc.tuple(component, component, component, component, component, component), {
      minLength: EXPIRED_NAMES + 1,
      maxLength: EXPIRED_NAMES + 60,
    });
    fc.assert(
      fc.property(names, (list) => {
        const { kernel, root } = load(makeSimulatedMachine({ frames: 16 }));
        const me = { gate: root, window: windowOf(root) };
        const before = sealedAs(me, makeCapability([1, 3, 7], all));
        const tokens = list.map((last) => {
          const name = [1, 2, ...last.slice(0, 5)];
          const token = sealedAs(me, makeCapability(name, all));
          expect(expire(me, name)).toBe("ok");
          expect(kernel.seals.expired.length).toBeLessThanOrEqual(EXPIRED_NAMES);
          return token;
        });
        for (const token of tokens) expect(unsealed(me, token)).toBe("BadToken");
        expect(unsealed(me, before)).toBe(`1.3.7 ${all}`);
        expect(unsealed(me, sealedAs(me, makeCapability([1, 2], all)))).toBe(`1.2 ${all}`);
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });

  test("of a name makes room for those above it", () => {
    const { kernel, root } = load(makeSimulatedMachine({ frames: 16 }));
    const me = { gate: root, window: windowOf(root) };
    for (const i of numbers) expire(me, [1, 3, i]);
    expect(kernel.seals.expired.length).toBe(EXPIRED_NAMES);
    expire(me, [1, 3]);
    expect(kernel.seals.expired.length).toBe(1);
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

  test("takes a new key when the generations are used up: every token is void, and new ones are good", () => {
    const rig = makeRig();
    const { kernel, root } = load(rig.machine);
    const [alice, bob] = [115, 116].map((name) => {
      const gate = placeEnvironment(root, [1, name]);
      return { gate, window: windowOf(gate) };
    }) as [Holder, Holder];
    kernel.seals.generation = TOKEN_GENERATIONS - 1;
    const tokens = [
      sealedAs(alice, makeCapability([1, 115], all)),
      sealedAs(bob, makeCapability([1, 116], all)),
    ];
    must(alice.gate.capabilityExpire(own));
    for (const token of tokens) expect(unsealed(bob, token)).toBe("BadToken");
    const again = sealedAs(bob, makeCapability([1, 116], all));
    expect(unsealed(alice, again)).toBe(`1.116 ${all}`);
    must(bob.gate.capabilityExpire(own));
    expect(unsealed(alice, again)).toBe("BadToken");
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
