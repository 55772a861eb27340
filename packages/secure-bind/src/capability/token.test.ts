import { blake2s } from "@noble/hashes/blake2.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arbitraryCapability } from "../testing/arbitrary.ts";
import { type Capability, RIGHTS, makeCapability } from "./capability.ts";
import { CAPABILITY_BYTES, encodeCapability } from "./encoding.ts";
import { NAME_BYTES } from "./name.ts";
import {
  TOKEN_BYTES,
  TOKEN_BYTES_MAX,
  TOKEN_GENERATIONS,
  TOKEN_KEY_BYTES,
  TOKEN_LINKS,
  narrowToken,
  openToken,
  sealToken,
} from "./token.ts";

const KEY = Uint8Array.from({ length: TOKEN_KEY_BYTES }, (_, i) => i * 7 + 1);
const OTHER_KEY = KEY.with(0, 0);
const USER = makeCapability([1, 115], RIGHTS.all);

/** A capability, and up to `TOKEN_LINKS` narrowings of it, each of the one before. */
const arbitraryChain = (): fc.Arbitrary<readonly [Capability, ...Capability[]]> =>
  fc
    .tuple(
      arbitraryCapability(),
      fc.array(fc.tuple(fc.integer({ min: -1, max: 255 }), fc.integer({ min: 0, max: 7 })), {
        maxLength: TOKEN_LINKS,
      }),
    )
    .map(([first, steps]) => {
      let last = first;
      const links = steps.map(([component, rights]) => {
        const name = component < 0 || last.name.length === NAME_BYTES ? last.name : [...last.name, component];
        last = makeCapability(name, last.rights & rights);
        return last;
      });
      return [first, ...links];
    });

const generation = (): fc.Arbitrary<number> => fc.nat({ max: TOKEN_GENERATIONS - 1 });

const chained = ([first, ...links]: readonly [Capability, ...Capability[]], at: number): Uint8Array =>
  links.reduce(narrowToken, sealToken(KEY, first, at));

/** A token with one more link whose authenticator is right, whatever the link says. */
function linkedByHand(token: Uint8Array, link: Uint8Array): Uint8Array {
  const longer = Uint8Array.from([...token, ...link]);
  longer[15] = (token[15] ?? 0) + 1;
  longer.set(blake2s(link, { key: token.slice(16, 32), dkLen: 16 }), 16);
  return longer;
}

test("what was sealed and narrowed is what the key opens, and no other key does", () => {
  fc.assert(
    fc.property(arbitraryChain(), generation(), (chain, at) => {
      const token = chained(chain, at);
      expect(token).toHaveLength(TOKEN_BYTES + (chain.length - 1) * CAPABILITY_BYTES);
      expect(openToken(KEY, token)).toEqual({ capability: chain.at(-1), sealed: chain[0], generation: at });
      expect(openToken(OTHER_KEY, token)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test("no byte of a token can be another: there is one encoding, and all of it is authenticated", () => {
  fc.assert(
    fc.property(
      arbitraryChain(),
      generation(),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (chain, at, where, by) => {
        const token = chained(chain, at);
        const i = where % token.length;
        expect(openToken(KEY, token.with(i, (token[i] ?? 0) ^ by))).toBeUndefined();
      },
    ),
    { numRuns: 1000 },
  );
});

describe("the bytes", () => {
  test("are the record, the generation, version and links, then the authenticator", () => {
    const token = sealToken(KEY, USER, 0x0102_0304_0506);
    expect([...token.subarray(0, 16)]).toEqual([...encodeCapability(USER), 1, 2, 3, 4, 5, 6, 1, 0]);
    const narrow = makeCapability([1, 115, 5], RIGHTS.write);
    const longer = narrowToken(token, narrow);
    expect(longer).toHaveLength(40);
    expect([...longer.subarray(0, 16)]).toEqual([...token.subarray(0, 15), 1]);
    expect([...longer.subarray(32)]).toEqual([...encodeCapability(narrow)]);
  });

  test("differ in the authenticator for every key, capability and generation", () => {
    const mac = (key: Uint8Array, capability: Capability, at: number): string =>
      sealToken(key, capability, at).slice(16).toString();
    const macs = [
      mac(KEY, USER, 1),
      mac(OTHER_KEY, USER, 1),
      mac(KEY, makeCapability([1, 116], RIGHTS.all), 1),
      mac(KEY, USER, 2),
    ];
    expect(new Set(macs).size).toBe(4);
  });

  const lengths = [0, 1, 15, 16, 24, 31, 33, 39, 41, TOKEN_BYTES_MAX - 1, TOKEN_BYTES_MAX + 8];
  test.each(lengths)("are no token when there are %i", (length) => {
    const longest = chained([USER, USER, USER, USER, USER, USER, USER, USER, USER], 3);
    const bytes = new Uint8Array(length);
    bytes.set(longest.subarray(0, length));
    expect(openToken(KEY, bytes)).toBeUndefined();
    expect(() => narrowToken(bytes, USER)).toThrow(RangeError);
  });
});

describe("a holder without the key", () => {
  const narrow = makeCapability([1, 115, 5], RIGHTS.write);
  const token = narrowToken(sealToken(KEY, USER, 1), narrow);

  test("cannot take a link off again", () => {
    const head = token.slice(0, TOKEN_BYTES).with(15, 0);
    expect(openToken(KEY, head)).toBeUndefined();
    const twice = narrowToken(token, makeCapability([1, 115, 5, 1], RIGHTS.none));
    expect(openToken(KEY, twice.slice(0, 40).with(15, 1))).toBeUndefined();
  });

  test("does not find the old authenticator in the new token", () => {
    const before = sealToken(KEY, USER, 1).slice(16).toString();
    for (let at = 0; at + 16 <= token.length; at++)
      expect(token.slice(at, at + 16).toString()).not.toBe(before);
  });

  test("cannot add a link that is wider: not by the maker, and not by hand", () => {
    const wider = [USER, makeCapability([1, 115, 5], RIGHTS.all), makeCapability([1, 115, 6], RIGHTS.none)];
    for (const wide of wider) {
      expect(() => narrowToken(token, wide)).toThrow(RangeError);
      expect(openToken(KEY, linkedByHand(token, encodeCapability(wide)))).toBeUndefined();
    }
    const same = linkedByHand(token, encodeCapability(narrow));
    expect(same).toEqual(narrowToken(token, narrow));
    expect(openToken(KEY, same)?.capability).toEqual(narrow);
  });

  test("cannot add a link that is no record", () => {
    const record = encodeCapability(narrow);
    for (const bad of [new Uint8Array(8), record.with(0, 0xff), record.with(7, 1)])
      expect(openToken(KEY, linkedByHand(token, bad))).toBeUndefined();
  });

  test("cannot exchange, repeat or leave out links", () => {
    const chain = chained([USER, USER, narrow, makeCapability([1, 115, 5, 9], RIGHTS.none)], 1);
    const link = (i: number): Uint8Array => chain.slice(32 + i * 8, 40 + i * 8);
    const swapped = chain.slice();
    swapped.set(link(1), 32);
    swapped.set(link(1), 40);
    expect(openToken(KEY, swapped)).toBeUndefined();
    const shorter = chain.slice(0, 48).with(15, 2);
    shorter.set(link(2), 40);
    expect(openToken(KEY, shorter)).toBeUndefined();
    const longer = new Uint8Array(64);
    longer.set(chain);
    longer.set(link(2), 56);
    longer[15] = 4;
    expect(openToken(KEY, longer)).toBeUndefined();
  });

  test("cannot add a ninth link", () => {
    const full = chained([USER, USER, USER, USER, USER, USER, USER, USER, USER], 1);
    expect(full).toHaveLength(TOKEN_BYTES_MAX);
    expect(openToken(KEY, full)?.capability).toEqual(USER);
    expect(() => narrowToken(full, USER)).toThrow(RangeError);
  });
});

test("narrowing leaves the token it was made of as it was", () => {
  const token = sealToken(KEY, USER, 1);
  const before = token.slice();
  narrowToken(token, makeCapability([1, 115, 5], RIGHTS.none));
  expect(token).toEqual(before);
  expect(openToken(KEY, token)?.capability).toEqual(USER);
});

test("a key that is none, and a generation that does not fit, are refused", () => {
  const token = sealToken(KEY, USER, 1);
  for (const length of [0, 16, 31, 33]) {
    expect(() => sealToken(new Uint8Array(length), USER, 1)).toThrow(RangeError);
    expect(() => openToken(new Uint8Array(length), token)).toThrow(RangeError);
  }
  for (const bad of [-1, 1.5, Number.NaN, TOKEN_GENERATIONS, Infinity])
    expect(() => sealToken(KEY, USER, bad)).toThrow(RangeError);
  expect(openToken(KEY, sealToken(KEY, USER, TOKEN_GENERATIONS - 1))?.generation).toBe(TOKEN_GENERATIONS - 1);
  const malformed = { name: [300], rights: 7 } as Capability;
  expect(() => sealToken(KEY, malformed, 1)).toThrow(RangeError);
  expect(() => narrowToken(token, malformed)).toThrow(RangeError);
});
