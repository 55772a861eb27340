/** Calls on programs: WebAssembly that nobody trusts, linked to the library that loads it. */
import type { HostFunction } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, FrameNumber, ProgramId } from "../ids.ts";
import type { ProgramHandle } from "../program.ts";
import { row, type CallRows } from "./call-row.ts";

/** A function of the caller's that a program may import. It has at most one result. */
export interface ProgramImport extends HostFunction {
  /**
   * Called with numbers, and bigints for an i64; gives the same, or nothing.
   *
   * What it throws, and a result that is neither, stops the program.
   */
  readonly call: (...values: never[]) => unknown;
}

/** A program as it is handed over. */
export interface ProgramRequest {
  /** A binary module. */
  readonly module: Uint8Array | ArrayBuffer;
  /** Memory in frames one after another, or in the pages of the caller's address space. */
  readonly mode: "segment" | "paged";
  /** What it may import, besides kernel calls, each once: anything else is refused. */
  readonly imports: readonly ProgramImport[];
  /** First frame in which its calls are saved while it is suspended, and how many: 1 to `CONTEXT_FRAMES_MAX`. */
  readonly context: FrameNumber;
  readonly contextFrames: number;
  /** First frame of its memory, and how many; neither when it is paged. They should be zero. */
  readonly segment?: FrameNumber | undefined;
  readonly segmentFrames?: number | undefined;
  /** Asked when it wants so many pages of 64 KiB more than it has: whether it gets them. Without this it gets what there is. */
  readonly mayGrow?: ((pages: number, has: number) => boolean) | undefined;
}

/** Programs: verified, rewritten, and run by whoever loaded them, on its own time. */
export interface ProgramCalls {
  /**
   * Loads a program: rewrites its module so that it stays inside its memory and its time, and links it.
   *
   * The module is copied. It runs when its handle says so, in the caller's slices
   * only, and is suspended where a slice ends. Its frames stay pinned until it ends.
   *
   * A module may also import kernel calls from `GATE_MODULE`, those in
   * `GATE_FUNCTIONS` by their names: they are the caller's own. An id is an i64
   * where the row of the call says so. What comes back is the result, 0 for none, or
   * the negative number of a refusal.
   *
   * To rewrite and to load it takes time of the caller's, by the bytes of the module,
   * also when it is refused, and no less when it was loaded before; what can be
   * refused without that is refused first. **Needs** `write` over the guards of its frames.
   *
   * @param request module, mode, imports, frames
   * @param slot slot with `write` over the frames
   *
   * **Fails** `BadProgram`: the program cannot be read, does not pass the verifier, imports what is not offered, is offered one name twice, or has no room in its memory.
   * **Fails** `BadTranslation`: it is to be paged, and the caller has no address space.
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: a run of frames is empty, too long, or ends outside RAM.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `PROGRAMS` are loaded.
   */
  programLoad(
    request: ProgramRequest,
    slot: CapSlot,
  ): Sys<
    ProgramHandle,
    "BadProgram" | "BadTranslation" | "BadFrame" | "BadRange" | "BadSlot" | "BadCapability" | "Full"
  >;
  /**
   * Ends a program; its frames are the caller's as before. One that runs is stopped as soon as this comes back to it.
   *
   * @param program program
   *
   * **Fails** `NoProgram`: no such program, or not the caller's.
   */
  programEnd(program: ProgramId): Sys<undefined, "NoProgram">;
}

/** Their rows. */
export const PROGRAM_CALLS: CallRows<ProgramCalls> = {
  programLoad: row(0x88, "i32 i32->i32", "slot", "long", [
    "BadProgram",
    "BadTranslation",
    "BadFrame",
    "BadRange",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  programEnd: row(0x89, "i64->i32", "binding", "long", ["NoProgram"]),
};
