/**
 * 11: two library operating systems on one machine.
 *
 * ExOS and the minimal one share the processor and one network interface.
 * Filters and transmit bindings keep their packets apart; neither knows that
 * the other is there, and the end of one is nothing to the other.
 */
import { deviceCapability } from "@exolith/exokernel";
import { capSlot, must, rowOf, type EnvId } from "@exolith/exokernel/abi";
import { eventProgram, makeFramePool, makeStack, transmitFilters } from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { makePair } from "./support/machines.ts";
import { minimalLibos } from "./support/minimal-libos.ts";
import { readOptions } from "./support/options.ts";
import { pinger } from "./support/pinger.ts";

const MINIMAL = 0x0a00_0001;
const EXOS = 0x0a00_0003;
const ASKING = 0x0a00_0002;
const own = capSlot(0);
const nic = capSlot(1);
const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];

const options = readOptions();
const { left, right, run, finish } = makePair(options);
const { root } = left.kernel;

const exos = eventProgram(4, (gate) => {
  const slots = { device: nic, guard: own };
  const pool = makeFramePool(gate, own);
  return [
    makeStack(gate, { nic: 0, address: EXOS, prefixLength: 24, slots, pool, receiveBuffers: 4 }).network,
  ];
});

const living: (readonly [string, EnvId])[] = [
  ["minimal", left.add({ name: [1, 1], grants, program: minimalLibos({ address: MINIMAL, nic }) })],
  ["ExOS", left.add({ name: [1, 2], grants, program: exos })],
];
for (const [i, address] of [MINIMAL, EXOS].entries())
  left.allow(living[i]?.[1] as EnvId, transmitFilters([2, 0, 0, 0, 0, 1], address));

/** Pings both from the other machine, with a new environment there. */
function pingBoth(): void {
  let isDone = false;
  const finished = (): void => {
    isDone = true;
  };
  const program = pinger({ address: ASKING, targets: [MINIMAL, EXOS], count: 2, finished });
  const asking = right.add({ name: [1, 1], grants, program });
  right.allow(asking, transmitFilters([2, 0, 0, 0, 0, 2], ASKING));
  run({ until: () => isDone });
  must(right.kernel.root.environmentDestroy(asking, own));
}

function printTables(): void {
  const { environments, frames } = root;
  for (const [name, id] of living) {
    const row = rowOf(id);
    const isAlive = environments.id(row) === id;
    console.log(
      `  ${name}: ${isAlive ? `${environments.frames(row)} frames, ${environments.slicesBegun(row)} slices` : "gone"}`,
    );
  }
  console.log(`  free frames: ${frames.free()}`);
}

pingBoth();
printTables();
console.log("\nExOS is destroyed:");
must(root.environmentDestroy(living[1]?.[1] as EnvId, own));
printTables();
pingBoth();
finish();
