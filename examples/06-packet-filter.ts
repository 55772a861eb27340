/**
 * 06: a packet filter.
 *
 * A filter says which frames an environment wants; the kernel delivers those
 * into its ring, and nothing else. A filter that would take frames from another
 * one is refused, unless its guard dominates the other's.
 */
import { deviceCapability } from "@exolith/exokernel";
import {
  capSlot,
  failed,
  frame,
  must,
  rowOf,
  type Filter,
  type Gate,
  type RingId,
} from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const nic = capSlot(1);
const outcome = (result: unknown): string =>
  failed(result) ? `refused: ${(result as { name: string }).name}` : "inserted";

/** Frames of an experimental Ethernet type; the byte after it we call a port. */
const toPort = (port: number): Filter => [
  { kind: "equal", at: 12, width: 2, mask: 0xffff, value: 0x88b5 },
  { kind: "equal", at: 14, width: 1, mask: 0xff, value: port },
];

const options = readOptions();
const { add, allow, run, finish, kernel } = makeSingle(options);

/** An environment that we play, with a ring of six slots at `at`. */
function player(name: number, at: number): { gate: Gate; ring: RingId } {
  const gates: Gate[] = [];
  const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
  const program = (gate: Gate): { sliceBegin: () => void } => {
    gates.push(gate);
    return { sliceBegin: () => {} };
  };
  add({ name: [1, name], grants, program });
  const gate = gates[0] as Gate;
  must(gate.framesAlloc(frame(at), 4, own));
  return { gate, ring: must(gate.ringBind(frame(at), 4, own)) };
}

const receiver = player(1, 16);
const attacker = player(2, 32);
const sender = player(3, 48);

const narrower: Filter = [...toPort(7), { kind: "equal", at: 15, width: 1, mask: 0xff, value: 0 }];
console.log(
  "receiver wants port 7:          ",
  outcome(receiver.gate.filterInsert(0, toPort(7), receiver.ring, nic, own)),
);
console.log(
  "attacker wants port 7 too:      ",
  outcome(attacker.gate.filterInsert(0, toPort(7), attacker.ring, nic, own)),
);
console.log(
  "attacker wants a part of port 7:",
  outcome(attacker.gate.filterInsert(0, narrower, attacker.ring, nic, own)),
);
console.log(
  "attacker wants port 8:          ",
  outcome(attacker.gate.filterInsert(0, toPort(8), attacker.ring, nic, own)),
);

const FROM_SENDER: Filter = [{ kind: "equal", at: 6, width: 4, mask: 0xffff_ffff, value: 0x0200_0000 }];
allow(sender.gate.self, [FROM_SENDER]);
const binding = kernel.root.transmits.id(1) as never;
must(sender.gate.framesAlloc(frame(60), 1, own));
const memory = must(sender.gate.windowBind(frame(60), 1, true, own));
const gather = sender.gate.gather();

function send(port: number): void {
  memory.setU32(6, 0x0200_0000);
  memory.setU16(12, 0x88b5);
  memory.setU8(14, port);
  gather.clear();
  gather.add(memory, 0, 60);
  must(sender.gate.transmit(binding, gather));
}
for (const port of [5, 7, 8, 9, 7, 7]) send(port);
memory.setU32(6, 0x0300_0000);
console.log("sender pretends to be another:  ", outcome(sender.gate.transmit(binding, gather)));
run();

const { rings, filters, nics } = kernel.root;
console.log(
  `\nsent ${nics.transmitted(0)}, received ${nics.received(0)}, wanted by nobody ${filters.unclaimed(0)}`,
);
for (const [name, { ring }] of [
  ["receiver", receiver],
  ["attacker", attacker],
] as const)
  console.log(`${name}: ${rings.delivered(rowOf(ring))} frames`);
finish();
