/** The two kernels that servers run on: ours, and a model of a monolithic one over the same devices. */
import type { CostProfile } from "@exolith/hw-model";
import type { ComputerOptions } from "./computers.ts";
import { EXOKERNEL_ONLY, NOTHING } from "./ledger.ts";
import type { Crossing } from "./sockets.ts";
import type { Labour } from "./work.ts";

/** What differs between the kernels, as servers and packets see it. */
export interface KernelModel {
  readonly name: "BSD" | "Xok";
  computer(profile: CostProfile): ComputerOptions;
  crossing(labour: Labour): Crossing;
  /** A call that moves nothing. */
  otherCall(labour: Labour): void;
  /** Somebody who slept gets the processor. */
  resume(labour: Labour): void;
}

/**
 * A monolithic kernel: protocols and sockets are its own, programs cross into it by system calls.
 *
 * Its code runs in one environment of ours whose gate calls, upcalls, switches
 * and filters are not charged, for it has none; traps, interrupts, buffers and
 * switches of processes are.
 */
export const BSD: KernelModel = {
  name: "BSD",
  computer: (profile) => ({
    profile,
    absent: EXOKERNEL_ONLY,
    packetWork: (labour) => ({
      received: () => {
        labour.do("buffer");
        labour.do("softInterrupt");
      },
      sent: () => labour.do("buffer"),
    }),
  }),
  crossing: (labour) => ({
    call: () => labour.do("systemCall"),
    wake: () => labour.do("wakeup"),
    buffer: () => labour.do("buffer"),
  }),
  otherCall: (labour) => labour.do("systemCall"),
  resume: (labour) => labour.do("processSwitch"),
};

/** The exokernel: protocols and sockets are libraries of the server's environment; the kernel charges what it does. */
export const XOK: KernelModel = {
  name: "Xok",
  computer: (profile) => ({
    profile,
    absent: NOTHING,
    packetWork: () => ({ received: () => {}, sent: () => {} }),
  }),
  crossing: (labour) => ({
    call: () => labour.do("libraryCall"),
    wake: () => {},
    buffer: () => {},
  }),
  otherCall: (labour) => labour.do("libraryCall"),
  resume: () => {},
};
