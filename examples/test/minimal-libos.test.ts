/** The minimal library operating system keeps the same contract as ExOS. */
import { readFileSync } from "node:fs";
import { RESOURCE_KINDS } from "@exolith/exokernel/abi";
import { libosContract, makeEchoPeer } from "@exolith/exokernel/contract";
import { transmitFilters } from "@exolith/libos-exos";
import { expect, test } from "vitest";
import { minimalLibos } from "../support/minimal-libos.ts";

const ADDRESS = 0x0a00_0001;

libosContract("the minimal library operating system", ({ slots, hardware, peerHardware }) => ({
  program: minimalLibos({ address: ADDRESS, nic: slots.nic }),
  transmits: transmitFilters(hardware, ADDRESS),
  givesBack: [RESOURCE_KINDS.frame, RESOURCE_KINDS.ring, RESOURCE_KINDS.filter],
  peer: makeEchoPeer({ hardware, address: ADDRESS, peerHardware, peerAddress: 0x0a00_0002 }),
}));

test("it is complete in one module of fewer than 200 lines that imports the kernel's interface alone", () => {
  const source = readFileSync(new URL("../support/minimal-libos.ts", import.meta.url), "utf8");
  expect(source.split("\n").length).toBeLessThan(200);
  const imported = new Set([...source.matchAll(/from "(.+)"/g)].map(([, module]) => module));
  expect([...imported]).toEqual(["@exolith/exokernel/abi"]);
});
