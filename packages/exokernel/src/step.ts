/** What a kernel does when its board lets it: one bounded step, and when the next is due. */
import type { Cycles } from "@exolith/hw-model";
import { reapDma } from "./memory/dma.ts";
import { publishSystem } from "./memory/system-frame.ts";
import { revocationAt, revoke } from "./revocation/revocation.ts";
import { reapTransfers } from "./disk/transfer.ts";
import type { Kernel } from "./kernel.ts";
import { receive } from "./network/receive.ts";
import { flush } from "./network/transmit.ts";
import { dispatch, runnableAt } from "./processor/dispatch.ts";
import { reapStreams } from "./stream/stream-table.ts";

/** One bounded step: what the devices have, then one slice of whoever is next. */
export function step(kernel: Kernel): boolean {
  const received = receive(kernel);
  const reaped = reapTransfers(kernel);
  const changed = reapStreams(kernel);
  const copied = reapDma(kernel);
  const revoked = revoke(kernel);
  publishSystem(kernel);
  const ran = dispatch(kernel);
  flush(kernel);
  return received || reaped || changed || copied || revoked || ran;
}

/** The earliest time at which a step would do something; with its words up to date, which a predicate may watch. */
export function wakeAt(kernel: Kernel): Cycles {
  publishSystem(kernel);
  const { clock, nics, disks, dma } = kernel.machine;
  const now = clock.now();
  let at: number = Math.min(runnableAt(kernel, now), revocationAt(kernel));
  if (dma !== undefined) at = Math.min(at, dma.wakeAt(now));
  for (const nic of nics) at = Math.min(at, nic.wakeAt(now));
  for (const disk of disks) at = Math.min(at, disk.wakeAt(now));
  return at as Cycles;
}
