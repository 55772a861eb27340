/** What the kernel keeps of an environment's revocations. */
import { NEVER, type Cycles } from "../abi/ids.ts";
import { REPOSSESSIONS } from "../abi/limits.ts";

/** Resource kinds are below this. */
export const KINDS = 10;

/** One resource that was taken by force. */
export interface Repossession {
  readonly kind: number;
  readonly what: number;
  /** Where a frame's contents are, -1 when they were not saved. */
  readonly extent: number;
  readonly block: number;
  /** `TRANSFER_STATUS` of the saving. */
  status: number;
}

/** Revocations of one environment. */
export interface RevocationState {
  /** How many of each kind are still wanted, and until when. */
  readonly wanted: Uint32Array;
  readonly deadline: Float64Array;
  /** Holdings of each kind at which the demand is met. */
  readonly target: Uint32Array;
  /** The request of each kind has been delivered. */
  readonly delivered: Uint8Array;
  /** Frames in the set that is never repossessed. */
  guaranteed: number;
  /** Blocks for frames that are taken by force: the extent's id, the next block, and how many are left. */
  backingExtent: number;
  backingBlock: number;
  backingLeft: number;
  readonly vector: Repossession[];
  lost: number;
}

/** Nothing asked, nothing taken. */
export const makeRevocationState = (): RevocationState => ({
  wanted: new Uint32Array(KINDS),
  deadline: new Float64Array(KINDS).fill(NEVER as number),
  target: new Uint32Array(KINDS),
  delivered: new Uint8Array(KINDS),
  guaranteed: 0,
  backingExtent: 0,
  backingBlock: 0,
  backingLeft: 0,
  vector: [],
  lost: 0,
});

/** Notes what was taken; past `REPOSSESSIONS` only how many. */
export function noteRepossession(state: RevocationState, taken: Repossession): void {
  if (state.vector.length < REPOSSESSIONS) state.vector.push(taken);
  else state.lost += 1;
}

/** When the next demand of an environment falls due. */
export const nextDeadline = ({ deadline }: RevocationState): Cycles => {
  let at: number = NEVER;
  for (let kind = 0; kind < KINDS; kind++) at = Math.min(at, deadline[kind] ?? NEVER);
  return at as Cycles;
};
