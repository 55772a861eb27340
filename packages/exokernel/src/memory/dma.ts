/** Copies by the DMA engine, cancelled when a frame of theirs is freed (SOSP'95 section 3.2.1). */
import type { DmaRequest } from "@exolith/hw-model";
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** One copy in flight. */
export interface DmaRow {
  readonly environment: Environment;
  /** Physical address of the completion word, -1 once its frame is gone. */
  statusAddress: number;
}

/** What the kernel keeps of the DMA engine. */
export interface DmaState {
  readonly copies: Map<DmaRequest, DmaRow>;
  done: number;
  cancelled: number;
}

/** Nothing in flight. */
export const makeDmaState = (): DmaState => ({ copies: new Map(), done: 0, cancelled: 0 });

/** Queues one copy. */
export const dmaCopy = (
  _kernel: Kernel,
  _caller: Environment,
  _copy: unknown,
): Sys<undefined, "NoDevice" | "BadWindow" | "BadRange" | "Full"> => ERRORS.NoDevice;

/** Cancels every copy from, to or reported in frames from `first` up to `end`. */
export function cancelDmaOn(_kernel: Kernel, _first: number, _end: number): void {}

/** Takes what the engine has finished; true if there was anything. */
export const reapDma = (_kernel: Kernel): boolean => false;
