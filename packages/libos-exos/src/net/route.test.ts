import fc from "fast-check";
import { expect, test } from "vitest";
import { parseAddress } from "./address.ts";
import { makeRoute } from "./route.ts";

const at = (text: string): number => parseAddress(text) ?? -1;
const route = makeRoute({ address: at("10.1.2.3"), prefixLength: 24, router: at("10.1.2.1") });

test.each([
  ["10.1.2.9", "10.1.2.9"],
  ["10.1.3.9", "10.1.2.1"],
  ["8.8.8.8", "10.1.2.1"],
  ["10.1.2.255", "10.1.2.255"],
  ["255.255.255.255", "255.255.255.255"],
  ["10.1.2.3", "0.0.0.0"],
  ["127.0.0.1", "0.0.0.0"],
  ["224.0.0.5", "0.0.0.0"],
  ["0.0.0.0", "0.0.0.0"],
])("the next hop of %s is %s", (destination, hop) => {
  expect(route.nextHop(at(destination))).toBe(at(hop));
});

test("without a router only the link is reached", () => {
  const alone = makeRoute({ address: at("10.1.2.3"), prefixLength: 24 });
  expect(alone.nextHop(at("8.8.8.8"))).toBe(0);
});

test.each(["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.1.2.255", "10.1.2.3"])(
  "nothing comes from %s",
  (source) => expect(route.isMartian(at(source))).toBe(true),
);

test("a prefix of 31 or 32 bits has no broadcast address of its own", () => {
  expect(makeRoute({ address: at("10.0.0.1"), prefixLength: 31 }).broadcast).toBe(0xffff_ffff);
  expect(makeRoute({ address: at("10.0.0.1"), prefixLength: 0 }).onLink(at("200.1.1.1"))).toBe(true);
  expect(() => makeRoute({ address: 1, prefixLength: 33 })).toThrow(RangeError);
});

test("an address is on the link exactly when its leading bits agree", () => {
  fc.assert(
    fc.property(
      fc.nat(0xffff_ffff),
      fc.nat(0xffff_ffff),
      fc.integer({ min: 1, max: 32 }),
      (own, other, prefixLength) => {
        const bits = (value: number): string => value.toString(2).padStart(32, "0").slice(0, prefixLength);
        expect(makeRoute({ address: own, prefixLength }).onLink(other)).toBe(bits(own) === bits(other));
      },
    ),
  );
});
