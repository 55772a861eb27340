/**
 * Instructions that TypeScript code stands for and nobody charges: counted by stage, the same for every server.
 *
 * The kernel charges its calls, its copies and its devices, windows charge the
 * bytes that go through them. What is left is the code between: TCP, sockets,
 * HTTP, and what a monolithic kernel does that ours does not. A count is from
 * where its stage says; one that names nothing is our own estimate of what such
 * code does, made before anything was measured and the same in every series.
 */
import { PRIMITIVES, type Meter, type PrimitiveName, type Stage } from "@exolith/hw-model";

/** Words of an exception frame on a stack: eight registers, four segments, error, counter, flags, stack. */
const EXCEPTION_WORDS = 17;
/** Whatever is saved is restored. */
const SAVED_AND_RESTORED: number = 2 * EXCEPTION_WORDS;

/** The name of a piece of work. */
export type WorkName =
  | "interrupt"
  | "ipPacket"
  | "tcpSegment"
  | "tcpConnection"
  | "httpRequest"
  | "httpByte"
  | "httpHead"
  | "libraryCall"
  | "systemCall"
  | "processSwitch"
  | "wakeup"
  | "softInterrupt"
  | "buffer"
  | "socketMade"
  | "socketCall"
  | "select"
  | "selectDescriptor"
  | "fileOpen"
  | "fileStat"
  | "fileBlock"
  | "fileClose"
  | "fork"
  | "forkPage"
  | "copyOnWrite"
  | "exit";

/** What each piece consists of; the comments say what one unit is. */
export const WORK: Readonly<Record<WorkName, readonly Stage[]>> = {
  /** A frame has arrived: on either kernel. */
  interrupt: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "registers saved and restored", word: SAVED_AND_RESTORED },
    { what: "driver found, status looked at, its ring moved on", instruction: 40, word: 10 },
  ],
  /** An IPv4 header checked or written. */
  ipPacket: [{ what: "fields, route or owner, checksum folded", instruction: 48, word: 12 }],
  /** One segment, in or out. */
  tcpSegment: [
    {
      what: "common path, fewer than 200 instructions (Clark, Romkey and Salwen 1988) of which a quarter touch memory",
      instruction: 150,
      word: 50,
    },
  ],
  /** One connection of TCP, made and ended. */
  tcpConnection: [
    { what: "control block cleared", touchByte: 256 },
    { what: "filled, entered under its ports, timers, removed", instruction: 300, word: 100 },
  ],
  /** One request understood: method, target, fields told apart. */
  httpRequest: [{ what: "target checked and looked up by its hash", instruction: 300, word: 80 }],
  /** One byte of a request. */
  httpByte: [{ what: "loaded, its kind looked up, branched on", instruction: 4, word: 2 }],
  /** One head of a response, besides the copy of its bytes. */
  httpHead: [{ what: "status, length, type, date put together", instruction: 150, word: 40 }],

  /** A call of a library in the caller's own address space. */
  libraryCall: [{ what: "four registers saved and restored, argument checked", instruction: 10, word: 8 }],
  /** The way into a monolithic kernel and back. */
  systemCall: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "registers saved and restored", word: SAVED_AND_RESTORED },
    { what: "number checked, row found, arguments copied in", instruction: 45, word: 12 },
    { what: "place to return to when interrupted", instruction: 10, word: 8 },
    { what: "result stored, signals and priority looked at", instruction: 35, word: 10 },
  ],
  /** From one process to another. */
  processSwitch: [
    { what: "address space of the next", addressSwitch: 1 },
    { what: "run queue, registers and map of the next", instruction: 80, word: 50 },
  ],
  /** Somebody who sleeps is told. */
  wakeup: [{ what: "sleepers looked up by what they wait for, made runnable", instruction: 50, word: 16 }],
  /** A packet goes from the driver to the protocols. */
  softInterrupt: [{ what: "queued, levels of interrupts changed, taken off", instruction: 40, word: 12 }],
  /** A buffer of the kernel's for a packet or a part of one. */
  buffer: [{ what: "taken, filled in, linked, later freed", instruction: 60, word: 24 }],

  /** A socket beside its connection. */
  socketMade: [{ what: "socket and descriptor made, queued, later freed", instruction: 250, word: 80 }],
  /** What a call on a socket does besides crossing and copying. */
  socketCall: [{ what: "descriptor found, socket locked, state checked", instruction: 80, word: 24 }],
  /** One look at all descriptors. */
  select: [{ what: "sets copied in and out, loop set up", instruction: 60, word: 16 }],
  /** One descriptor in it. */
  selectDescriptor: [{ what: "bit tested, socket found, state looked at", instruction: 24, word: 6 }],

  /** A file opened by its path of two names. */
  fileOpen: [{ what: "names found in the cache, rights, descriptor", instruction: 600, word: 200 }],
  /** What is known of an open file. */
  fileStat: [{ what: "attributes gathered", instruction: 150, word: 60 }],
  /** One block found in the buffer cache. */
  fileBlock: [{ what: "hash, lock, release", instruction: 180, word: 60 }],
  /** An open file closed. */
  fileClose: [{ what: "descriptor and lock given up", instruction: 100, word: 30 }],

  /** A process made from another. */
  fork: [
    { what: "records, descriptors and map of the child", instruction: 1500, word: 500 },
    { what: "user area and kernel stack copied", copyByte: 8192 },
  ],
  /** One page that child and parent share from then on, and that the child gives up when it ends. */
  forkPage: [{ what: "entry copied, both protected, later removed", instruction: 30, word: 10 }],
  /** A protected page written to, besides its copy. */
  copyOnWrite: [
    { what: "exception taken and returned from", trap: 1 },
    { what: "registers saved and restored", word: SAVED_AND_RESTORED },
    { what: "map and object looked up, page found, entry replaced", instruction: 350, word: 100 },
  ],
  /** A process that ends, until its parent knows. */
  exit: [{ what: "descriptors, map, accounts; parent signalled and waiting", instruction: 1200, word: 400 }],
};

/** All of them. */
export const WORK_NAMES: readonly WorkName[] = Object.keys(WORK) as WorkName[];

/** Charges work as it is done, and counts it. */
export interface Labour {
  do(work: WorkName, units?: number): void;
  /** Units done so far. */
  readonly done: Readonly<Record<WorkName, number>>;
}

type Charge = readonly [primitive: PrimitiveName, units: number];

/** The primitives of one unit, each once. */
export function chargesOf(work: WorkName): readonly Charge[] {
  const sumOf = (name: PrimitiveName): number =>
    WORK[work].reduce((sum, stage) => sum + (stage[name] ?? 0), 0);
  return PRIMITIVES.map((name): Charge => [name, sumOf(name)]).filter(([, units]) => units > 0);
}

/** Labour that is charged to `meter`. */
export function makeLabour(meter: Meter): Labour {
  const charges = Object.fromEntries(WORK_NAMES.map((work) => [work, chargesOf(work)])) as Record<
    WorkName,
    readonly Charge[]
  >;
  const done = Object.fromEntries(WORK_NAMES.map((work) => [work, 0])) as Record<WorkName, number>;
  return {
    done,
    do: (work, units = 1) => {
      done[work] += units;
      for (const [primitive, count] of charges[work]) meter.charge(primitive, count * units);
    },
  };
}
