/**
 * 10: the minimal library operating system.
 *
 * `support/minimal-libos.ts` is all of it: a program that answers ARP and ICMP
 * echo on nothing but the kernel's interface. ExOS, on the machine at the other
 * end of the wire, pings it.
 */
import { deviceCapability } from "@exolith/exokernel";
import { capSlot, rowOf } from "@exolith/exokernel/abi";
import { transmitFilters } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { makePair } from "./support/machines.ts";
import { minimalLibos } from "./support/minimal-libos.ts";
import { readOptions } from "./support/options.ts";
import { pinger } from "./support/pinger.ts";

const MINIMAL = 0x0a00_0001;
const EXOS = 0x0a00_0002;
const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];

const options = readOptions();
const { left, right, run, finish } = makePair(options);

const minimal = left.add({
  name: [1, 1],
  grants,
  program: minimalLibos({ address: MINIMAL, nic: capSlot(1) }),
});
left.allow(minimal, transmitFilters([2, 0, 0, 0, 0, 1], MINIMAL));

let isDone = false;
const finished = (): void => {
  isDone = true;
};
const asking = right.add({
  name: [1, 1],
  grants,
  program: pinger({ address: EXOS, targets: [MINIMAL], count: 4, finished }),
});
right.allow(asking, transmitFilters([2, 0, 0, 0, 0, 2], EXOS));
run({ until: () => isDone });

const { environments } = left.kernel.root;
const row = rowOf(minimal);
console.log(
  `the minimal libOS: ${environments.frames(row)} frames, ${environments.calls(row)} kernel calls, ` +
    `${environments.slicesBegun(row)} slices, ${environments.faults(row)} faults`,
);
finish();
