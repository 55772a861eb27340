/** Reception: interface, one DMA copy into a frame, filters, ring. */
import type { Nic } from "@exolith/hw-model";
import { rowOf } from "../abi/ids.ts";
import { RECEIVE_BATCH } from "../abi/limits.ts";
import type { Kernel, NicState } from "../kernel.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { runHandler } from "./handler-table.ts";
import { deliver } from "./packet-ring.ts";
import { flush } from "./transmit.ts";

/**
 * Takes at most `RECEIVE_BATCH` frames from every interface; true if there was one. O(batch).
 *
 * What handlers sent goes out before anybody runs.
 */
export function receive(kernel: Kernel): boolean {
  let any = false;
  const { nics } = kernel.machine;
  for (let i = 0; i < nics.length; i++) {
    const nic = nics[i];
    const state = kernel.nics[i];
    if (nic !== undefined && state !== undefined && receiveFrom(kernel, nic, state)) any = true;
  }
  if (any) flush(kernel);
  return any;
}

function receiveFrom(kernel: Kernel, nic: Nic, state: NicState): boolean {
  const { clock, memory, meter } = kernel.machine;
  const now = clock.now();
  for (let taken = 0; taken < RECEIVE_BATCH; taken++) {
    const length = nic.receive(now, memory.bytes, state.staging);
    if (length === 0) return taken > 0;
    meter.charge("deviceAccess", 1);
    demultiplex(kernel, state, length, nic.arrival.checksumGood);
  }
  return true;
}

function demultiplex(kernel: Kernel, state: NicState, length: number, isGood: boolean): void {
  const { clock, memory, meter } = kernel.machine;
  meter.charge("classify", 1);
  const row = state.demultiplexer.classify(memory.bytes, state.staging, length);
  const filter = row < 0 ? undefined : kernel.filters.rows[row];
  if (filter === undefined) {
    state.unclaimed += 1;
    kernel.trace.record(clock, TRACE_EVENTS.drop, -1, length);
    return;
  }
  filter.matched += 1;
  if (filter.handler !== undefined && runHandler(kernel, filter.handler, state.staging, length)) return;
  const ring = rowOf(filter.ring);
  if (kernel.rings.rows[ring] === filter.feeds) deliver(kernel, ring, state.staging, length, isGood);
}
