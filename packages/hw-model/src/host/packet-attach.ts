/** How a packet socket on an interface of Linux is opened, and what it must be allowed. */
import { HostError } from "./host-error.ts";
import { checkInterfaceName, checkOctets } from "./interface-options.ts";
import { LINUX_ERROR, type LinuxLibrary } from "./linux-library.ts";
import { packetFilter } from "./packet-filter.ts";
import type { Waker } from "./waker.ts";

/** How an interface of Linux is used. */
export interface PacketNicOptions {
  /** Linux's interface, which is there and stays its own: `eth1` for example. */
  readonly interface: string;
  /** Our own Ethernet address, six octets; the interface's unless given. */
  readonly address?: readonly number[];
  /** Longest frame, header included; the interface's MTU and 14, at most 1514, unless given. */
  readonly frameBytes?: number;
  /** Frames that the ring holds which Linux fills, rounded up to 32; 1024 unless given. */
  readonly receiveSlots?: number;
  /** Woken when a frame arrived. */
  readonly waker?: Waker;
}

/** What an interface of Linux is. */
export interface LinuxInterface {
  readonly name: string;
  readonly index: number;
  readonly address: readonly number[];
  /** Longest packet, bytes. */
  readonly mtu: number;
}

/** Socket families, types and levels (Linux, `bits/socket.h`). */
const AF_PACKET = 17,
  SOCK_RAW = 3,
  SOCK_CLOEXEC = 0o2000000,
  SOL_SOCKET = 1,
  SOL_PACKET = 263;

/** Options of a socket, and of a packet socket (`asm-generic/socket.h`, `linux/if_packet.h`). */
const SO_ERROR = 4,
  SO_SNDBUF = 7,
  SO_RCVBUF = 8,
  SO_ATTACH_FILTER = 26,
  SO_SNDBUFFORCE = 32,
  SO_RCVBUFFORCE = 33;
export const PACKET = {
  addMembership: 1,
  receiveRing: 5,
  statistics: 6,
  copyThreshold: 7,
  version: 10,
  virtioHeader: 15,
  ignoreOutgoing: 23,
} as const;
const TPACKET_V2 = 1,
  MEMBER_UNICAST = 3;

/** Frames of every protocol, in network order. */
const EVERY_PROTOCOL = 0x0003;

/** `ioctl`s that ask about an interface by name; `struct ifreq`: the name, then the answer. */
const SIOCGIFMTU = 0x8921,
  SIOCGIFHWADDR = 0x8927,
  SIOCGIFINDEX = 0x8933,
  REQUEST_BYTES = 40,
  NAME_BYTES = 16,
  HARDWARE_ETHERNET = 1;

/** `struct sockaddr_ll`: family, protocol, interface. */
const ADDRESS_BYTES = 20,
  PROTOCOL_AT = 2,
  INDEX_AT = 4;

/** Bytes that may wait in Linux on the way out, and of super-segments on the way in. */
const SEND_BYTES = 8 * 2 ** 20,
  RECEIVE_BYTES = 8 * 2 ** 20;

const word32 = (value: number): Uint8Array => new Uint8Array(Int32Array.of(value).buffer);

/** An open packet socket and what it is on. */
export interface PacketSocket {
  readonly descriptor: number;
  readonly on: LinuxInterface;
}

const ask = (linux: LinuxLibrary, descriptor: number, request: number, name: string): DataView => {
  const record = new Uint8Array(REQUEST_BYTES);
  record.set(Buffer.from(name, "latin1"));
  if (linux.ioctl(descriptor, request, record) >= 0) return new DataView(record.buffer, NAME_BYTES);
  throw new HostError("NoSuchInterface", `this host has no interface ${name}`);
};

/** Looks an interface up by name; throws a `HostError`. */
const lookUp = (linux: LinuxLibrary, descriptor: number, name: string): LinuxInterface => {
  const index = ask(linux, descriptor, SIOCGIFINDEX, name).getInt32(0, true);
  const hardware = ask(linux, descriptor, SIOCGIFHWADDR, name);
  if (hardware.getUint16(0, true) !== HARDWARE_ETHERNET)
    throw new HostError("BadArgument", `the interface ${name} is no Ethernet interface`);
  const address = Array.from({ length: 6 }, (_, i) => hardware.getUint8(2 + i));
  return { name, index, address, mtu: ask(linux, descriptor, SIOCGIFMTU, name).getInt32(0, true) };
};

const openSocket = (linux: LinuxLibrary): number => {
  const descriptor = linux.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (descriptor >= 0) return descriptor;
  const number = linux.errorNumber();
  if (number === LINUX_ERROR.notPermitted || number === LINUX_ERROR.access)
    throw new HostError(
      "NotPermitted",
      "cannot open a packet socket: not permitted (needs CAP_NET_RAW, or root)",
    );
  if (number === LINUX_ERROR.noFamily)
    throw new HostError("Unsupported", "cannot open a packet socket: this kernel has none (CONFIG_PACKET)");
  throw new HostError("DeviceFailed", `cannot open a packet socket: error ${number}`);
};

/** Sets an option of the packet level; throws a `HostError` that says what this kernel lacks. */
const must = (linux: LinuxLibrary, descriptor: number, name: number, value: Uint8Array): void => {
  if (linux.setsockopt(descriptor, SOL_PACKET, name, value, value.length) >= 0) return;
  const number = linux.errorNumber();
  throw new HostError(
    "Unsupported",
    `this kernel's packet sockets cannot do what is needed (option ${name}: error ${number})`,
  );
};

/** Sets a buffer's size, beyond the limit of users where that is allowed. */
const setBuffer = (
  linux: LinuxLibrary,
  descriptor: number,
  names: readonly [number, number],
  bytes: number,
): void => {
  const value = word32(bytes);
  if (linux.setsockopt(descriptor, SOL_SOCKET, names[0], value, 4) < 0)
    linux.setsockopt(descriptor, SOL_SOCKET, names[1], value, 4);
};

const attachFilter = (linux: LinuxLibrary, descriptor: number, address: readonly number[]): void => {
  const code = packetFilter(address);
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, code.length / 8, true);
  program.setBigUint64(8, BigInt(linux.address(code)), true);
  const set = linux.setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(program.buffer), 16);
  if (set < 0)
    throw new HostError("Unsupported", `this kernel refuses the filter: error ${linux.errorNumber()}`);
};

/** Has the interface receive what is for `address`, if that is not its own. */
const join = (
  linux: LinuxLibrary,
  descriptor: number,
  on: LinuxInterface,
  address: readonly number[],
): void => {
  if (address.every((octet, i) => octet === on.address[i])) return;
  const request = new DataView(new ArrayBuffer(16));
  request.setInt32(0, on.index, true);
  request.setUint16(4, MEMBER_UNICAST, true);
  request.setUint16(6, address.length, true);
  address.forEach((octet, i) => request.setUint8(8 + i, octet));
  must(linux, descriptor, PACKET.addMembership, new Uint8Array(request.buffer));
};

const socketAddress = (index: number): Uint8Array => {
  const address = new DataView(new ArrayBuffer(ADDRESS_BYTES));
  address.setUint16(0, AF_PACKET, true);
  address.setUint16(PROTOCOL_AT, EVERY_PROTOCOL, false);
  address.setInt32(INDEX_AT, index, true);
  return new Uint8Array(address.buffer);
};

/** Has frames come: nothing is received before, so that the ring never holds another interface's. Throws a `HostError`. */
export const startReceiving = (linux: LinuxLibrary, { descriptor, on }: PacketSocket): void => {
  if (linux.bind(descriptor, socketAddress(on.index), ADDRESS_BYTES) >= 0) return;
  const number = linux.errorNumber();
  if (number === LINUX_ERROR.networkDown) return;
  throw new HostError("DeviceFailed", `cannot use the interface ${on.name}: error ${number}`);
};

/** Options that are checked before anything is opened; throws a `HostError` `BadArgument`. */
export const checkPacketOptions = (options: PacketNicOptions): void => {
  checkInterfaceName(options.interface);
  if (options.address !== undefined) checkOctets(options.address);
  const { frameBytes = 1514, receiveSlots = 32 } = options;
  if (!Number.isInteger(frameBytes) || frameBytes < 60 || frameBytes > 65_549)
    throw new HostError("BadArgument", "the longest frame of an interface has 60 to 65549 bytes");
  if (!Number.isInteger(receiveSlots) || receiveSlots < 1 || receiveSlots > 65_536)
    throw new HostError("BadArgument", "a receive ring has 1 to 65536 slots");
};

/** Opens a packet socket for an interface that has our address; it receives nothing yet. Throws a `HostError`. */
export const openPacketSocket = (linux: LinuxLibrary, options: PacketNicOptions): PacketSocket => {
  const descriptor = openSocket(linux);
  try {
    const on = lookUp(linux, descriptor, options.interface);
    const address = options.address ?? on.address;
    must(linux, descriptor, PACKET.version, word32(TPACKET_V2));
    must(linux, descriptor, PACKET.virtioHeader, word32(1));
    must(linux, descriptor, PACKET.ignoreOutgoing, word32(1));
    must(linux, descriptor, PACKET.copyThreshold, word32(1));
    attachFilter(linux, descriptor, address);
    setBuffer(linux, descriptor, [SO_SNDBUFFORCE, SO_SNDBUF], SEND_BYTES);
    setBuffer(linux, descriptor, [SO_RCVBUFFORCE, SO_RCVBUF], RECEIVE_BYTES);
    join(linux, descriptor, on, address);
    return { descriptor, on };
  } catch (error) {
    linux.close(descriptor);
    throw error;
  }
};

/** The ring that Linux fills: `slots` slots of `slotBytes`, in blocks of `blockBytes`. Throws a `HostError`. */
export const makeReceiveRing = (
  linux: LinuxLibrary,
  descriptor: number,
  {
    blockBytes,
    slotBytes,
    slots,
  }: { readonly blockBytes: number; readonly slotBytes: number; readonly slots: number },
): void => {
  const blocks = (slots * slotBytes) / blockBytes;
  const request = new Uint8Array(Uint32Array.of(blockBytes, blocks, slotBytes, slots).buffer);
  must(linux, descriptor, PACKET.receiveRing, request);
};

/** Frames that found the ring full since this was last asked. */
export const readDropped = (linux: LinuxLibrary, descriptor: number): number => {
  const value = new Uint8Array(8);
  if (linux.getsockopt(descriptor, SOL_PACKET, PACKET.statistics, value, word32(8)) < 0) return 0;
  return new DataView(value.buffer).getUint32(4, true);
};

/** The error that the socket met since this was last asked, 0 for none. */
export const takeError = (linux: LinuxLibrary, descriptor: number): number => {
  const value = new Uint8Array(4);
  if (linux.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, value, word32(4)) < 0) return linux.errorNumber();
  return new DataView(value.buffer).getInt32(0, true);
};

/** True when the interface that the socket was bound to was removed. */
export const isRemoved = (linux: LinuxLibrary, descriptor: number): boolean => {
  const address = new Uint8Array(ADDRESS_BYTES);
  if (linux.getsockname(descriptor, address, word32(ADDRESS_BYTES)) < 0) return true;
  return new DataView(address.buffer).getInt32(INDEX_AT, true) <= 0;
};
