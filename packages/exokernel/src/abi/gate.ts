/** The gate: everything that an environment can ask of the kernel. */
import type { Batch } from "./batch.ts";
import type { CapabilityCalls } from "./calls/capability.ts";
import type { DeviceCalls } from "./calls/device.ts";
import type { DiskCalls } from "./calls/disk.ts";
import type { EnvironmentCalls } from "./calls/environment.ts";
import type { HandlerCalls } from "./calls/handler.ts";
import type { MemoryCalls } from "./calls/memory.ts";
import type { NetworkCalls } from "./calls/network.ts";
import type { ProgramCalls } from "./calls/program.ts";
import type { RevocationCalls } from "./calls/revocation.ts";
import type { SelfCalls } from "./calls/self.ts";
import type { SliceCalls } from "./calls/slice.ts";
import type { StreamCalls } from "./calls/stream.ts";
import type { TransferCalls } from "./calls/transfer.ts";
import type { TranslationCalls } from "./calls/translation.ts";
import type { EnvId } from "./ids.ts";
import type { ProgramReaders, TranslationReaders } from "./program-tables.ts";
import type {
  CapabilityReaders,
  ClockReaders,
  DiskReaders,
  DisplayReaders,
  DmaReaders,
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
} from "./tables.ts";
import type { Gather } from "./window.ts";

/** The calls of the kernel. Every method already is one environment's; `slot` names the capability relied on. */
export interface GateCalls
  extends
    SelfCalls,
    CapabilityCalls,
    EnvironmentCalls,
    SliceCalls,
    TransferCalls,
    MemoryCalls,
    NetworkCalls,
    HandlerCalls,
    DiskCalls,
    RevocationCalls,
    StreamCalls,
    TranslationCalls,
    ProgramCalls,
    DeviceCalls {}

/** What an environment holds: the calls, and the published tables. Frozen. */
export interface Gate extends GateCalls {
  readonly self: EnvId;
  /** Versions of the kernel behind this gate; a library operating system compares them with those it was written for. */
  readonly abiVersion: number;
  readonly tableVersion: number;
  /** An empty gather list. */
  gather(): Gather;
  /** An empty batch. */
  batch(): Batch;
  readonly system: SystemReaders;
  readonly clock: ClockReaders;
  readonly capabilities: CapabilityReaders;
  readonly guards: GuardReaders;
  readonly environments: EnvironmentReaders;
  readonly slices: SliceReaders;
  readonly frames: FrameReaders;
  readonly regions: RegionReaders;
  readonly rings: RingReaders;
  readonly messageRings: MessageRingReaders;
  readonly filters: FilterReaders;
  readonly handlers: HandlerReaders;
  readonly transmits: TransmitReaders;
  readonly programs: ProgramReaders;
  readonly extents: ExtentReaders;
  readonly streams: StreamReaders;
  readonly nics: NicReaders;
  readonly disks: DiskReaders;
  readonly displays: DisplayReaders;
  readonly dma: DmaReaders;
  readonly revocations: RevocationReaders;
  readonly repossessions: RepossessionReaders;
  readonly translation: TranslationReaders;
}
