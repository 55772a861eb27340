/** What interfaces of Linux are opened with, checked before anything is. */
import { HostError } from "./host-error.ts";

/** Bytes of an interface's name, with the zero at its end (Linux, `IFNAMSIZ`). */
const NAME_BYTES = 16;

/** Throws a `HostError` `BadArgument` for a name that no interface can have. */
export const checkInterfaceName = (name: string): void => {
  if (/^[\x21-\x7e]+$/.test(name) && name.length < NAME_BYTES) return;
  throw new HostError(
    "BadArgument",
    `an interface has a name of 1 to ${NAME_BYTES - 1} characters, not "${name}"`,
  );
};

/** Throws a `HostError` `BadArgument` for what is no Ethernet address of one interface. */
export const checkOctets = (address: readonly number[]): void => {
  const octets =
    address.length === 6 && address.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  if (octets && ((address[0] ?? 1) & 1) === 0) return;
  throw new HostError(
    "BadArgument",
    "an Ethernet address of one interface has six octets, the first of them even",
  );
};
