/** Every constant of the interface: unit, and who pays. */
import type { CapSlot } from "./ids.ts";

/** Capability slots of one environment. */
export const CAPABILITY_SLOTS = 32;
/** Environments alive at once, and one: row 0 is never used. */
export const ENVIRONMENTS = 256;
/** Positions in the vector of time slices. */
export const SLICES = 128;
/** Windows of one environment at once. */
export const WINDOWS = 4096;
/** Packet rings at once, and one: row 0 is never used. */
export const RINGS = 128;
/** Packet filters at once, and one: row 0 is never used. */
export const FILTERS = 16_384;
/** Handlers installed at once, and one: row 0 is never used. */
export const HANDLERS = 128;
/** Frames of one handler's memory: 1 MiB. */
export const HANDLER_FRAMES_MAX = 256;
/** Programs at once, and one: row 0 is never used. */
export const PROGRAMS = 512;
/** Bytes of the longest module of a program. */
export const PROGRAM_MODULE_BYTES = 67_108_864;
/** Functions that one program may be offered. */
export const PROGRAM_IMPORTS = 1024;
/** Frames of one program's context: 1 MiB. */
export const CONTEXT_FRAMES_MAX = 256;
/** Times that a library is asked about one access of a program before the program is stopped. */
export const FAULT_ANSWERS = 16;
/** Transmit bindings at once, and one: row 0 is never used. */
export const TRANSMITS = 1024;
/** Extents at once, and one: row 0 is never used. */
export const EXTENTS = 1024;
/** Streams at once, over all stream devices, and one: row 0 is never used. */
export const STREAMS = 4096;
/** Disk transfers of one machine in flight at once. */
export const TRANSFERS = 256;
/** Blocks of one disk transfer: 4 MiB. */
export const TRANSFER_BLOCKS = 1024;
/** Pieces of one gather list. */
export const GATHER_PIECES = 64;
/** Bytes of one packet slot in a ring; two slots a frame. */
export const RING_SLOT_BYTES = 2048;
/** Added to the length in a slot's ownership word when the interface knows that the transport's checksum is right. */
export const RING_CHECKSUM_GOOD = 0x1_0000;
/** Frames of one ring: one of ownership words, the others two slots each. */
export const RING_FRAMES_MAX: number = 1 + 512;
/** Frames taken from one network interface in one step, before anybody runs. */
export const RECEIVE_BATCH = 64;
/** Entries of a guard that the kernel keeps itself; more lie in a frame that the guard points to. */
export const GUARD_ENTRIES = 4;
/** Records of 8 bytes in the frame that a guard points to. */
export const GUARD_RECORDS = 512;
/** Names under which sealed capabilities were expired, at once; past it, names of whoever has most are made one. */
export const EXPIRED_NAMES = 256;
/** The slot that holds the well-known capability in every environment's list. */
export const WELL_KNOWN_SLOT: CapSlot = 31 as CapSlot;
/** Name of the well-known capability; it has no rights, so it only reads. */
export const WELL_KNOWN_NAME: readonly number[] = Object.freeze([0, 1]);
/** Software regions at once. */
export const REGIONS = 1024;
/** Message rings at once. */
export const MESSAGE_RINGS = 127;
/** Bytes of the longest message. */
export const MESSAGE_BYTES = 64;
/** Frames of one message ring: one of ownership and sender words, the others 64 messages each. */
export const MESSAGE_RING_FRAMES_MAX: number = 1 + 8;
/** 32-bit words that a transfer may carry besides its registers. */
export const TRANSFER_WORDS = 16;
/** Transfers that may be nested in one another. */
export const TRANSFER_DEPTH = 16;
/** Calls of one batch. */
export const BATCH_CALLS = 64;
/** Terms of one predicate, over all its products. */
export const PREDICATE_TERMS = 256;
/** Frames that one predicate may pin. */
export const PREDICATE_FRAMES = 128;
/** Frames of one environment that are never repossessed (SOSP'95 section 3.5: five to ten). */
export const GUARANTEED_FRAMES = 10;
/** Entries of a repossession vector; what comes after that is counted, not kept, and not saved. */
export const REPOSSESSIONS = 256;
/** Copies of one machine's DMA engine in flight at once. */
export const DMA_COPIES = 64;
/** Bytes of one copy by DMA. */
export const DMA_BYTES = 4_194_304;
/** Address-space ids of the processor (R3000: 6 bits). */
export const ADDRESS_SPACE_IDS = 64;
/** Excess ticks at which an environment is destroyed by default (Xok: 330). */
export const EXCESS_TICKS_MAX = 330;
/** Frames that are to stay free: with fewer, the kernel asks for some back. */
export const RESERVE_FRAMES = 16;
/** Time to answer a request to give something back, by default, in seconds. */
export const REVOCATION_SECONDS = 0.05;
/** Length of a time slice by default, in seconds: 15.625 ms, as on Aegis (SOSP'95 section 4). */
export const QUANTUM_SECONDS = 0.015_625;
/** First component of the names that guard the machine's devices; the second is the device's index. */
export const DEVICE_NAMES = { nic: 2, disk: 3, console: 4, stream: 5, display: 6 } as const;
