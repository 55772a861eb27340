/** Message rings: short messages into frames that the receiver supplied. */
import { ERRORS, type Sys } from "../abi/errors.ts";
import type { MessageRingId } from "../abi/ids.ts";
import type { Guard } from "../capability/guard.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";

/** One message ring. */
export interface MessageRingRow {
  readonly owner: Environment;
  guard: Guard;
  readonly first: number;
  readonly frames: number;
  readonly slots: number;
  next: number;
  delivered: number;
  refused: number;
}

/** Makes a message ring. */
export function messageRingBind(
  _kernel: Kernel,
  _caller: Environment,
  _first: unknown,
  _count: unknown,
  _slot: unknown,
): Sys<MessageRingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full"> {
  return ERRORS.BadFrame;
}

/** Ends a message ring of the caller's. */
export const messageRingUnbind = (
  _kernel: Kernel,
  _caller: Environment,
  _id: unknown,
): Sys<undefined, "BadRing"> => ERRORS.BadRing;

/** A message to be sent. */
export interface MessageRequest {
  readonly ring: unknown;
  readonly window: unknown;
  readonly at: unknown;
  readonly length: unknown;
  readonly slot: unknown;
}

/** Sends one message. */
export const messageSend = (
  _kernel: Kernel,
  _caller: Environment,
  _request: MessageRequest,
): Sys<undefined, "BadRing" | "BadWindow" | "BadRange" | "Full" | "BadSlot" | "BadCapability"> =>
  ERRORS.BadRing;

/** Ends the ring in a row. */
export function releaseMessageRing(_kernel: Kernel, _row: number): void {}
