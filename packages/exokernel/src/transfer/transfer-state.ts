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
  /**
   * The callee that keeps it since a transfer: it has no slices, the callee has them.
   *
   * It runs nevertheless when an asynchronous transfer to it arrives that was initiated before.
   *
   * Holds: following `keptBy` ends, because nobody enters an environment synchronously that is
   * kept or active, one that is kept makes no synchronous transfer, and a callee only begins to
   * keep a caller that is not kept.
   */
  keptBy: Environment | undefined;
  /** While it is the callee: who ran before, whether the caller was active, who paid, if that is noted, and its overrun. */
  before: Environment | undefined;
  callerWasActive: boolean;
  payer: Environment | undefined;
  overrun: number;
  /** Where words arrive. */
  buffer: BoundWindow | undefined;
  bufferAt: number;
  /** The callee of an asynchronous transfer that has been initiated and has not arrived. */
  target: EnvId | undefined;
  /** What the next upcall by a transfer of its own, or by the reply to one, is called with: who, and four registers. */
  readonly registers: Float64Array;
}

const REGISTERS = 5;

/** Nothing going on, everything allowed. */
export const makeTransferState = (): TransferState => ({
  allows: TRANSFER_KINDS.all,
  active: false,
  keptBy: undefined,
  before: undefined,
  callerWasActive: false,
  payer: undefined,
  overrun: 0,
  buffer: undefined,
  bufferAt: 0,
  target: undefined,
  registers: new Float64Array(REGISTERS),
});
