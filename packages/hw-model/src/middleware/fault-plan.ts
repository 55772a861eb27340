/** Which frames come to harm, and how: decided by a seed. */
import { makeRandomSequence } from "../simulated/random.ts";

/** How often each fault happens, as a probability from 0 to 1; a fault not named never happens. */
export interface FaultRates {
  /** The frame vanishes. */
  readonly loss?: number;
  /** The frame comes twice. */
  readonly duplicate?: number;
  /** A later frame overtakes it. */
  readonly reorder?: number;
  /** One bit of it is flipped. */
  readonly corrupt?: number;
}

/** What happens to one frame, as bits in one number. */
export const FAULT = { lost: 1, duplicated: 2, reordered: 4, corrupted: 8 } as const;

/** The faults of one direction of a link. */
export interface FaultPlan {
  /** The `FAULT` bits of the next frame; `lost` comes alone. O(1), no allocation. */
  next(): number;
  /** Flips one bit of `memory[at … at+length-1]`. O(1). */
  flip(memory: Uint8Array, at: number, length: number): void;
  /** A number from 0 to `limit` - 1. O(1). */
  below(limit: number): number;
}

const checked = (name: string, rate: number = 0): number => {
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`${name} must be a probability from 0 to 1`);
  return rate;
};

/** The plan of `rates` that follows from `seed`. Without faults it takes no random numbers. */
export function makeFaultPlan(rates: FaultRates, seed: number): FaultPlan {
  const loss = checked("loss", rates.loss);
  const duplicate = checked("duplicate", rates.duplicate);
  const reorder = checked("reorder", rates.reorder);
  const corrupt = checked("corrupt", rates.corrupt);
  const quiet = loss + duplicate + reorder + corrupt === 0;
  const { below, chance } = makeRandomSequence(seed);
  const draw = (): number => {
    const lost = chance(loss) ? FAULT.lost : 0;
    const twice = chance(duplicate) ? FAULT.duplicated : 0;
    const late = chance(reorder) ? FAULT.reordered : 0;
    const broken = chance(corrupt) ? FAULT.corrupted : 0;
    return lost === 0 ? twice | late | broken : lost;
  };
  return {
    next: () => (quiet ? 0 : draw()),
    below,
    flip: (memory, at, length) => {
      const bit = below(length * 8);
      const index = at + (bit >> 3);
      memory[index] = (memory[index] ?? 0) ^ (1 << (bit & 7));
    },
  };
}
