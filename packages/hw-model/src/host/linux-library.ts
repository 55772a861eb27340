/** The calls of the Linux C library that its network interfaces need, through `koffi`. */
import type * as Koffi from "koffi";
import { HostError } from "./host-error.ts";

/** `errno` of the last call, as Linux numbers it. */
export const LINUX_ERROR = {
  notPermitted: 1,
  interrupted: 4,
  inputOutput: 5,
  noDevice: 6,
  again: 11,
  access: 13,
  busy: 16,
  invalid: 22,
  noFamily: 97,
  networkDown: 100,
  noBuffers: 105,
} as const;

/** Calls by descriptor and address; every result below 0 means `errorNumber` says why. */
export interface LinuxLibrary {
  /** Reads one frame into `count` pieces that a vector at `vector` names; bytes. */
  readv(descriptor: number, vector: number, count: number): number;
  /** Writes one frame from `count` pieces that a vector at `vector` names; bytes. */
  writev(descriptor: number, vector: number, count: number): number;
  /** A request whose argument is a record. */
  ioctl(descriptor: number, request: number, record: Uint8Array): number;
  /** A request whose argument is a number. */
  ioctlNumber(descriptor: number, request: number, value: number): number;
  /** A descriptor of a new socket. */
  socket(domain: number, type: number, protocol: number): number;
  /** Closes what `socket` opened: Node.js warns of descriptors that it did not open itself. */
  close(descriptor: number): number;
  /** Gives a socket its address. */
  bind(descriptor: number, address: Uint8Array, bytes: number): number;
  /** Reads the address of a socket. */
  getsockname(descriptor: number, address: Uint8Array, bytes: Uint8Array): number;
  /** Sets an option of a socket. */
  setsockopt(descriptor: number, level: number, name: number, value: Uint8Array, bytes: number): number;
  /** Reads an option of a socket; `bytes` holds its size as a 32-bit number. */
  getsockopt(descriptor: number, level: number, name: number, value: Uint8Array, bytes: Uint8Array): number;
  /** Takes one message to `address`, not waiting; bytes. */
  recv(descriptor: number, address: number, bytes: number): number;
  /** Sends the `count` messages described at `messages`, not waiting; how many. */
  sendmmsg(descriptor: number, messages: number, count: number): number;
  /** Memory that is shared with the kernel through a descriptor; undefined when it is refused. */
  map(descriptor: number, bytes: number): SharedMemory | undefined;
  /** Calls `found` in the event loop whenever the descriptor is readable (true) or broken (false), until closed. */
  watch(descriptor: number, found: (readable: boolean) => void): DescriptorWatch;
  /** Has this thread stand still for so many microseconds, or some tens more. */
  pause(microseconds: number): void;
  /** Why the last call failed. */
  errorNumber(): number;
  /** Where the first byte of `memory` lies; it may be used while `memory` is held. */
  address(memory: Uint8Array): number;
}

/** Memory shared with the kernel. */
export interface SharedMemory {
  readonly buffer: ArrayBuffer;
  /** Gives it back; nothing may touch the buffer afterwards. */
  unmap(): void;
}

/** A descriptor that the event loop watches. */
export interface DescriptorWatch {
  /** Watches again after the descriptor was found broken. */
  restart(): void;
  /** Ends it; the descriptor may be closed then. */
  close(): void;
}

const DONT_WAIT = 0x40;

/** `PROT_READ | PROT_WRITE`, `MAP_SHARED`, and what a refusal returns. */
const READ_WRITE = 3,
  SHARED = 1,
  MAP_FAILED = 0xffff_ffff_ffff_ffffn;

type Definition = ReturnType<Koffi.LibraryHandle["func"]>;
type Bind = (definition: string) => Definition;

const makeMap = (koffi: typeof Koffi, call: Bind): LinuxLibrary["map"] => {
  const mmap = call(
    "void *mmap(uintptr_t address, size_t bytes, int protection, int flags, int descriptor, int64_t offset)",
  );
  const munmap = call("int munmap(void *address, size_t bytes)");
  return (descriptor, bytes) => {
    const memory: unknown = mmap(0, bytes, READ_WRITE, SHARED, descriptor, 0);
    if (memory === null || koffi.address(memory) === MAP_FAILED) return undefined;
    return { buffer: koffi.view(memory, bytes), unmap: () => void munmap(memory, bytes) };
  };
};

/** What the event loop found: a status below 0, or an event that is not to be read, means that it broke. */
const isReadable = (status: unknown, event: unknown): boolean => {
  if (typeof status === "number" && status < 0) return false;
  const events = (typeof status === "object" ? status : event) as { readonly readable?: boolean } | undefined;
  return events?.readable === true;
};

const makeWatch = ({ node }: typeof Koffi): LinuxLibrary["watch"] => {
  const options = { readable: true };
  return (descriptor, found) => {
    const told = (status: unknown, event?: unknown): void => found(isReadable(status, event));
    const handle = node.poll(descriptor, options, told);
    return { restart: () => handle.start(options, told), close: () => handle.close() };
  };
};

const bind = (koffi: typeof Koffi): LinuxLibrary => {
  const library = koffi.load(null);
  const call: Bind = (definition) => library.func(definition);
  const recv = call("int64_t recv(int descriptor, uintptr_t address, size_t bytes, int flags)");
  const send = call(
    "int sendmmsg(int descriptor, uintptr_t messages, unsigned int count, unsigned int flags)",
  );
  return {
    readv: call("int64_t readv(int descriptor, uintptr_t vector, int count)"),
    writev: call("int64_t writev(int descriptor, uintptr_t vector, int count)"),
    ioctl: call("int ioctl(int descriptor, unsigned long request, _Inout_ uint8_t *record)"),
    ioctlNumber: call("int ioctl(int descriptor, unsigned long request, unsigned long value)"),
    socket: call("int socket(int domain, int type, int protocol)"),
    close: call("int close(int descriptor)"),
    bind: call("int bind(int descriptor, _In_ uint8_t *address, unsigned int bytes)"),
    getsockname: call("int getsockname(int descriptor, _Inout_ uint8_t *address, _Inout_ uint8_t *bytes)"),
    setsockopt: call(
      "int setsockopt(int descriptor, int level, int name, _In_ uint8_t *value, unsigned int bytes)",
    ),
    getsockopt: call(
      "int getsockopt(int descriptor, int level, int name, _Inout_ uint8_t *value, _Inout_ uint8_t *bytes)",
    ),
    recv: (descriptor, address, bytes) => recv(descriptor, address, bytes, DONT_WAIT),
    sendmmsg: (descriptor, messages, count) => send(descriptor, messages, count, DONT_WAIT),
    map: makeMap(koffi, call),
    watch: makeWatch(koffi),
    pause: call("int usleep(unsigned int microseconds)"),
    errorNumber: () => koffi.errno(),
    address: (memory) => Number(koffi.address(memory)),
  };
};

const importKoffi = async (what: string): Promise<typeof Koffi> => {
  try {
    return await import("koffi");
  } catch (error) {
    const words = `cannot open ${what}: the optional package koffi is not installed or does not load here`;
    throw new HostError("Unsupported", words, error);
  }
};

/** Loads `koffi` and binds the calls for `what`; rejects with a `HostError` `Unsupported`. */
export const loadLinuxLibrary = async (what: string): Promise<LinuxLibrary> => {
  if (process.platform !== "linux")
    throw new HostError("Unsupported", `${what} needs Linux; this host is ${process.platform}`);
  return bind(await importKoffi(what));
};
