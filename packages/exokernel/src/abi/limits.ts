/** Every constant of the interface: unit, and who pays. */

/** Capability slots of one environment. */
export const CAPABILITY_SLOTS = 32;
/** Environments alive at once. */
export const ENVIRONMENTS = 256;
/** Positions in the vector of time slices. */
export const SLICES = 128;
/** Windows of one environment at once. */
export const WINDOWS = 4096;
/** Packet rings at once. */
export const RINGS = 128;
/** Packet filters at once. */
export const FILTERS = 4096;
/** Transmit bindings at once. */
export const TRANSMITS = 1024;
/** Extents at once. */
export const EXTENTS = 1024;
/** Streams at once, over all stream devices. */
export const STREAMS = 4096;
/** Disk transfers of one machine in flight at once. */
export const TRANSFERS = 256;
/** Pieces of one gather list. */
export const GATHER_PIECES = 64;
/** Bytes of one packet slot in a ring; two slots a frame. */
export const RING_SLOT_BYTES = 2048;
/** Frames of one ring: one of ownership words, the others two slots each. */
export const RING_FRAMES_MAX: number = 1 + 512;
/** Frames taken from one network interface in one step, before anybody runs. */
export const RECEIVE_BATCH = 64;
/** Length of a time slice by default, in seconds: 15.625 ms, as on Aegis (SOSP'95 section 4). */
export const QUANTUM_SECONDS = 0.015_625;
/** First component of the names that guard the machine's devices; the second is the device's index. */
export const DEVICE_NAMES = { nic: 2, disk: 3, console: 4, stream: 5 } as const;
