/**
 * 07: a handler that answers pings.
 *
 * A handler is a small WebAssembly module that the kernel runs where a frame
 * arrives, in a sandbox, with so many instructions to spend. This environment
 * installs two in its first slice, for ARP and for ICMP echo, and goes to sleep:
 * everything after that is answered without it.
 */
import { deviceCapability } from "@exolith/exokernel";
import { NEVER, capSlot, must, rowOf, type Gate, type Program, type Window } from "@exolith/exokernel/abi";
import {
  ARP_HANDLER,
  FRAME_KIND,
  HANDLER_CODE,
  eventProgram,
  findTransmitBindings,
  formatAddress,
  installHandler,
  makeFramePool,
  makePacketReceiver,
  makePacketRing,
  transmitFilters,
  type InstalledHandler,
  type Pollable,
} from "@exolith/libos-exos";
import { RIGHTS, arpFor, icmpTo } from "@exolith/secure-bind";
import { makePair } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";
import { pinger } from "./support/pinger.ts";

const SLEEPER = 0x0a00_0001;
const PINGER = 0x0a00_0002;
const HARDWARE = [2, 0, 0, 0, 0, 1];
const PINGS = 5;
const slots = { guard: capSlot(0), device: capSlot(1) };
const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];

const handlers = new Map<string, InstalledHandler>();

/** Both handlers; what they do not want, such as a damaged frame, goes to a ring. */
function install(gate: Gate): readonly Pollable[] {
  const pool = makeFramePool(gate, slots.guard);
  const ring = makePacketRing(gate, pool, 4, slots.guard);
  const receiver = makePacketReceiver(ring, (_, __, length) =>
    console.log(`left to the sleeper: a frame of ${length} bytes`),
  );
  const common = { nic: 0, ring: ring.id, slots, pool };
  handlers.set(
    "ARP",
    must(
      installHandler(gate, {
        ...common,
        filter: arpFor(SLEEPER),
        code: HANDLER_CODE.arp,
        transmit: findTransmitBindings(gate, 0)[FRAME_KIND.arp],
        prepare: (memory: Window) => memory.write(ARP_HANDLER.ownAt, Uint8Array.from(HARDWARE), 0, 6),
      }),
    ),
  );
  const echoes = icmpTo({ destination: SLEEPER, type: 8 });
  handlers.set("echo", must(installHandler(gate, { ...common, filter: echoes, code: HANDLER_CODE.echo })));
  return [{ poll: () => receiver.poll(4) === 4, wakeAt: () => NEVER }];
}

const sleeper: Program = eventProgram(1, install);

const options = readOptions();
const { left, right, run, finish } = makePair(options);
const sleeping = left.add({ name: [1, 1], grants, program: sleeper });
left.allow(sleeping, transmitFilters(HARDWARE, SLEEPER));

const { environments, handlers: table } = left.kernel.root;
const row = rowOf(sleeping);
run({ until: () => handlers.size === 2 });
const before = environments.slicesBegun(row);
console.log(`${formatAddress(SLEEPER)} has installed ${handlers.size} handlers and sleeps`);

let isDone = false;
const finished = (): void => {
  isDone = true;
};
const asking = right.add({
  name: [1, 1],
  grants,
  program: pinger({ address: PINGER, targets: [SLEEPER], count: PINGS, finished }),
});
right.allow(asking, transmitFilters([2, 0, 0, 0, 0, 2], PINGER));
run({ until: () => isDone });

for (const [name, { id }] of handlers) {
  const at = rowOf(id);
  console.log(
    `${name} handler: ${table.consumed(at)} answered, ${table.deferred(at)} left to its environment`,
  );
}
console.log(
  `the sleeper: ${environments.slicesBegun(row) - before} slices since then, ` +
    `${environments.frames(row)} frames, ${environments.calls(row)} kernel calls`,
);
finish();
