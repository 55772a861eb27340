/** Frames for buffers: found in the published table, claimed by number, bound to a window. */
import { ERRORS, failed, frame } from "@exolith/exokernel/abi";
import type { CapSlot, FrameNumber, Gate, KernelError, Window } from "@exolith/exokernel/abi";

/** Claims runs of frames, guarded by the capability in one slot. */
export class FrameClaimer {
  readonly #gate: Gate;
  readonly #slot: CapSlot;
  #next = 0;

  constructor(gate: Gate, slot: CapSlot) {
    this.#gate = gate;
    this.#slot = slot;
  }

  /**
   * A writable window over `count` frames that follow each other, or why not.
   *
   * **Fails** `Full` when no such run is free. O(frames).
   */
  claim(count: number): Window | KernelError {
    const first = this.#claimRun(count);
    return failed(first) ? first : this.#gate.windowBind(first, count, true, this.#slot);
  }

  #claimRun(count: number): FrameNumber | KernelError {
    const frames = this.#gate.frames;
    let run = 0;
    for (let number = this.#next; number < frames.count; number++) {
      run = frames.owner(number) === 0 ? run + 1 : 0;
      if (run < count) continue;
      this.#next = number + 1;
      return this.#gate.framesAlloc(frame(number - count + 1), count, this.#slot);
    }
    return ERRORS.Full;
  }
}
