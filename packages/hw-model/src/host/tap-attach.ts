/** How a TAP interface of the Linux kernel is opened and attached to. */
import { closeSync, constants, openSync } from "node:fs";
import { HostError, hostCode, hostError } from "./host-error.ts";
import { checkInterfaceName, checkOctets } from "./interface-options.ts";
import { LINUX_ERROR, type LinuxLibrary } from "./linux-library.ts";
import { VIRTIO_BYTES } from "./virtio-header.ts";
import type { Waker } from "./waker.ts";

/** Device that makes TAP interfaces (Linux, Documentation/networking/tuntap). */
const TUN_DEVICE = "/dev/net/tun";

/** `ioctl` that names the interface, and its flags: whole Ethernet frames with the virtio header in front. */
const TUNSETIFF = 0x400454ca,
  IFF_TAP = 0x0002,
  IFF_NO_PI = 0x1000,
  IFF_VNET_HDR = 0x4000;

/** `ioctl`s that say what we take (checksums left open, super-segments over IPv4), and how long the header is. */
const TUNSETOFFLOAD = 0x400454d0,
  TUN_F_CSUM = 0x01,
  TUN_F_TSO4 = 0x02,
  TUNSETVNETHDRSZ = 0x400454d8;

/** `struct ifreq`: the name, then the flags at 16. */
const REQUEST_BYTES = 40,
  FLAGS_AT = 16;

/** How a TAP is opened. */
export interface TapOptions {
  /** The kernel's interface, at most 15 characters; made if it does not exist, gone after `close` if it was. */
  readonly name: string;
  /** Our own Ethernet address, six octets, other than the kernel's end. */
  readonly address: readonly number[];
  /** Longest frame, header included: the interface's MTU and 14; 1514 unless given. Longer ones are lost. */
  readonly frameBytes?: number;
  /** Woken when a frame arrived. */
  readonly waker?: Waker;
}

const refusal = (name: string, number: number): HostError => {
  const what = `cannot attach to the interface ${name}`;
  if (number === LINUX_ERROR.notPermitted || number === LINUX_ERROR.access) {
    return new HostError(
      "NotPermitted",
      `${what}: not permitted (needs root or CAP_NET_ADMIN, or an interface made for this user)`,
    );
  }
  if (number === LINUX_ERROR.busy) return new HostError("Busy", `${what}: something else is attached to it`);
  if (number === LINUX_ERROR.invalid) {
    return new HostError("BadArgument", `${what}: no such name is possible, or it is no TAP`);
  }
  return new HostError("DeviceFailed", `${what}: error ${number}`);
};

const openDescriptor = (): number => {
  try {
    return openSync(TUN_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    const missing = ["ENOENT", "ENODEV", "ENXIO"].includes(hostCode(error));
    if (missing)
      throw new HostError("Unsupported", `cannot open a TAP: this host has no ${TUN_DEVICE}`, error);
    throw hostError("open a TAP", error);
  }
};

/** A descriptor that is the other end of the kernel's interface `name`; throws a `HostError`. */
export const attachTap = (library: LinuxLibrary, name: string): number => {
  const descriptor = openDescriptor();
  const request = Buffer.alloc(REQUEST_BYTES);
  request.write(name, "latin1");
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, FLAGS_AT);
  const size = Buffer.alloc(4);
  size.writeInt32LE(VIRTIO_BYTES);
  const isAttached =
    library.ioctl(descriptor, TUNSETIFF, request) >= 0 &&
    library.ioctl(descriptor, TUNSETVNETHDRSZ, size) >= 0 &&
    library.ioctlNumber(descriptor, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) >= 0;
  if (isAttached) return descriptor;
  const number = library.errorNumber();
  closeSync(descriptor);
  throw refusal(name, number);
};

/** Checks what a TAP is opened with; throws a `HostError` `BadArgument`. */
export const checkTapOptions = ({ name, address }: TapOptions): void => {
  checkInterfaceName(name);
  checkOctets(address);
};
