/** WASI for programs without a kernel below: the same calls whatever runs them, so that only the code differs. */
import {
  type Descriptor,
  DescriptorTable,
  makeWasi,
  openBytes,
  openNull,
  openSink,
  preopenDescriptor,
  streamDescriptor,
  type Clock,
  type FileTree,
  type ProgramMemory,
  type Wasi,
} from "@exolith/libos-unix";
import { directoryOf } from "@exolith/libos-unix/board";

/** What a program is given. */
export interface Given {
  /** Arguments behind the program's name. */
  readonly args?: readonly string[];
  /** Files below `/`. */
  readonly files?: FileTree;
  /** Told what it writes to standard output; nobody is unless given. */
  readonly output?: (bytes: Uint8Array) => void;
}

const MILLISECONDS = 1000;
const NANOSECONDS_OF_MILLISECOND = 1e6;

const hostClock: Clock = {
  resolution: 1,
  read: (into) => {
    const now = performance.now();
    into.seconds = Math.floor(now / MILLISECONDS);
    into.nanoseconds = Math.floor((now - into.seconds * MILLISECONDS) * NANOSECONDS_OF_MILLISECOND);
  },
};

/** WASI over `memory`, with nothing to read on standard input, and errors forgotten. */
export function makeLibos(memory: () => ProgramMemory, { args = [], files, output }: Given): Wasi {
  const descriptors = new DescriptorTable();
  const opened: Descriptor[] = [
    streamDescriptor(openBytes(new Uint8Array(0))),
    streamDescriptor(output === undefined ? openNull() : openSink(output)),
    streamDescriptor(openNull()),
  ];
  if (files !== undefined) opened.push(preopenDescriptor(directoryOf(files), "/"));
  for (const descriptor of opened) descriptors.open(descriptor);
  return makeWasi({
    memory,
    args: ["program", ...args],
    clocks: { realtime: hostClock, monotonic: hostClock, processor: hostClock },
    random: (into) => void into.fill(1),
    descriptors,
  });
}

/** The types of all functions that programs may import. */
export const signatures: Wasi["signatures"] = makeLibos(() => {
  throw new Error("nothing runs");
}, {}).signatures;
