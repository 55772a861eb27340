/** The published tables: frozen functions that close over the kernel's columns. */
import { printName } from "@exolith/secure-bind";
import type { Cycles, EnvId, FrameNumber } from "../abi/ids.ts";
import { CAPABILITY_SLOTS } from "../abi/limits.ts";
import type { ProgramReaders } from "../abi/program-tables.ts";
import type {
  CapabilityReaders,
  ClockReaders,
  DisplayReaders,
  DmaReaders,
  DiskReaders,
  EnvironmentReaders,
  ExtentReaders,
  FilterReaders,
  FrameReaders,
  GuardReaders,
  HandlerReaders,
  MessageRingReaders,
  NicReaders,
  RegionReaders,
  RepossessionReaders,
  RevocationReaders,
  RingReaders,
  SliceReaders,
  StreamReaders,
  SystemReaders,
  TransmitReaders,
} from "../abi/tables.ts";
import { capabilityAt } from "../capability/capability-list.ts";
import { isRunnable, type Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { columnAt, publish, rowAt } from "./publish.ts";
import {
  displayReaders,
  dmaReaders,
  guardReaders,
  handlerReaders,
  messageRingReaders,
  programReaders,
  regionReaders,
  revocationReaders,
} from "./resource-readers.ts";
import { streamState } from "../stream/stream-table.ts";

/** Every published table but an environment's own. Made once for a kernel, shared by all gates. */
export interface Readers {
  readonly clock: ClockReaders;
  readonly environments: EnvironmentReaders;
  readonly slices: SliceReaders;
  readonly frames: FrameReaders;
  readonly rings: RingReaders;
  readonly filters: FilterReaders;
  readonly handlers: HandlerReaders;
  readonly transmits: TransmitReaders;
  readonly programs: ProgramReaders;
  readonly extents: ExtentReaders;
  readonly streams: StreamReaders;
  readonly nics: NicReaders;
  readonly disks: DiskReaders;
  readonly system: SystemReaders;
  readonly guards: GuardReaders;
  readonly regions: RegionReaders;
  readonly messageRings: MessageRingReaders;
  readonly displays: DisplayReaders;
  readonly dma: DmaReaders;
  readonly revocations: RevocationReaders;
}

const NOBODY = 0 as EnvId;

const clockReaders = ({ machine: { clock } }: Kernel): ClockReaders =>
  publish({ hertz: clock.hertz, now: () => clock.now(), wallclock: () => clock.wallclock() });

const environmentReaders = ({
  environments: { rows, ids },
  spaces,
  machine: { clock },
}: Kernel): EnvironmentReaders =>
  publish({
    count: ids.rows,
    runnable: (row: number) => (wouldRun(rowAt(rows, row), clock.now()) ? 1 : 0),
    state: (row: number) => (rowAt(rows, row) === undefined ? 0 : 1),
    id: (row: number) => rowAt(rows, row)?.id ?? NOBODY,
    parent: (row: number) => rowAt(rows, row)?.parent ?? NOBODY,
    events: (row: number) => rowAt(rows, row)?.events ?? 0,
    slicesBegun: (row: number) => rowAt(rows, row)?.slicesBegun ?? 0,
    slicesEnded: (row: number) => rowAt(rows, row)?.slicesEnded ?? 0,
    cyclesUsed: (row: number) => rowAt(rows, row)?.cyclesUsed ?? 0,
    frames: (row: number) => rowAt(rows, row)?.frames ?? 0,
    calls: (row: number) => rowAt(rows, row)?.calls ?? 0,
    callsOf: (row: number, call: number) => columnAt(rowAt(rows, row)?.callsOf ?? [], call),
    faults: (row: number) => rowAt(rows, row)?.faults ?? 0,
    excess: (row: number) => rowAt(rows, row)?.excess ?? 0,
    handlerCycles: (row: number) => rowAt(rows, row)?.handlerCycles ?? 0,
    forfeited: (row: number) => rowAt(rows, row)?.forfeited ?? 0,
    tag: (row: number) => rowAt(rows, row)?.tag ?? 0,
    allows: (row: number) => rowAt(rows, row)?.transfers.allows ?? 0,
    keptBy: (row: number) => rowAt(rows, row)?.transfers.keptBy?.id ?? NOBODY,
    asid: (row: number) => rowAt(rows, row)?.asid ?? -1,
    regions: (row: number) => rowAt(rows, row)?.regions ?? 0,
    translations: (row: number) => rowAt(spaces.rows, row)?.count ?? 0,
  });

const wouldRun = (environment: Environment | undefined, now: Cycles): boolean =>
  environment !== undefined && isRunnable(environment, now);

const sliceReaders = ({ slices, machine }: Kernel): SliceReaders =>
  publish({
    count: slices.count,
    owner: (index: number) => columnAt(slices.owner, index) as EnvId,
    current: () => slices.current,
    quantum: () => slices.quantum,
    ends: () => machine.timer.deadline(),
  });

const frameReaders = ({ frames }: Kernel): FrameReaders =>
  publish({
    count: frames.count,
    free: () => frames.free,
    owner: (f: number) => columnAt(frames.owner, f) as EnvId,
    bindings: (f: number) => columnAt(frames.bindings, f) + columnAt(frames.pins, f),
    pins: (f: number) => columnAt(frames.pins, f),
    guaranteed: (f: number) => columnAt(frames.guaranteed, f),
    translations: (f: number) => columnAt(frames.translations, f),
  });

const ringReaders = ({ rings: { rows, ids } }: Kernel): RingReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    slots: (row: number) => rowAt(rows, row)?.slots ?? 0,
    next: (row: number) => rowAt(rows, row)?.next ?? 0,
    delivered: (row: number) => rowAt(rows, row)?.delivered ?? 0,
    dropped: (row: number) => rowAt(rows, row)?.dropped ?? 0,
  });

const filterReaders = ({ filters: { rows, ids }, nics }: Kernel): FilterReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    ring: (row: number) => rowAt(rows, row)?.ring ?? 0,
    matched: (row: number) => rowAt(rows, row)?.matched ?? 0,
    unclaimed: (nic: number) => rowAt(nics, nic)?.unclaimed ?? 0,
    atoms: (nic: number) => rowAt(nics, nic)?.demultiplexer.atoms() ?? 0,
  });

const transmitReaders = ({ transmits: { rows, ids } }: Kernel): TransmitReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    user: (row: number) => rowAt(rows, row)?.user.id ?? NOBODY,
    id: (row: number) => (rowAt(rows, row) === undefined ? 0 : ids.idOf(row)),
    nic: (row: number) => rowAt(rows, row)?.nic ?? 0,
    sent: (row: number) => rowAt(rows, row)?.sent ?? 0,
    refused: (row: number) => rowAt(rows, row)?.refused ?? 0,
  });

const extentReaders = ({ extents: { rows, ids } }: Kernel): ExtentReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    disk: (row: number) => rowAt(rows, row)?.disk ?? 0,
    first: (row: number) => rowAt(rows, row)?.first ?? 0,
    blocks: (row: number) => rowAt(rows, row)?.blocks ?? 0,
    transfers: (row: number) => rowAt(rows, row)?.transfers ?? 0,
  });

const streamReaders = (kernel: Kernel): StreamReaders =>
  publish({
    count: kernel.streams.ids.rows,
    owner: (row: number) => rowAt(kernel.streams.rows, row)?.owner.id ?? NOBODY,
    state: (row: number) => streamState(kernel, row),
  });

const nicReaders = ({ machine: { nics } }: Kernel): NicReaders =>
  publish({
    count: nics.length,
    address: (nic: number, index: number) => columnAt(rowAt(nics, nic)?.hardware.address ?? [], index),
    frameBytes: (nic: number) => rowAt(nics, nic)?.hardware.frameBytes ?? 0,
    transmitChecksum: (nic: number) => Number(rowAt(nics, nic)?.hardware.transmitChecksum ?? false),
    segmentationBytes: (nic: number) => rowAt(nics, nic)?.hardware.segmentationBytes ?? 0,
    received: (nic: number) => rowAt(nics, nic)?.counters.received ?? 0,
    transmitted: (nic: number) => rowAt(nics, nic)?.counters.transmitted ?? 0,
    receiveDropped: (nic: number) => rowAt(nics, nic)?.counters.receiveDropped ?? 0,
  });

const diskReaders = ({ machine: { disks } }: Kernel): DiskReaders =>
  publish({
    count: disks.length,
    blocks: (disk: number) => rowAt(disks, disk)?.hardware.blocks ?? 0,
    armPosition: (disk: number) => rowAt(disks, disk)?.armPosition() ?? 0,
  });

/** The published tables of a kernel. */
export const makeReaders = (kernel: Kernel): Readers => ({
  clock: clockReaders(kernel),
  environments: environmentReaders(kernel),
  slices: sliceReaders(kernel),
  frames: frameReaders(kernel),
  rings: ringReaders(kernel),
  filters: filterReaders(kernel),
  handlers: handlerReaders(kernel),
  transmits: transmitReaders(kernel),
  programs: programReaders(kernel),
  extents: extentReaders(kernel),
  streams: streamReaders(kernel),
  nics: nicReaders(kernel),
  disks: diskReaders(kernel),
  system: publish({
    frame: kernel.systemFrame as FrameNumber,
    translations: kernel.softwareBuffer as FrameNumber,
  }),
  guards: guardReaders(kernel),
  regions: regionReaders(kernel),
  messageRings: messageRingReaders(kernel),
  displays: displayReaders(kernel),
  dma: dmaReaders(kernel),
  revocations: revocationReaders(kernel),
});

/** An environment's view of its own capability list. */
export const capabilityReaders = (environment: Environment): CapabilityReaders =>
  publish({
    count: CAPABILITY_SLOTS,
    rights: (slot: number) => capabilityAt(environment.capabilities, slot)?.rights ?? -1,
    name: (slot: number) => {
      const held = capabilityAt(environment.capabilities, slot);
      return held === undefined ? "" : printName(held.name);
    },
  });

/** An environment's view of its own repossession vector. */
export const repossessionReaders = ({ revocation }: Environment): RepossessionReaders =>
  publish({
    count: () => revocation.vector.length,
    lost: () => revocation.lost,
    kind: (index: number) => rowAt(revocation.vector, index)?.kind ?? 0,
    what: (index: number) => rowAt(revocation.vector, index)?.what ?? 0,
    extent: (index: number) => rowAt(revocation.vector, index)?.extent ?? -1,
    block: (index: number) => rowAt(revocation.vector, index)?.block ?? -1,
    status: (index: number) => rowAt(revocation.vector, index)?.status ?? 0,
  });
