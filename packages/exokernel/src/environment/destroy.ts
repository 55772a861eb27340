/** The end of environments: exactly what they hold is freed. */
import { RIGHTS } from "@exolith/secure-bind";
import { ERRORS, type Sys } from "../abi/errors.ts";
import { KERNEL } from "../abi/ids.ts";
import { authorise } from "../capability/authority.ts";
import { releaseBlocks, releaseExtent } from "../disk/extent-table.ts";
import { rowFor, type Kernel, type Rows } from "../kernel.ts";
import { withList } from "../capability/guard.ts";
import { releaseTiles } from "../display/calls.ts";
import { cancelDmaOf, cancelDmaOn } from "../memory/dma.ts";
import { dropList, releaseFrame } from "../memory/frame-calls.ts";
import { NOBODY_ALIVE } from "../memory/frame-table.ts";
import { releaseRegion, releaseRegionsOn } from "../memory/region-table.ts";
import { clearEvents } from "../memory/system-frame.ts";
import { breakWindowsOf, breakWindowsOn } from "../memory/window-calls.ts";
import { releaseFilter } from "../network/filter-table.ts";
import { releaseRing } from "../network/packet-ring.ts";
import { releaseTransmit } from "../network/transmit-table.ts";
import { releaseAddressSpace } from "../processor/address-space.ts";
import { releaseProgram } from "../program/program-table.ts";
import { dropPredicate } from "../processor/predicate.ts";
import { releaseSlice } from "../processor/slice-calls.ts";
import { releaseRevocations } from "../revocation/revocation.ts";
import { releaseStream } from "../stream/stream-table.ts";
import { TRACE_EVENTS } from "../trace.ts";
import { breakTranslationsOn, releaseSpace } from "../translation/space-table.ts";
import { releaseMessageRing } from "../transfer/message-ring.ts";
import { releaseTransfers } from "../transfer/transfer.ts";
import type { Environment } from "./environment.ts";

/** Ends an environment; what its handlers owe is its ender's then, and nobody's when it ends itself. */
export function environmentDestroy(
  kernel: Kernel,
  caller: Environment,
  id: unknown,
  slot: unknown,
): Sys<undefined, "BadEnvironment" | "BadSlot" | "BadCapability"> {
  const environment = rowFor(kernel.environments, id);
  if (environment === undefined) return ERRORS.BadEnvironment;
  const refused = authorise(kernel, caller, slot, environment.guard, RIGHTS.write);
  if (refused !== undefined) return refused;
  if (environment !== caller) caller.handlerCycles += environment.handlerCycles;
  environmentRelease(kernel, environment);
  return undefined;
}

/**
 * Frees everything an environment holds, and its row. O(all tables).
 *
 * Can be done again: whatever a first attempt left is freed by the next.
 */
export function environmentRelease(kernel: Kernel, environment: Environment): void {
  if (kernel.environments.rows[environment.row] !== environment) return;
  environment.alive = false;
  releaseRows(
    kernel.programs,
    (p) => p.owner === environment,
    (row) => releaseProgram(kernel, row),
  );
  releaseSpace(kernel, environment);
  releaseNetwork(kernel, environment);
  for (const acceptors of kernel.acceptors) acceptors.delete(environment);
  releaseRows(
    kernel.streams,
    (s) => s.owner === environment,
    (row) => releaseStream(kernel, row, "reset"),
  );
  releaseRows(
    kernel.extents,
    (e) => e.owner === environment,
    (row) => releaseExtent(kernel, row),
  );
  releaseBlocks(kernel, environment);
  cancelDmaOf(kernel, environment);
  for (let i = 0; i < kernel.slices.count; i++)
    if (kernel.slices.owner[i] === environment.id) releaseSlice(kernel, i);
  releaseRows(
    kernel.regions,
    (r) => r.owner === environment,
    (row) => releaseRegion(kernel, row),
  );
  releaseRevocations(kernel, environment);
  dropPredicate(kernel, environment);
  releaseTransfers(kernel, environment);
  releaseTiles(kernel, environment);
  releaseAddressSpace(kernel.addressSpaces, environment);
  const { guard } = environment;
  environment.guard = withList(guard, -1, 0);
  dropList(kernel, guard);
  withdrawOffers(kernel, environment);
  breakWindowsOf(kernel, environment);
  releaseFrames(kernel, environment);
  environment.capabilities.fill(undefined);
  environment.upcalls = undefined;
  clearEvents(kernel, environment);
  kernel.environments.rows[environment.row] = undefined;
  kernel.environments.ids.free(environment.row);
  kernel.trace.record(kernel.machine.clock, TRACE_EVENTS.environmentDestroy, environment.id, 0);
}

/** What it offers is gone, and what others offer to it is nobody's to take. */
function withdrawOffers({ environments }: Kernel, environment: Environment): void {
  environment.offer = undefined;
  for (const other of environments.rows) if (other?.offer?.to === environment.id) other.offer = undefined;
}

function releaseNetwork(kernel: Kernel, environment: Environment): void {
  releaseRows(
    kernel.filters,
    (f) => f.owner === environment,
    (row) => releaseFilter(kernel, row),
  );
  releaseRows(
    kernel.transmits,
    (t) => t.owner === environment || t.user === environment,
    (row) => releaseTransmit(kernel, row),
  );
  releaseRows(
    kernel.rings,
    (r) => r.owner === environment,
    (row) => releaseRing(kernel, row),
  );
  releaseRows(
    kernel.messageRings,
    (r) => r.owner === environment,
    (row) => releaseMessageRing(kernel, row),
  );
}

function releaseRows<T>(table: Rows<T>, isHeld: (row: T) => boolean, release: (row: number) => void): void {
  for (let row = 0; row < table.rows.length; row++) {
    const held = table.rows[row];
    if (held !== undefined && isHeld(held)) release(row);
  }
}

/**
 * A frame that a device still writes to, or another's guard points to, is the
 * kernel's, an orphan, until that is over. Guards of its own are let go first: they
 * may point to frames of its own, in a circle.
 */
function releaseFrames(kernel: Kernel, environment: Environment): void {
  const { frames } = kernel;
  for (let f = 0; f < frames.count; f++) {
    const guard = frames.guards[f];
    if (frames.owner[f] !== environment.id || guard === undefined || guard.list < 0) continue;
    frames.guards[f] = withList(guard, -1, 0);
    dropList(kernel, guard);
  }
  for (let f = 0; f < frames.count; f++) {
    if (frames.lastOwner[f] === environment.id) frames.lastOwner[f] = NOBODY_ALIVE;
    if (frames.owner[f] !== environment.id) continue;
    breakWindowsOn(kernel, f, f + 1);
    breakTranslationsOn(kernel, f, f + 1);
    releaseRegionsOn(kernel, f, f + 1);
    cancelDmaOn(kernel, f, f + 1);
    if (frames.pins[f] === 0) {
      releaseFrame(kernel, f);
      continue;
    }
    frames.owner[f] = KERNEL;
    frames.orphan[f] = 1;
    frames.guaranteed[f] = 0;
    environment.frames -= 1;
  }
}
