/**
 * Error numbers: where the refusals of the kernel become `errno`, and nowhere else.
 *
 * Source of the numbers: `errno` of `wasi_snapshot_preview1`.
 */
import type { ErrorName, KernelError } from "@exolith/exokernel/abi";

/** Every error number of WASI preview 1, by its POSIX name in lower case. */
export const ERRNO = {
  success: 0,
  "2big": 1,
  acces: 2,
  addrinuse: 3,
  addrnotavail: 4,
  afnosupport: 5,
  again: 6,
  already: 7,
  badf: 8,
  badmsg: 9,
  busy: 10,
  canceled: 11,
  child: 12,
  connaborted: 13,
  connrefused: 14,
  connreset: 15,
  deadlk: 16,
  destaddrreq: 17,
  dom: 18,
  dquot: 19,
  exist: 20,
  fault: 21,
  fbig: 22,
  hostunreach: 23,
  idrm: 24,
  ilseq: 25,
  inprogress: 26,
  intr: 27,
  inval: 28,
  io: 29,
  isconn: 30,
  isdir: 31,
  loop: 32,
  mfile: 33,
  mlink: 34,
  msgsize: 35,
  multihop: 36,
  nametoolong: 37,
  netdown: 38,
  netreset: 39,
  netunreach: 40,
  nfile: 41,
  nobufs: 42,
  nodev: 43,
  noent: 44,
  noexec: 45,
  nolck: 46,
  nolink: 47,
  nomem: 48,
  nomsg: 49,
  noprotoopt: 50,
  nospc: 51,
  nosys: 52,
  notconn: 53,
  notdir: 54,
  notempty: 55,
  notrecoverable: 56,
  notsock: 57,
  notsup: 58,
  notty: 59,
  nxio: 60,
  overflow: 61,
  ownerdead: 62,
  perm: 63,
  pipe: 64,
  proto: 65,
  protonosupport: 66,
  prototype: 67,
  range: 68,
  rofs: 69,
  spipe: 70,
  srch: 71,
  stale: 72,
  timedout: 73,
  txtbsy: 74,
  xdev: 75,
  notcapable: 76,
} as const;

/** The name of an error number. */
export type ErrnoName = keyof typeof ERRNO;

/** What each refusal of the kernel means to a UNIX program. A refusal without a row does not compile. */
export const ERRNO_OF: { readonly [N in ErrorName]: ErrnoName } = {
  BadCapability: "notcapable",
  BadSlot: "notcapable",
  BadName: "inval",
  BadEnvironment: "srch",
  BadProgram: "noexec",
  BadSlice: "inval",
  BadFrame: "fault",
  Busy: "busy",
  Pinned: "busy",
  BadWindow: "fault",
  BadRange: "inval",
  BadRing: "badf",
  BadFilter: "inval",
  Overlap: "addrinuse",
  NoFilter: "noent",
  BadBinding: "badf",
  Forged: "perm",
  BadExtent: "nxio",
  BadStream: "badf",
  NoDevice: "nodev",
  Full: "again",
  Empty: "again",
  BadResource: "inval",
  BadGuard: "inval",
  BadToken: "notcapable",
  BadRegion: "badf",
  NoEntry: "nosys",
  Blocked: "again",
  TooDeep: "nomem",
  Faulted: "io",
  BadPredicate: "inval",
  BadBatch: "inval",
  BadHandler: "noexec",
  NoHandler: "badf",
  BadTranslation: "fault",
  NoProgram: "srch",
  NoOffload: "notsup",
};

/**
 * The result of a UNIX operation as one number: the value if it is 0 or more,
 * else the negative error number.
 */
export type Outcome = number;

/** The outcome that refuses with `name`. */
export const refuse = (name: ErrnoName): Outcome => -ERRNO[name];

/** The outcome of a kernel call that was refused. */
export const refuseAs = (error: KernelError): Outcome => refuse(ERRNO_OF[error.name]);

/** The error number of an outcome, 0 when it succeeded: what a WASI call returns. */
export const errnoOf = (outcome: Outcome): number => (outcome < 0 ? -outcome : ERRNO.success);
