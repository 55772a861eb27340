/** Calls for protected control transfer. */
import type { Sys } from "../errors.ts";
import type { CapSlot, EnvId, FrameNumber, MessageRingId } from "../ids.ts";
import type { Window } from "../window.ts";
import { WHEN, type CallRows } from "./call-row.ts";

/**
 * Protected control transfer (SOSP'95 section 5.5), and message rings.
 *
 * Any environment may call any other: the callee controls who gets in. Once
 * initiated a transfer arrives. The registers are its scalar arguments, which
 * the kernel passes as they are.
 */
export interface TransferCalls {
  /** Says which transfers the caller accepts: `TRANSFER_KINDS`; all of them at first. */
  transferAllow(kinds: number): Sys<undefined, "BadRange">;
  /** Names the place for the words of `transferWords`: `TRANSFER_WORDS * 4` bytes of `window` from `at`. */
  transferBuffer(window: Window, at: number): Sys<undefined, "BadWindow" | "BadRange">;
  /**
   * Calls `target`'s `transfer` entry, at once and on this slice, with four registers.
   *
   * Returns the reply. `undefined` means that the callee keeps the caller: when
   * this upcall returns the caller does not run again, and the callee gets its
   * slices, until `transferReply`. Should the callee end instead, the slices are
   * the caller's own again, its event count grows, and no reply comes.
   *
   * The time is the caller's, unless one of its last slices was overrun: then
   * every callee pays for its own.
   */
  transfer(
    target: EnvId,
    a: number,
    b: number,
    c: number,
    d: number,
  ): Sys<number | undefined, "BadEnvironment" | "NoEntry" | "Blocked" | "TooDeep" | "BadRange" | "Faulted">;
  /** The same, with one register and `count` words of `window` from `at`, copied into the callee's buffer. **Cost** O(words). */
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
   */
  messageRingBind(
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<MessageRingId, "BadFrame" | "BadRange" | "Pinned" | "BadSlot" | "BadCapability" | "Full">;
  /** Ends a message ring. The owner only. */
  messageRingUnbind(ring: MessageRingId): Sys<undefined, "BadRing">;
  /**
   * Copies a message of at most `MESSAGE_BYTES` from `window` into a ring, and tells its owner.
   *
   * **Needs** dominance over the ring's guard.
   */
  messageSend(
    ring: MessageRingId,
    window: Window,
    at: number,
    length: number,
    slot: CapSlot,
  ): Sys<undefined, "BadRing" | "BadWindow" | "BadRange" | "Full" | "BadSlot" | "BadCapability">;
}

const registers = ["register", "register", "register", "register"];
const noEntry = "the target has no entry for it";
const blocked = "the target does not allow it, is running, or waits for a reply, or the caller waits for one";
const tooDeep = "`TRANSFER_DEPTH` transfers are nested";
const notNumbers = "a register is no number";
const calleeFaulted = "the callee threw or ended; the fault is the callee's";

/** Their rows. */
export const TRANSFER_CALLS: CallRows<TransferCalls> = {
  transferAllow: {
    number: 0x28,
    wasm: "i32->i32",
    credential: "self",
    path: "short",
    takes: ["bits of `TRANSFER_KINDS`"],
    fails: { BadRange: "not a set of `TRANSFER_KINDS`" },
  },
  transferBuffer: {
    number: 0x29,
    wasm: "i32 i32->i32",
    credential: "binding",
    path: "short",
    takes: ["where to", "byte offset in it, a multiple of 4"],
    fails: { BadWindow: WHEN.window, BadRange: WHEN.range },
  },
  transfer: {
    number: 0x2a,
    wasm: "i32 f64 f64 f64 f64->f64",
    credential: "self",
    path: "move",
    takes: ["callee", ...registers],
    fails: {
      BadEnvironment: WHEN.environment,
      NoEntry: noEntry,
      Blocked: blocked,
      TooDeep: tooDeep,
      BadRange: notNumbers,
      Faulted: calleeFaulted,
    },
  },
  transferWords: {
    number: 0x2b,
    wasm: "i32 i32 i32 i32 f64->f64",
    credential: "self",
    path: "move",
    takes: [
      "callee",
      "where from",
      "byte offset in it, a multiple of 4",
      "words, 1 to `TRANSFER_WORDS`",
      "register",
    ],
    fails: {
      BadEnvironment: WHEN.environment,
      NoEntry: "the target has no entry for it, or its buffer is not alive",
      Blocked: blocked,
      TooDeep: tooDeep,
      BadWindow: "the window is dead or not the caller's",
      BadRange: "none or more than `TRANSFER_WORDS`, outside the window, or a register that is no number",
      Faulted: calleeFaulted,
    },
  },
  transferAsync: {
    number: 0x2c,
    wasm: "i32 f64 f64 f64 f64->i32",
    credential: "self",
    path: "short",
    takes: ["callee", ...registers],
    fails: {
      BadEnvironment: WHEN.environment,
      NoEntry: noEntry,
      Blocked: "the target does not allow it, is running, or waits for a reply",
      TooDeep: tooDeep,
      Busy: "this upcall has initiated one already",
      BadRange: notNumbers,
    },
  },
  transferReply: {
    number: 0x2d,
    wasm: "i32 f64 f64 f64 f64->i32",
    credential: "binding",
    path: "long",
    takes: ["caller that is kept", ...registers],
    fails: {
      BadEnvironment: "the caller keeps no such environment, or its upcall has not returned yet",
      TooDeep: tooDeep,
      BadRange: notNumbers,
    },
  },
  messageRingBind: {
    number: 0x44,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    path: "long",
    takes: ["first frame", "frames: 2 to `MESSAGE_RING_FRAMES_MAX`", "slot with `write` over them"],
    fails: {
      BadFrame: "a frame outside RAM, or free",
      BadRange: WHEN.range,
      Pinned: "a ring, transfer or guard uses a frame of the run",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
      Full: "`MESSAGE_RINGS` are bound",
    },
  },
  messageRingUnbind: {
    number: 0x45,
    wasm: "i32->i32",
    credential: "binding",
    path: "long",
    takes: ["message ring"],
    fails: { BadRing: "no such ring, or not the caller's" },
  },
  messageSend: {
    number: 0x46,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    path: "move",
    takes: [
      "message ring",
      "where from",
      "byte offset in it",
      "bytes, 1 to `MESSAGE_BYTES`",
      "slot of the caller",
    ],
    fails: {
      BadRing: "no such ring",
      BadWindow: "the window is dead or not the caller's",
      BadRange: WHEN.range,
      Full: "the next slot of the ring is still its owner's",
      BadSlot: WHEN.slot,
      BadCapability: WHEN.capability,
    },
  },
};
