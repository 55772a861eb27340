/**
 * The minimal library operating system: it answers ARP (RFC 826) and ICMP echo
 * (RFC 792), and is complete. It imports the kernel's interface and nothing else.
 *
 * It checks versions, claims one slice, chooses its frames from the published
 * table, binds a ring and two filters, and then answers in place: each slice
 * takes what the ring holds and sleeps until the event count moves. Asked for
 * anything, or robbed of it, it gives all back and begins anew.
 */
import { NEVER, RING_CHECKSUM_GOOD, RING_SLOT_BYTES, failed, must, rowOf } from "@exolith/exokernel/abi";
import { capSlot, frame, sliceIndex } from "@exolith/exokernel/abi";
import type { CapSlot, Filter, FilterId, Gate, Gather } from "@exolith/exokernel/abi";
import type { Program, RingId, TransmitId, Window } from "@exolith/exokernel/abi";

/** What it is told. */
export interface MinimalOptions {
  /** Its IPv4 address, as an unsigned number. */
  readonly address: number;
  /** Slot of a capability for network interface 0. */
  readonly nic: CapSlot;
}

/** The versions it was written for. */
const ABI = 5;
const TABLES = 5;

const own = capSlot(0);
const RING_FRAMES = 5;
const SLOTS = (RING_FRAMES - 1) * 2;
const FRAMES_A_SLICE = 64;
/** Bytes of the shortest Ethernet frame, without its check sequence. */
const LEAST = 60;

/** Everything it holds. */
interface Station {
  readonly gate: Gate;
  readonly address: number;
  /** What was bound: to be given back. */
  readonly first: number;
  readonly ring: RingId;
  readonly filters: readonly FilterId[];
  /** Ownership words and slots of the ring, and room for one answer. */
  readonly words: Window;
  readonly slots: Window;
  readonly out: Window;
  readonly gather: Gather;
  bindings: readonly TransmitId[];
  next: number;
}

function equal(at: number, width: 1 | 2 | 4, value: number): Filter[number] {
  return { kind: "equal", at, width, mask: 2 ** (8 * width) - 1, value };
}

/** ARP for our address, and ICMP to it without options. */
const wanted = (address: number): readonly Filter[] => [
  [equal(12, 2, 0x0806), equal(38, 4, address)],
  [equal(12, 2, 0x0800), equal(14, 1, 0x45), equal(23, 1, 1), equal(30, 4, address)],
];

/** The program of a minimal environment. */
export const minimalLibos =
  (options: MinimalOptions): Program =>
  (gate) => {
    if (gate.abiVersion !== ABI || gate.tableVersion !== TABLES)
      throw new Error("written for another kernel");
    claimSlice(gate);
    let station: Station | undefined;
    const close = (): void => {
      if (station !== undefined) giveBack(station);
      station = undefined;
      gate.repossessionsClear();
    };
    return {
      revoke: close,
      repossessed: close,
      sliceBegin: () => {
        const seen = gate.environments.events(rowOf(gate.self));
        station ??= open(gate, options);
        if (serve(station) < FRAMES_A_SLICE) gate.sleep(seen, NEVER);
      },
    };
  };

/** The first free position of the slice vector. */
function claimSlice(gate: Gate): void {
  for (let index = 0; index < gate.slices.count; index++)
    if (gate.slices.owner(index) === 0 && !failed(gate.sliceAlloc(sliceIndex(index), own))) return;
  throw new Error("no slice is free");
}

/** The first run of `count` free frames, claimed. */
function claimRun(gate: Gate, count: number): number {
  for (let at = 0, free = 0; at < gate.frames.count; at++) {
    free = gate.frames.owner(at) === 0 ? free + 1 : 0;
    if (free === count) return must(gate.framesAlloc(frame(at + 1 - count), count, own));
  }
  throw new Error("no frames are free");
}

/** Binds everything once; from here on use is free of checks. */
function open(gate: Gate, { address, nic }: MinimalOptions): Station {
  const first = claimRun(gate, RING_FRAMES + 1);
  const ring = must(gate.ringBind(frame(first), RING_FRAMES, own));
  const filters = wanted(address).map((filter) => must(gate.filterInsert(0, filter, ring, nic, own)));
  return {
    gate,
    address,
    first,
    ring,
    filters,
    words: must(gate.windowBind(frame(first), 1, true, own)),
    slots: must(gate.windowBind(frame(first + 1), RING_FRAMES - 1, false, own)),
    out: must(gate.windowBind(frame(first + RING_FRAMES), 1, true, own)),
    gather: gate.gather(),
    bindings: findBindings(gate),
    next: 0,
  };
}

/** Gives everything back: the next slice begins anew. What was taken by force is gone already. */
function giveBack({ gate, first, ring, filters }: Station): void {
  for (const filter of filters) gate.filterRemove(filter, own);
  gate.ringUnbind(ring);
  for (let f = first; f <= first + RING_FRAMES; f++)
    if (gate.frames.owner(f) === gate.self) gate.framesFree(frame(f), 1, own);
}

/** Our transmit bindings, from the published table: whoever made them did not have to tell us. */
function findBindings({ transmits, self }: Gate): readonly TransmitId[] {
  const rows = Array.from({ length: transmits.count }, (_, row) => row);
  return rows.filter((row) => transmits.user(row) === self).map((row) => transmits.id(row) as TransmitId);
}

/** Answers what waits in the ring, and gives every slot back; returns how many there were. */
function serve(station: Station): number {
  const { words } = station;
  for (let taken = 0; taken < FRAMES_A_SLICE; taken++) {
    const length = words.getU32(station.next * 4) & (RING_CHECKSUM_GOOD - 1);
    if (length === 0) return taken;
    const answer = answerTo(station, station.next * RING_SLOT_BYTES, length);
    words.setU32(station.next * 4, 0);
    station.next = (station.next + 1) % SLOTS;
    if (answer > 0) send(station, answer);
  }
  return FRAMES_A_SLICE;
}

/** Writes the answer to the frame at `at`; its length, 0 for none. */
function answerTo(station: Station, at: number, length: number): number {
  const { slots, out } = station;
  if (length < 42) return 0;
  out.copy(0, slots, at, length);
  if (length < LEAST) out.fill(length, LEAST - length, 0);
  const answer = slots.getU16(at + 12) === 0x0806 ? answerArp(station) : answerEcho(station, length);
  if (answer === 0) return 0;
  out.copy(0, slots, at + 6, 6);
  for (let i = 0; i < 6; i++) out.setU8(6 + i, station.gate.nics.address(0, i));
  return answer;
}

/** Turns a request into a reply: who asked is the target now, and the sender is us. */
function answerArp({ gate, address, out }: Station): number {
  const isRequest = out.getU32(14) === 0x0001_0800 && out.getU32(18) === 0x0604_0001;
  if (!isRequest || out.getU32(38) !== address) return 0;
  out.setU16(20, 2);
  out.copy(32, out, 22, 10);
  for (let i = 0; i < 6; i++) out.setU8(22 + i, gate.nics.address(0, i));
  out.setU32(28, address);
  return LEAST;
}

/** Turns an echo request into its reply, if both checksums hold and it is no fragment. */
function answerEcho({ address, out }: Station, length: number): number {
  const total = out.getU16(16);
  if (out.getU8(14) !== 0x45 || total < 28 || 14 + total > length || (out.getU16(20) & 0x3fff) !== 0)
    return 0;
  if (out.checksum(14, 20, 0) !== 0xffff || out.checksum(34, total - 20, 0) !== 0xffff) return 0;
  if (out.getU16(34) !== 0x0800 || out.getU32(30) !== address) return 0;
  out.setU32(30, out.getU32(26));
  out.setU32(26, address);
  out.setU16(34, 0);
  out.setU16(36, 0);
  out.setU16(36, ~out.checksum(34, total - 20, 0) & 0xffff);
  return Math.max(LEAST, 14 + total);
}

/** Sends by the first binding that allows the frame; when none is left, looks for new ones. */
function send(station: Station, length: number): void {
  const { gate, out, gather } = station;
  gather.clear();
  gather.add(out, 0, length);
  for (let attempt = 0; attempt < 2; attempt++) {
    for (const binding of station.bindings) if (!failed(gate.transmit(binding, gather))) return;
    station.bindings = findBindings(gate);
  }
}
