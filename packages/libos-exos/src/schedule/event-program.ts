/** Programs that are an event loop: slices claimed at once, parts made in the first slice. */
import { capSlot, failed, sliceIndex, type Gate, type Program, type Upcalls } from "@exolith/exokernel/abi";
import { eventLoop, type Pollable } from "./event-loop.ts";

/**
 * Claims `count` free positions of the slice vector, as far apart as it can, with the capability in slot 0.
 *
 * Returns how many it got. O(slices).
 */
export function claimSlices(gate: Gate, count: number): number {
  const stride = Math.max(1, Math.floor(gate.slices.count / count));
  let got = 0;
  for (let i = 0; i < gate.slices.count && got < count; i++) {
    const position = (i * stride + Math.floor((i * stride) / gate.slices.count)) % gate.slices.count;
    if (gate.slices.owner(position) !== 0) continue;
    if (!failed(gate.sliceAlloc(sliceIndex(position), capSlot(0)))) got += 1;
  }
  return got;
}

/**
 * A program that serves the parts which `start` makes, and has them answer when resources are asked back.
 *
 * `start` runs in the first slice, not at creation: by then the creator has
 * granted capabilities and bound what the environment may transmit.
 */
export const eventProgram =
  (slices: number, start: (gate: Gate) => readonly Pollable[]): Program =>
  (gate) => {
    claimSlices(gate, slices);
    let loop: Upcalls | undefined;
    const sliceBegin = (): void => {
      loop ??= eventLoop(gate, start(gate));
      loop.sliceBegin();
    };
    const revoke: Upcalls["revoke"] = (kind, count, deadline) => loop?.revoke?.(kind, count, deadline);
    return { sliceBegin, revoke };
  };
