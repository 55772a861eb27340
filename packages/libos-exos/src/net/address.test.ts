import fc from "fast-check";
import { expect, test } from "vitest";
import * as address from "./address.ts";

test("an address survives being written and read", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (value) => {
      expect(address.parseAddress(address.formatAddress(value))).toBe(value);
    }),
  );
});

test.each(["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1.2.3.x", " 1.2.3.4", "1..2.3"])(
  "%j is no address",
  (text) => {
    expect(address.parseAddress(text)).toBeUndefined();
  },
);

test("an Ethernet address has two halves", () => {
  const octets = [0x02, 0xfe, 0xff, 0x01, 0x02, 0x03];
  expect(address.hardwareHigh(octets)).toBe(0x02fe);
  expect(address.hardwareLow(octets)).toBe(0xff01_0203);
  expect(address.formatHardware(octets)).toBe("02:fe:ff:01:02:03");
  expect(address.isGroupHigh(0x0200)).toBe(false);
  expect(address.isGroupHigh(0x0100)).toBe(true);
});

test.each([
  ["127.0.0.1", "isLoopback"],
  ["0.1.2.3", "isThisNetwork"],
  ["224.0.0.1", "isGroupAddress"],
  ["255.255.255.255", "isGroupAddress"],
] as const)("%s %s", (text, question) => {
  expect(address[question](address.parseAddress(text) ?? -1)).toBe(true);
  expect(address[question](0x0a00_0001)).toBe(false);
});
