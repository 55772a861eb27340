/** An interface with faults in both directions. */
import {
  FAULT,
  faultyNic,
  makeFaultPlan,
  makePhysicalGather,
  type FaultRates,
  type Nic,
  type NicClock,
  type PhysicalGather,
} from "@exolith/hw-model";

/** `nic` with faults on what it receives and on what it sends, and without its offloads. A frame kept back leaves after the next one. */
export function harmedNic(nic: Nic, faults: FaultRates, seed: number): Nic {
  const plan = makeFaultPlan(faults, seed + 1);
  const late = makeCopy(nic);
  const spoilt = makeCopy(nic);
  const transmit = (clock: NicClock, memory: Uint8Array, gather: PhysicalGather): boolean => {
    const harm = plan.next();
    if ((harm & FAULT.lost) !== 0) return true;
    if ((harm & FAULT.reordered) !== 0 && late.length === 0) {
      late.take(memory, gather);
      return true;
    }
    if ((harm & FAULT.corrupted) !== 0) {
      spoilt.take(memory, gather);
      plan.flip(spoilt.bytes, 0, spoilt.length);
      return spoilt.leave(clock);
    }
    if (!nic.transmit(clock, memory, gather)) return false;
    if ((harm & FAULT.duplicated) !== 0) nic.transmit(clock, memory, gather);
    late.leave(clock);
    return true;
  };
  const receiver = faultyNic(nic, faults, seed);
  const hardware = { ...nic.hardware, transmitChecksum: false, segmentationBytes: 0 };
  return { ...receiver, hardware, transmit };
}

interface Copy {
  readonly bytes: Uint8Array;
  length: number;
  take(memory: Uint8Array, gather: PhysicalGather): void;
  leave(clock: NicClock): boolean;
}

/** Room for one frame outside physical memory. */
function makeCopy(nic: Nic): Copy {
  const bytes = new Uint8Array(nic.hardware.frameBytes);
  const piece = makePhysicalGather(1);
  const copy: Copy = {
    bytes,
    length: 0,
    take: (memory, gather) => {
      copy.length = 0;
      for (let i = 0; i < gather.count; i++) {
        const at = gather.addresses[i] ?? 0;
        const length = gather.lengths[i] ?? 0;
        bytes.set(memory.subarray(at, at + length), copy.length);
        copy.length += length;
      }
    },
    leave: (clock) => {
      if (copy.length === 0) return false;
      piece.addresses[0] = 0;
      piece.lengths[0] = copy.length;
      piece.count = 1;
      piece.length = copy.length;
      copy.length = 0;
      return nic.transmit(clock, bytes, piece);
    },
  };
  return copy;
}
