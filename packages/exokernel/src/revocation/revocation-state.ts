/** What the kernel keeps of revocations: of one environment, and of all. */
import { TRANSFER_STATUS } from "../abi/calls/disk.ts";
import { NEVER } from "../abi/ids.ts";
import { REPOSSESSIONS } from "../abi/limits.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";
import type { ExtentRow } from "../disk/extent-table.ts";
import type { FrameSaving } from "../disk/transfer.ts";
import type { Environment } from "../environment/environment.ts";

/** Resource kinds are below this. */
export const KINDS: number = Math.max(...Object.values(RESOURCE_KINDS)) + 1;

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
  /** How many of each kind it was asked for, 0 for no demand. */
  readonly wanted: Uint32Array;
  /** When they are taken; `NEVER` until the request is delivered. */
  readonly deadline: Float64Array;
  /** Holdings of each kind at which the demand is met. */
  readonly target: Uint32Array;
  /** The request of each kind has been delivered. */
  readonly delivered: Uint8Array;
  /** Frames in the set that is never repossessed. */
  guaranteed: number;
  /** Blocks for frames that are taken by force: the extent and its id, the next block, and how many are left. */
  backing: ExtentRow | undefined;
  backingExtent: number;
  backingBlock: number;
  backingLeft: number;
  readonly vector: Repossession[];
  lost: number;
  /** Cycles of answers that are not paid for yet: less than a quantum. */
  debt: number;
}

/** Nothing asked, nothing taken. */
export const makeRevocationState = (): RevocationState => ({
  wanted: new Uint32Array(KINDS),
  deadline: new Float64Array(KINDS).fill(NEVER as number),
  target: new Uint32Array(KINDS),
  delivered: new Uint8Array(KINDS),
  guaranteed: 0,
  backing: undefined,
  backingExtent: -1,
  backingBlock: 0,
  backingLeft: 0,
  vector: [],
  lost: 0,
  debt: 0,
});

/** A frame whose contents wait to be written to a block. */
export interface Save extends FrameSaving {
  readonly extent: ExtentRow;
}

/** What the kernel keeps of all revocations. */
export interface RevocationTotals {
  asked: number;
  answered: number;
  aborted: number;
  /** State of the generator that picks whom to ask: never 0. */
  seed: number;
  /** Holds: everybody of whom something is wanted, and no one dead. */
  readonly open: Set<Environment>;
  /** Frames to be saved, in order, for which no disk has had room yet or that another transfer still uses; each is pinned once for it. */
  readonly queued: Save[];
}

/** Nothing asked yet; the generator starts from the machine's random device. */
export function makeRevocationTotals(random: {
  fill(memory: Uint8Array, at: number, length: number): void;
}): RevocationTotals {
  const bytes = new Uint8Array(4);
  random.fill(bytes, 0, 4);
  const seed = new DataView(bytes.buffer).getUint32(0) | 1;
  return { asked: 0, answered: 0, aborted: 0, seed, open: new Set(), queued: [] };
}

/** Environments that lost something, and how many entries their vectors have more. */
export type Losses = Map<Environment, number>;

/** Notes that `owner` lost the resource `what`, not saved anywhere. */
export function noteLoss(losses: Losses, owner: Environment, kind: number, what: number): void {
  noteTaken(losses, owner, { kind, what, extent: -1, block: -1, status: TRANSFER_STATUS.failed });
}

/** True while the vector has room for one more. */
export const hasRoom = ({ vector }: RevocationState): boolean => vector.length < REPOSSESSIONS;

/** Puts what was taken into its owner's vector; past `REPOSSESSIONS` it is only counted. */
export function noteTaken(losses: Losses, owner: Environment, taken: Repossession): void {
  const { revocation } = owner;
  const fits = hasRoom(revocation);
  if (fits) revocation.vector.push(taken);
  else revocation.lost += 1;
  losses.set(owner, (losses.get(owner) ?? 0) + (fits ? 1 : 0));
}
