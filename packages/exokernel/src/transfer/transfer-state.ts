/** What the kernel keeps of an environment's transfers. */
import type { EnvId } from "../abi/ids.ts";
import { TRANSFER_KINDS } from "../abi/upcalls.ts";
import type { Environment } from "../environment/environment.ts";
import type { BoundWindow } from "../memory/bound-window.ts";

/** Transfers of one environment. */
export interface TransferState {
  /** `TRANSFER_KINDS` it accepts. */
  allows: number;
  /** It is in a transfer, as caller or callee, or its upcall runs: nobody may enter it. */
  active: boolean;
  /** The callee that keeps it since a transfer; it does not run, and the callee has its slices. */
  keptBy: Environment | undefined;
  /** Callers that it keeps. */
  readonly keeps: Set<Environment>;
  /** Where words arrive. */
  buffer: BoundWindow | undefined;
  bufferAt: number;
  /** An asynchronous transfer that has been initiated and not arrived: the callee, and the registers. */
  target: EnvId | undefined;
  a: number;
  b: number;
  c: number;
  d: number;
}

/** Nothing going on, everything allowed. */
export const makeTransferState = (): TransferState => ({
  allows: TRANSFER_KINDS.all,
  active: false,
  keptBy: undefined,
  keeps: new Set(),
  buffer: undefined,
  bufferAt: 0,
  target: undefined,
  a: 0,
  b: 0,
  c: 0,
  d: 0,
});
