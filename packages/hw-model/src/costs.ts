/**
 * What code costs, in cycles: primitives that a profile gives, and composites that are counted from them.
 *
 * A profile says what one instruction or one byte costs on its machine. What a
 * kernel call costs is never an input: it is a number of instructions, register
 * words and exceptions, counted once for all machines in `COMPOSITES`.
 */

/** What a profile gives a figure for, with its source; the unit is in the comment. */
export const PRIMITIVES = [
  /** One exception taken and returned from: what the processor loses besides the instructions of its handler. */
  "trap",
  /** One instruction between registers, in the cache. */
  "instruction",
  /** One rotation of a register, in as many instructions as the machine needs. */
  "rotate",
  /** One register word loaded from memory or stored to it, in the cache. */
  "word",
  /** One change of the address space, besides the instructions that make it. */
  "addressSwitch",
  /** One byte copied by the processor. */
  "copyByte",
  /** One byte summed for an Internet checksum. */
  "checksumByte",
  /** One byte filled or compared. */
  "touchByte",
  /** One doorbell, interrupt or completion of a device. */
  "deviceAccess",
] as const;

/** The name of a primitive. */
export type PrimitiveName = (typeof PRIMITIVES)[number];

/** One stage of a piece of code: what it does, and how many of which primitives that takes. */
export interface Stage extends Readonly<Partial<Record<PrimitiveName, number>>> {
  readonly what: string;
}

/** A piece of the kernel's code that is charged whole. */
export type CompositeName =
  | "gateCall"
  | "gateStack"
  | "batchedCall"
  | "transfer"
  | "upcall"
  | "environmentSwitch"
  | "capabilityCheck"
  | "classify"
  | "softwareRefill"
  | "seal";

/** What each composite does, stage by stage; the comments say what one unit is. */
export const COMPOSITES: Readonly<Record<CompositeName, readonly Stage[]>> = {
  /** One kernel call by the short way: entry, decoding, exit. */
  gateCall: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "system call told from other exceptions (SOSP'95 on Table 6)", instruction: 10 },
    { what: "call number checked, its function looked up and jumped to", instruction: 5, word: 1 },
    { what: "call counted, by environment and by number", instruction: 2, word: 4 },
    { what: "exception counter moved on, status restored, return", instruction: 5 },
  ],
  /** What a call that changes several things pays besides: a stack to do it on. */
  gateStack: [
    { what: "stack pointer loaded, room made and given up", instruction: 3, word: 1 },
    { what: "stack, return address, status and two arguments saved and restored", word: 10 },
  ],
  /** One call of a batch, which enters the kernel with the batch. */
  batchedCall: [
    { what: "call number checked, its function looked up and jumped to", instruction: 5, word: 1 },
    { what: "call counted, by environment and by number", instruction: 2, word: 4 },
  ],
  /** One protected control transfer, one way, in place of a call and an upcall. */
  transfer: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "system call told from other exceptions (SOSP'95 on Table 6)", instruction: 10 },
    { what: "status, coprocessor and address tag of the callee set (SOSP'95 on Table 6)", instruction: 20 },
    { what: "address space of the callee", addressSwitch: 1 },
  ],
  /** One upcall: dispatch to the environment's code, which goes on by itself. */
  upcall: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "dispatch, 18 instructions (SOSP'95 on Table 5) of which three save", instruction: 15, word: 3 },
    { what: "environment restores what was saved and goes on", instruction: 2, word: 3 },
  ],
  /** One switch between environments. */
  environmentSwitch: [
    { what: "status, coprocessor and address tag set (SOSP'95 on Table 6)", instruction: 20 },
    { what: "address space of the next", addressSwitch: 1 },
  ],
  /** One miss of a translation buffer that the kernel fills, looked up in its larger one. */
  softwareRefill: [
    { what: "exception taken and returned from", trap: 1 },
    {
      what: "a place hashed, compared and entered, 18 instructions of which four load",
      instruction: 14,
      word: 4,
    },
  ],
  /** One capability compared with a guard. */
  capabilityCheck: [
    { what: "two records of 8 bytes loaded", word: 4 },
    { what: "rights compared, the name under its length masked and compared", instruction: 8 },
  ],
  /** One frame classified by the filters. */
  classify: [
    { what: "four fields loaded, masked, compared and branched on", instruction: 16, word: 4 },
    { what: "a field that filters differ in looked up by its hash", instruction: 8, word: 2 },
    { what: "length checked, call and return", instruction: 6 },
  ],
  /** One keyed hash of a sealed capability or of a link of it: two blocks of BLAKE2s. */
  seal: [
    {
      what: "two blocks of 80 mixings: 6 additions, 4 exclusive ors, 4 rotations, 2 words of message",
      instruction: 1600,
      rotate: 640,
      word: 320,
    },
    { what: "state set up before and folded after each block", instruction: 32, word: 48 },
  ],
};

/** What code may be charged for. */
export type CostName = PrimitiveName | CompositeName;

/** Every cost. */
export const COSTS: readonly CostName[] = [...PRIMITIVES, ...(Object.keys(COMPOSITES) as CompositeName[])];

/** What a machine is: its rate, what primitives cost on it, and where the figures come from. */
export interface MachineFigures {
  readonly name: string;
  /** Cycles in a second. */
  readonly hertz: number;
  /** Cycles for one unit of each primitive. */
  readonly primitives: Readonly<Record<PrimitiveName, number>>;
  /** Where the figures come from, one line each. */
  readonly sources: readonly string[];
}

/** A machine with the cycles that follow for one unit of every cost. */
export interface CostProfile extends MachineFigures {
  readonly cycles: Readonly<Record<CostName, number>>;
}

/** Cycles that `stages` take on a machine with these primitives. O(stages). */
export function cyclesOf(stages: readonly Stage[], primitives: MachineFigures["primitives"]): number {
  let sum = 0;
  for (const stage of stages) for (const name of PRIMITIVES) sum += (stage[name] ?? 0) * primitives[name];
  return sum;
}

/** The profile of a machine: its primitives, and every composite counted in them. */
export function makeProfile(machine: MachineFigures): CostProfile {
  const cycles: Record<string, number> = { ...machine.primitives };
  for (const [name, stages] of Object.entries(COMPOSITES))
    cycles[name] = cyclesOf(stages, machine.primitives);
  return { ...machine, cycles: cycles as CostProfile["cycles"] };
}

/** Charges time as it is spent. On a host machine time passes by itself and this does nothing. */
export interface Meter {
  /** Charges `units` of `cost`. O(1), no allocation. */
  charge(cost: CostName, units: number): void;
}
