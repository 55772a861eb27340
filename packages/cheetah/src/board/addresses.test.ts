import fc from "fast-check";
import { formatAddress } from "@exolith/libos-exos";
import { expect, test } from "vitest";
import { OptionError, readAddress, readHardwareAddress, readPrefixedAddress } from "./addresses.ts";

test("IPv4 addresses come back as they were written", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (address) => {
      expect(readAddress(formatAddress(address))).toBe(address);
    }),
  );
  for (const bad of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "a.b.c.d", "1.2.3.-4", "1.2.3.4 ", "1..2.3"])
    expect(() => readAddress(bad)).toThrow(OptionError);
});

test("prefixes", () => {
  expect(readPrefixedAddress("192.0.2.10/28")).toEqual({ address: 0xc000_020a, prefixLength: 28 });
  expect(readPrefixedAddress("192.0.2.10").prefixLength).toBe(24);
  for (const bad of ["192.0.2.10/33", "192.0.2.10/", "192.0.2.10/2/3", "/24", "192.0.2.10/x"])
    expect(() => readPrefixedAddress(bad)).toThrow(OptionError);
});

test("Ethernet addresses", () => {
  expect(readHardwareAddress("02:00:00:0a:0B:ff")).toEqual([2, 0, 0, 10, 11, 255]);
  for (const bad of ["", "02:00:00:00:00", "02:00:00:00:00:0g", "03:00:00:00:00:01", "2:0:0:0:0:1"])
    expect(() => readHardwareAddress(bad)).toThrow(OptionError);
});
