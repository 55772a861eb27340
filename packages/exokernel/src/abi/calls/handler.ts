/** Calls on handlers: downloaded code that runs where a frame arrives. */
import type { HandlerProgram } from "@exolith/secure-bind";
import type { Sys } from "../errors.ts";
import type { CapSlot, FilterId, FrameNumber, HandlerId, TransmitId } from "../ids.ts";
import { row, type CallRows } from "./call-row.ts";

/** A handler as it is handed over: its program, and what it sends through. */
export interface HandlerRequest extends HandlerProgram {
  /** Transmit binding of the caller's that messages of the handler go out by; without one it cannot send. */
  readonly transmit?: TransmitId | undefined;
}

/** Handlers: application-specific, safe, and run on arrival (SOSP'95 section 6.3). */
export interface HandlerCalls {
  /**
   * Runs a handler for every frame that `filter` matches, before it goes to the filter's ring.
   *
   * The `count` frames from `first` are the handler's memory: its data is put
   * there, and they stay pinned while it is installed. They are the caller's as
   * before, so what the handler writes is there to be read. The handler runs
   * whether or not its environment does. A frame that it consumes is done with:
   * what it sent is transmitted, through `request.transmit`. A frame that it
   * defers, or is stopped at by its fuel, its stack or a trap, goes to the ring,
   * and nothing is sent. Only the first piece of a message is compared with the
   * transmit binding, so it must hold every header that the binding looks at.
   *
   * What a run uses is its environment's time, and so is what it takes to stop
   * one. Whole quanta of it are paid with slices, and while one is owed the
   * handler does not run: its share of the processor is its environment's. A
   * frame waits for the slice that runs when it arrives, also for a handler.
   *
   * To verify and to load it takes time of the caller's, by the bytes of the
   * module, its pipes and its start function, also when it is refused; what can be
   * refused without that is refused first.
   *
   * The handler ends with its filter. **Needs** `write` over the guards of the
   * frames in `slot`, and the filter to be the caller's.
   *
   * @param filter filter of the caller
   * @param request module, fuel, pipes, transmit binding
   * @param first first frame of its memory
   * @param count frames: 1 to `HANDLER_FRAMES_MAX`
   * @param slot slot with `write` over them
   *
   * **Fails** `BadHandler`: the program cannot be read, does not pass the verifier, needs more memory, or its start traps.
   * **Fails** `NoFilter`: no such filter, or not the caller's.
   * **Fails** `Busy`: the filter has a handler.
   * **Fails** `BadBinding`: no such transmit binding, or another's.
   * **Fails** `BadFrame`: a frame outside RAM, free, or being taken back.
   * **Fails** `BadRange`: the offset, length or count is outside what is named.
   * **Fails** `BadSlot`: the slot is empty, no slot, or the well-known one where it would be a guard.
   * **Fails** `BadCapability`: the capability in the slot does not reach the guard with the right.
   * **Fails** `Full`: `HANDLERS` are installed.
   */
  handlerInstall(
    filter: FilterId,
    request: HandlerRequest,
    first: FrameNumber,
    count: number,
    slot: CapSlot,
  ): Sys<
    HandlerId,
    | "BadHandler"
    | "NoFilter"
    | "Busy"
    | "BadBinding"
    | "BadFrame"
    | "BadRange"
    | "BadSlot"
    | "BadCapability"
    | "Full"
  >;
  /**
   * Ends a handler; its filter's frames go to the ring again. The owner only.
   *
   * @param handler handler
   *
   * **Fails** `NoHandler`: no such handler, or not the caller's.
   */
  handlerRemove(handler: HandlerId): Sys<undefined, "NoHandler">;
}

/** Their rows. */
export const HANDLER_CALLS: CallRows<HandlerCalls> = {
  handlerInstall: row(0x4c, "i64 i32 i32 i32 i32->i64", "slot", "long", [
    "BadHandler",
    "NoFilter",
    "Busy",
    "BadBinding",
    "BadFrame",
    "BadRange",
    "BadSlot",
    "BadCapability",
    "Full",
  ]),
  handlerRemove: row(0x4d, "i64->i32", "binding", "long", ["NoHandler"]),
};
