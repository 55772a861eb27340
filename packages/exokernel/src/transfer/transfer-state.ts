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
   * The callee that keeps it since a transfer; it does not run, and the callee has its slices.
   *
   * Holds: following `keptBy` ends, because nobody enters an environment that is kept or
   * active, and a callee only begins to keep a caller that is not kept.
   */
  keptBy: Environment | undefined;
  /** Callers that it keeps. */
  readonly keeps: Set<Environment>;
  /** While it is the callee: who ran before, whether the caller was active, and who paid, if that is noted. */
  before: Environment | undefined;
  callerWasActive: boolean;
  payer: Environment | undefined;
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
  keeps: new Set(),
  before: undefined,
  callerWasActive: false,
  payer: undefined,
  buffer: undefined,
  bufferAt: 0,
  target: undefined,
  registers: new Float64Array(REGISTERS),
});
