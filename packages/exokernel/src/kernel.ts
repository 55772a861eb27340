/** The kernel's state: the machine and the tables. No logic. */
import { makePhysicalGather, type DiskRequest, type Machine, type PhysicalGather } from "@exolith/hw-model";
import {
  cachedRewrite,
  makeDemultiplexer,
  rewriteProgram,
  type Demultiplexer,
  type RewriteProgram,
} from "@exolith/secure-bind";
import {
  ENVIRONMENTS,
  EXTENTS,
  FILTERS,
  HANDLERS,
  GATHER_PIECES,
  MESSAGE_RINGS,
  PROGRAMS,
  REGIONS,
  RINGS,
  SLICES,
  STREAMS,
  TRANSMITS,
} from "./abi/limits.ts";
import { makeBlockHolders, type BlockHolders } from "./disk/block-holders.ts";
import type { ExtentRow, TransferRow } from "./disk/extent-table.ts";
import type { Environment } from "./environment/environment.ts";
import { WORD_GENERATIONS, makeIdTable, type IdTable } from "./id-table.ts";
import { makeFrameTable, type FrameTable } from "./memory/frame-table.ts";
import { makeWindowTable, type WindowTable } from "./memory/window-table.ts";
import type { FilterRow } from "./network/filter-table.ts";
import type { HandlerRow } from "./network/handler-table.ts";
import type { RingRow } from "./network/packet-ring.ts";
import type { TransmitRow } from "./network/transmit-table.ts";
import type { ProgramRow } from "./program/loaded-program.ts";
import { makeSliceVector, type SliceVector } from "./processor/slice-vector.ts";
import type { StreamRow } from "./stream/stream-table.ts";
import { makeSealState, type SealState } from "./capability/seal.ts";
import { makeDmaState, type DmaState } from "./memory/dma.ts";
import type { RegionRow } from "./memory/region-table.ts";
import { makeAddressSpaces, type AddressSpaces } from "./processor/address-space.ts";
import { makeTimeAccount, type TimeAccount } from "./processor/excess.ts";
import { makeRevocationTotals, type RevocationTotals } from "./revocation/revocation-state.ts";
import type { MessageRingRow } from "./transfer/message-ring.ts";
import type { Trace } from "./trace.ts";
import { makeSpaces, type Spaces } from "./translation/space-table.ts";

/** One network interface as the kernel keeps it. */
export interface NicState {
  readonly demultiplexer: Demultiplexer;
  /** Physical address where arriving frames land before they are classified. */
  readonly staging: number;
  /** Frames that no filter wanted. */
  unclaimed: number;
  /** Frames queued since the last doorbell. */
  queued: boolean;
}

/** Rows of one kind of resource, with the ids that name them. */
export interface Rows<T> {
  readonly ids: IdTable;
  readonly rows: (T | undefined)[];
}

/** Everything the kernel knows. */
export interface Kernel {
  readonly machine: Machine;
  readonly trace: Trace;
  /** Tells the board about a fault, for its log; it must not call the kernel. */
  readonly faulted: (environment: number, reason: unknown) => void;
  readonly environments: Rows<Environment>;
  readonly slices: SliceVector;
  readonly frames: FrameTable;
  readonly windows: WindowTable;
  readonly rings: Rows<RingRow>;
  readonly filters: Rows<FilterRow>;
  readonly handlers: Rows<HandlerRow>;
  readonly transmits: Rows<TransmitRow>;
  readonly spaces: Spaces;
  readonly programs: Rows<ProgramRow>;
  /** Rewrites programs, and remembers some. */
  readonly rewriteProgram: RewriteProgram;
  readonly extents: Rows<ExtentRow>;
  readonly transfers: Map<DiskRequest, TransferRow>;
  /** What the disks call for a finished request; made once, when the kernel is loaded. */
  transferDone: (request: DiskRequest, ok: boolean) => void;
  /** Whose bytes the blocks of each disk contain. */
  readonly blocks: readonly BlockHolders[];
  readonly streams: Rows<StreamRow>;
  /** Row of the stream that each handle of each stream device belongs to, 0 for none. */
  readonly streamRows: readonly Uint16Array[];
  /** Environments that asked each stream device for a stream: all are told of the next. */
  readonly acceptors: readonly Set<Environment>[];
  /** What each stream device calls for a changed stream; made once, when the kernel is loaded. */
  readonly streamChanges: ((handle: number) => void)[];
  readonly nics: readonly NicState[];
  /** Work variable: the physical pieces of the frame being sent. */
  readonly gather: PhysicalGather;
  /** The environment whose upcall is running, the innermost one of a transfer. */
  running: Environment | undefined;
  /** Transfers nested in one another now. */
  transferDepth: number;
  readonly account: TimeAccount;
  readonly regions: Rows<RegionRow>;
  readonly messageRings: Rows<MessageRingRow>;
  readonly dma: DmaState;
  readonly seals: SealState;
  readonly revocations: RevocationTotals;
  readonly addressSpaces: AddressSpaces;
  /** The frame with the kernel's published words. */
  readonly systemFrame: number;
  /** First frame of the software translation buffer, 0 on a machine that needs none. */
  readonly softwareBuffer: number;
  /** True when kernel calls are to be noted in the trace. */
  readonly isTraced: boolean;
  /** Excess ticks at which an environment is destroyed. */
  readonly excessTicksMax: number;
  /** Frames that are to stay free. */
  readonly reserveFrames: number;
  /** Time to answer a revocation, cycles. */
  readonly revocationCycles: number;
}

const makeRows = <T>(count: number, generations?: number): Rows<T> => ({
  ids: makeIdTable(count, generations),
  rows: new Array<T | undefined>(count).fill(undefined),
});

/** A word from the machine's random device, which no environment is told. */
function randomWord({ random }: Machine): number {
  const word = new Uint8Array(4);
  random.fill(word, 0, word.length);
  return new DataView(word.buffer).getUint32(0);
}

/** What a kernel is loaded with. */
export interface KernelParts {
  readonly machine: Machine;
  readonly trace: Trace;
  readonly faulted: (environment: number, reason: unknown) => void;
  /** Length of a slice, cycles. */
  readonly quantum: number;
  /** Physical address of the staging frames of each network interface. */
  readonly staging: readonly number[];
  readonly systemFrame: number;
  readonly softwareBuffer: number;
  readonly excessTicksMax: number;
  readonly reserveFrames: number;
  readonly revocationCycles: number;
}

/** The state of a kernel that has just been loaded: everything is free. */
export const makeKernel = ({ quantum, staging, ...parts }: KernelParts): Kernel => ({
  ...parts,
  isTraced: parts.trace.notesCalls,
  environments: makeRows(ENVIRONMENTS, WORD_GENERATIONS),
  slices: makeSliceVector(SLICES, quantum),
  frames: makeFrameTable(parts.machine.memory.frames),
  windows: makeWindowTable(parts.machine.memory.frames, ENVIRONMENTS),
  rings: makeRows(RINGS),
  filters: makeRows(FILTERS),
  handlers: makeRows(HANDLERS),
  transmits: makeRows(TRANSMITS),
  spaces: makeSpaces(parts.machine.memory.frames),
  programs: makeRows(PROGRAMS),
  rewriteProgram: cachedRewrite(rewriteProgram),
  extents: makeRows(EXTENTS),
  transfers: new Map(),
  transferDone: () => {},
  blocks: parts.machine.disks.map(makeBlockHolders),
  streams: makeRows(STREAMS),
  streamRows: parts.machine.streams.map((device) => new Uint16Array(device.hardware.streams)),
  acceptors: parts.machine.streams.map(() => new Set<Environment>()),
  streamChanges: [],
  nics: staging.map((address) => ({
    demultiplexer: makeDemultiplexer({ seed: randomWord(parts.machine) }),
    staging: address,
    unclaimed: 0,
    queued: false,
  })),
  gather: makePhysicalGather(GATHER_PIECES),
  running: undefined,
  transferDepth: 0,
  account: makeTimeAccount(),
  regions: makeRows(REGIONS + 1),
  messageRings: makeRows(MESSAGE_RINGS + 1),
  dma: makeDmaState(),
  seals: makeSealState(parts.machine.random),
  revocations: makeRevocationTotals(parts.machine.random),
  addressSpaces: makeAddressSpaces(parts.machine.translation),
});

/** The live row that `id` names, or `undefined`. O(1). */
export const rowFor = <T>(table: Rows<T>, id: unknown): T | undefined => {
  const row = table.ids.rowOf(id);
  return row < 0 ? undefined : table.rows[row];
};
