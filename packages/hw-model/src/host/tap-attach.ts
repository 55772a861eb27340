/** How a TAP interface of the Linux kernel is opened and attached to. */
import { closeSync, constants, openSync } from "node:fs";
import { HostError, hostCode, hostError } from "./host-error.ts";
import { LINUX_ERROR } from "./tap-library.ts";
import type { TapLibrary } from "./tap-library.ts";
import type { Waker } from "./waker.ts";

/** Device that makes TAP interfaces (Linux, Documentation/networking/tuntap). */
const TUN_DEVICE = "/dev/net/tun";

/** `ioctl` that names the interface, and its flags: whole Ethernet frames, nothing in front. */
const TUNSETIFF = 0x400454ca,
  IFF_TAP = 0x0002,
  IFF_NO_PI = 0x1000;

/** `struct ifreq`: the name, then the flags at 16. */
const REQUEST_BYTES = 40,
  NAME_BYTES = 16,
  FLAGS_AT = 16;

/** How a TAP is opened. */
export interface TapOptions {
  /** The kernel's interface, at most 15 characters; made if it does not exist, gone after `close` if it was. */
  readonly name: string;
  /** Our own Ethernet address, six octets, other than the kernel's end. */
  readonly address: readonly number[];
  /** Longest frame, header included: the interface's MTU and 14; 1514 unless given. Longer ones are cut. */
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
export const attachTap = (library: TapLibrary, name: string): number => {
  const descriptor = openDescriptor();
  const request = Buffer.alloc(REQUEST_BYTES);
  request.write(name, "latin1");
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI, FLAGS_AT);
  if (library.ioctl(descriptor, TUNSETIFF, request) >= 0) return descriptor;
  const number = library.errorNumber();
  closeSync(descriptor);
  throw refusal(name, number);
};

/** Checks what a TAP is opened with; throws a `HostError` `BadArgument`. */
export const checkTapOptions = (options: TapOptions): void => {
  const { name, address } = options;
  if (!/^[\x21-\x7e]+$/.test(name) || name.length >= NAME_BYTES) {
    throw new HostError(
      "BadArgument",
      `an interface has a name of 1 to ${NAME_BYTES - 1} characters, not "${name}"`,
    );
  }
  const octets =
    address.length === 6 && address.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  if (octets && ((address[0] ?? 1) & 1) === 0) return;
  throw new HostError(
    "BadArgument",
    "an Ethernet address of one interface has six octets, the first of them even",
  );
};
