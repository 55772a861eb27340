/** What the suite of a kernel is given, and what its cases share. */
import { type Settling } from "@exolith/hw-model/contract";
import type { Capability } from "@exolith/secure-bind";
import { must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { capSlot, type CapSlot } from "../abi/ids.ts";

/**
 * A freshly booted kernel under test.
 *
 * Its machine has 128 frames of RAM or more, of which frames 8 to 95 are free; as
 * interface 0 one whose frames come back to it; a disk 0 of 64 free blocks or
 * more; a stream device 0; and, if it has them, a display 0 with tiles that are
 * nobody's and a DMA engine. Its arena has room for an address space of large pages. Nobody holds a slice. A request to give something
 * back is due within a hundred calls of `settle`.
 */
export interface KernelHarness extends Settling {
  /** The gate of the boot environment, whose slot 0 holds the capability for everything. */
  readonly root: Gate;
  /** Runs the kernel and its devices: what was queued before is done after, unless an environment never rests. */
  settle(): void | Promise<void>;
  /** A stream that is opened from outside and has sent `text` already. */
  openStream(text: string): void;
}

/** The slot of everybody's own capability. */
export const own: CapSlot = capSlot(0);

/** Puts a capability of the root's into the list of `to`; the slot it has there. */
export const grant = (h: KernelHarness, to: Gate, capability: Capability): CapSlot =>
  must(h.root.capabilityGrant(to.self, capability, own, own));

/** The gate's row in the table of environments. */
export const rowOfSelf = (gate: Gate): number => gate.self & 0xffff;

/** Values that name nothing: what a confused or a hostile caller may pass where a number is wanted. */
export const NO_NUMBERS: readonly unknown[] = [
  -1,
  0.5,
  Number.NaN,
  Infinity,
  2 ** 31,
  "0",
  undefined,
  null,
  {},
  [],
  true,
];
