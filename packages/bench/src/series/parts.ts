/** Where a request's cycles go: every charge belongs to one part, and the parts add up to all of it. */
import type { CostName, CostProfile } from "@exolith/hw-model";
import type { Ledger } from "./ledger.ts";
import { WORK_NAMES, chargesOf, type Labour, type WorkName } from "./work.ts";

/** A part of what a request takes. */
export type PartName = "devices" | "protocols" | "HTTP" | "kernel" | "sockets" | "processes" | "bytes";

/** In the order in which they are printed, with what each is. */
export const PARTS: Readonly<Record<PartName, string>> = {
  devices: "devices, interrupts",
  protocols: "TCP, IP",
  HTTP: "HTTP",
  kernel: "crossings, the kernel's own",
  sockets: "sockets",
  processes: "processes, files",
  bytes: "bytes copied, summed, cleared",
};

/** Their names. */
export const PART_NAMES: readonly PartName[] = Object.keys(PARTS) as PartName[];

/** What each piece of work belongs to. */
const PART_OF: Readonly<Record<WorkName, PartName>> = {
  interrupt: "devices",
  ipPacket: "protocols",
  tcpSegment: "protocols",
  tcpConnection: "protocols",
  httpRequest: "HTTP",
  httpByte: "HTTP",
  httpHead: "HTTP",
  libraryCall: "kernel",
  systemCall: "kernel",
  processSwitch: "kernel",
  wakeup: "kernel",
  softInterrupt: "kernel",
  buffer: "kernel",
  socketMade: "sockets",
  socketCall: "sockets",
  select: "sockets",
  selectDescriptor: "sockets",
  fileOpen: "processes",
  fileStat: "processes",
  fileBlock: "processes",
  fileClose: "processes",
  fork: "processes",
  forkPage: "processes",
  copyOnWrite: "processes",
  exit: "processes",
};

/** What a charge that is no work of ours belongs to: all others are the kernel's. */
const OTHERS: Readonly<Partial<Record<CostName, PartName>>> = {
  copyByte: "bytes",
  checksumByte: "bytes",
  touchByte: "bytes",
  deviceAccess: "devices",
};

/** Cycles by part. */
export type Parts = Record<PartName, number>;

/** Cycles by part so far. */
export function partsOf({ cycles }: CostProfile, ledger: Ledger, labour: Labour): Parts {
  const parts = Object.fromEntries(PART_NAMES.map((name) => [name, 0])) as Record<PartName, number>;
  const rest = new Map<CostName, number>();
  for (const cost of Object.keys(cycles) as CostName[]) rest.set(cost, ledger.units(cost));
  for (const work of WORK_NAMES)
    for (const [primitive, each] of chargesOf(work)) {
      const units = each * labour.done[work];
      parts[PART_OF[work]] += units * cycles[primitive];
      rest.set(primitive, (rest.get(primitive) ?? 0) - units);
    }
  for (const [cost, units] of rest) parts[OTHERS[cost] ?? "kernel"] += units * cycles[cost];
  return parts;
}
