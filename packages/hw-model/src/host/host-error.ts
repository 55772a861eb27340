/** What can go wrong when a device of the host is opened, by name. */

/** The state that stood in the way. */
export type HostErrorName =
  /** Another program listens on that address and port. */
  | "AddressInUse"
  /** The address is not one of this host's. */
  | "NoSuchAddress"
  /** This host has no network interface of that name. */
  | "NoSuchInterface"
  /** The host refuses it to this user. */
  | "NotPermitted"
  /** A directory or file that was named does not exist. */
  | "NoSuchFile"
  /** The host's disk, or its quota, is full. */
  | "NoSpace"
  /** Something else uses the device already. */
  | "Busy"
  /** This host or this installation cannot do it at all. */
  | "Unsupported"
  /** The request makes no sense, whoever asks. */
  | "BadArgument"
  /** Anything else; `cause` has the host's own words. */
  | "DeviceFailed";

const NAMES: Readonly<Record<string, HostErrorName>> = {
  EADDRINUSE: "AddressInUse",
  EADDRNOTAVAIL: "NoSuchAddress",
  ENOTFOUND: "NoSuchAddress",
  EAI_AGAIN: "NoSuchAddress",
  EACCES: "NotPermitted",
  EPERM: "NotPermitted",
  EROFS: "NotPermitted",
  ENOENT: "NoSuchFile",
  ENOTDIR: "NoSuchFile",
  EISDIR: "BadArgument",
  ERR_SOCKET_BAD_PORT: "BadArgument",
  EINVAL: "BadArgument",
  ENOSPC: "NoSpace",
  EDQUOT: "NoSpace",
  EFBIG: "NoSpace",
  EBUSY: "Busy",
  ENODEV: "Unsupported",
  ENXIO: "Unsupported",
};

/** A host device that could not be opened; `name` says why, `message` says it to a person. */
export class HostError extends Error {
  override readonly name: HostErrorName;

  /** `name` for programs, `message` for people, `cause` as the host gave it. */
  constructor(name: HostErrorName, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = name;
  }
}

/** The host's own code for an error (`EACCES` and so on), empty when it has none. */
export const hostCode = (error: unknown): string => {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
};

/** Names the error that `what` met: "cannot <what>: <the host's words>". */
export const hostError = (what: string, error: unknown): HostError => {
  const words = error instanceof Error ? error.message : String(error);
  return new HostError(NAMES[hostCode(error)] ?? "DeviceFailed", `cannot ${what}: ${words}`, error);
};
