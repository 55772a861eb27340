/** Calls for protected control transfer. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FrameNumber, MessageRingId } from "../ids.ts";
import type { Window } from "../window.ts";
import { row, type CallRows } from "./call-row.ts";

/**
 * Protected control transfer (SOSP'95 section 5.5), and message rings.
 *
 * Any environment may call any other: the callee controls who gets in. Once
 * initiated a transfer arrives. The registers are its scalar arguments, which
 * the kernel passes as they are.
 */
export interface TransferCalls {
  /**
   * Says which transfers the caller accepts: `TRANSFER_KINDS`; all of them at first.
   *
   * @param kinds bits of `TRANSFER_KINDS`
   *
   * **Fails** `BadRange`: not a set of `TRANSFER_KINDS`.
   */
  transferAllow(kinds: number): Sys<undefined, "BadRange">;
  /**
   * Names the place for the words of `transferWords`: `TRANSFER_WORDS * 4` bytes of `window` from `at`.
   *
   * @param window where to
   * @param at byte offset in it, a multiple of 4
   *
   * **Fails** `BadWindow`: the window is dead, not the caller's, or not bound for writing where it is written.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   */
  transferBuffer(window: Window, at: number): Sys<undefined, "BadWindow" | "BadRange">;
  /**
   * Calls `target`'s `transfer` entry, at once and on this slice, with four registers.
   *
   * Returns the reply. `undefined` means that the callee keeps the caller: when
   * this upcall returns the caller has no slices, and the callee gets them, until
   * `transferReply`. Until then the caller only runs when an asynchronous transfer
   * to it arrives that was initiated before. Should the callee end instead, the
   * slices are the caller's own again, its event count grows, and no reply comes.
   *
   * The time is the caller's, unless one of its last slices was overrun: then
   * every callee pays for its own. The ticks of a slice in which it is not told
   * whose they were do not end the caller by themselves. A callee pays for whole
   * quanta after the end of the slice; what is left of one is the caller's.
   *
   * @param target callee
   * @param a register
   * @param b register
   * @param c register
   * @param d register
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `NoEntry`: the target has no entry for it.
   * **Fails** `Blocked`: the target does not allow it, is running, or waits for a reply, or the caller waits for one.
   * **Fails** `TooDeep`: `TRANSFER_DEPTH` transfers are nested, or those that are leave no stack for another callee.
   * **Fails** `BadRange`: a register is no number.
   * **Fails** `Faulted`: the callee threw or ended; the fault is the callee's.
   */
  transfer(
    target: EnvId,
    a: number,
    b: number,
    c: number,
    d: number,
  ): Sys<number | undefined, "BadEnvironment" | "NoEntry" | "Blocked" | "TooDeep" | "BadRange" | "Faulted">;
  /**
   * The same, with one register and `count` words of `window` from `at`, copied into the callee's buffer. **Cost** O(words).
   *
   * @param target callee
   * @param window where from
   * @param at byte offset in it, a multiple of 4
   * @param count words, 1 to `TRANSFER_WORDS`
   * @param a register
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `NoEntry`: the target has no entry for it, or its buffer is not alive.
   * **Fails** `Blocked`: the target does not allow it, is running, or waits for a reply, or the caller waits for one.
   * **Fails** `TooDeep`: `TRANSFER_DEPTH` transfers are nested, or those that are leave no stack for another callee.
   * **Fails** `BadWindow`: the window is dead or not the caller's.
   * **Fails** `BadRange`: none or more than `TRANSFER_WORDS`, outside the window, or a register that is no number.
   * **Fails** `Faulted`: the callee threw or ended; the fault is the callee's.
   */
  transferWords(
    target: EnvId,
    window: Window,
    at: number,
    count: number,
    a: number,
  ): Sys<
    number | undefined,
    "BadEnvironment" | "NoEntry" | "Blocked" | "TooDeep" | "BadWindow" | "BadRange" | "Faulted"
  >;
  /**
   * Calls `target`'s `transferAsync` entry as soon as this upcall returns, before anybody else runs.
   *
   * It gets the rest of the slice; the caller goes on in its next one. It arrives
   * also when the slice is over, or the caller dead. An environment that is in no
   * upcall has it arrive at once.
   *
   * @param target callee
   * @param a register
   * @param b register
   * @param c register
   * @param d register
   *
   * **Fails** `BadEnvironment`: no such environment is alive.
   * **Fails** `NoEntry`: the target has no entry for it.
   * **Fails** `Blocked`: the target does not allow it, is running, or waits for a reply.
   * **Fails** `TooDeep`: `TRANSFER_DEPTH` transfers are nested, or those that are leave no stack for another callee.
   * **Fails** `Busy`: this upcall has initiated one already.
   * **Fails** `BadRange`: a register is no number.
   */
  transferAsync(
    target: EnvId,
    a: number,
    b: number,
    c: number,
    d: number,
  ): Sys<undefined, "BadEnvironment" | "NoEntry" | "Blocked" | "TooDeep" | "Busy" | "BadRange">;
  /**
   * Replies to a caller that `transfer` kept: its slices are its own again, and its event count grows.
   *
   * Its `transferReply` entry is called at once, on this slice; without one it
   * just goes on in its next slice.
   *
   * @param caller caller that is kept
   * @param a register
   * @param b register
   * @param c register
   * @param d register
   *
   * **Fails** `BadEnvironment`: the caller keeps no such environment, or its upcall has not returned yet.
   * **Fails** `TooDeep`: `TRANSFER_DEPTH` transfers are nested, or those that are leave no stack for another callee.
   * **Fails** `BadRange`: a register is no number.
   */
  transferReply(
    caller: EnvId,
    a: number,
    b: number,
    c: number,
    d: number,
  ): Sys<undefined, "BadEnvironment" | "TooDeep" | "BadRange">;
  /**
   * Makes a message ring of `count` frames from `first`; `slot`'s capability guards it.
   *
   * Frame `first` holds one big-endian 32-bit ownership word per message slot
   * from offset 0, and one word with the sender per slot from offset 2048; each
   * other frame holds 64 slots of `MESSAGE_BYTES`. Word 0: the kernel may fill
   * the slot. Otherwise: the length of the message, and the slot is the owner's
   * until it writes 0 again. The frames are pinned. **Needs** `write` over each guard.
   *
   * @param first first frame
   * @param count frames: 2 to `MESSAGE_RING_FRAMES_MAX`
   * @param slot slot with `write` over them
   *
   * **Fails** `BadFrame`: a frame outside RAM, or free.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `Pinned`: a ring, transfer or guard uses a frame of the run.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `MESSAGE_RINGS` are bound.
   */
  messageRingBind(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<MessageRingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full">;
  /**
   * Ends a message ring. The owner only.
   *
   * @param ring message ring
   *
   * **Fails** `BadRing`: no such ring, or not the caller's.
   */
  messageRingUnbind(ring: MessageRingId): Sys<undefined, "BadRing">;
  /**
   * Copies a message of at most `MESSAGE_BYTES` from `window` into a ring, and tells its owner.
   *
   * **Needs** dominance over the ring's guard.
   *
   * @param ring message ring
   * @param window where from
   * @param at byte offset in it
   * @param length bytes, 1 to `MESSAGE_BYTES`
   * @param slot slot of the caller
   *
   * **Fails** `BadRing`: no such ring.
   * **Fails** `BadWindow`: the window is dead or not the caller's.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `Full`: the next slot of the ring is still its owner's.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   */
  messageSend(
    ring: MessageRingId,
    window: Window,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<undefined, "BadRing" | "BadWindow" | "BadRange" | "Full" | "BadSlot" | "BadCapability">;
}

/** Their rows. */
export const TRANSFER_CALLS: CallRows<TransferCalls> = {
  transferAllow: row(0x28, "i32->i32", "self", "short", ["BadRange"]),
  transferBuffer: row(0x29, "i32 i32->i32", "binding", "short", ["BadWindow", "BadRange"]),
  transfer: row(0x2a, "i32 f64 f64 f64 f64->f64", "self", "move", [
    "BadEnvironment",
    "NoEntry",
    "Blocked",
    "TooDeep",
    "BadRange",
    "Faulted",
  ]),
  transferWords: row(0x2b, "i32 i32 i32 i32 f64->f64", "self", "move", [
    "BadEnvironment",
    "NoEntry",
    "Blocked",
    "TooDeep",
    "BadWindow",
    "BadRange",
    "Faulted",
  ]),
  transferAsync: row(0x2c, "i32 f64 f64 f64 f64->i32", "self", "short", [
    "BadEnvironment",
    "NoEntry",
    "Blocked",
    "TooDeep",
    "Busy",
    "BadRange",
  ]),
  transferReply: row(0x2d, "i32 f64 f64 f64 f64->i32", "binding", "long", [
    "BadEnvironment",
    "TooDeep",
    "BadRange",
  ]),
  messageRingBind: row(0x44, "i32 i32 i32->i64", "slot", "long", [
    "BadFrame",
    "BadRange",
    "Pinned",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  messageRingUnbind: row(0x45, "i64->i32", "binding", "long", ["BadRing"]),
  messageSend: row(0x46, "i64 i32 i32 i32 i32->i32", "slot", "move", [
    "BadRing",
    "BadWindow",
    "BadRange",
    "Full",
    "BadSlot",
    "BadCapability",
  ]),
};
