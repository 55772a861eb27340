/** Refusals: what a kernel call returns instead of its result. */

/** Every reason for which the kernel refuses a call, with its number towards WebAssembly. */
export const ERROR_CODES = {
  /** The slot's capability does not reach the guard, or lacks the right. */
  BadCapability: 1,
  /** No capability in that slot, or no free slot to put one. */
  BadSlot: 2,
  /** A malformed name, or rights outside the record. */
  BadName: 3,
  /** No such environment, or it is dead. */
  BadEnvironment: 4,
  /** The program threw while it was being started, or does not verify. */
  BadProgram: 5,
  /** No such slice position. */
  BadSlice: 6,
  /** A frame outside RAM, or one that the caller's claim does not reach. */
  BadFrame: 7,
  /** The resource is taken. */
  Busy: 8,
  /** A device or a ring still uses the frames. */
  Pinned: 9,
  /** A window that is dead, foreign or not bound for writing. */
  BadWindow: 10,
  /** An offset, length or count outside what is named. */
  BadRange: 11,
  /** No such packet ring, or not the caller's. */
  BadRing: 12,
  /** The filter does not verify: too long, out of bounds, or malformed. */
  BadFilter: 13,
  /** An identical filter is installed. */
  Overlap: 14,
  /** No such filter. */
  NoFilter: 15,
  /** No such transmit binding, or not the caller's. */
  BadBinding: 16,
  /** The frame is not one that the transmit binding allows. */
  Forged: 17,
  /** No such extent, or not the caller's to use. */
  BadExtent: 18,
  /** No such stream, or not the caller's. */
  BadStream: 19,
  /** No such device. */
  NoDevice: 20,
  /** A table or a device queue is full for now. */
  Full: 21,
  /** Nothing to hand over at the moment. */
  Empty: 22,
  /** No such resource of that kind, or a kind that this call does not concern. */
  BadResource: 23,
  /** A guard cannot look like that: no such entry, or the first without all rights. */
  BadGuard: 24,
  /** The bytes are no sealed capability of this machine, or it has expired. */
  BadToken: 25,
  /** No such region. */
  BadRegion: 26,
  /** The environment has no entry for that kind of transfer. */
  NoEntry: 27,
  /** The environment does not accept transfers now. */
  Blocked: 28,
  /** Transfers are nested as deep as they may be. */
  TooDeep: 29,
  /** The other side faulted while it served the call. */
  Faulted: 30,
  /** Not a well-formed predicate. */
  BadPredicate: 31,
  /** Not a batch that `batch()` made, or an empty one. */
  BadBatch: 32,
  /** The handler does not verify, does not fit its memory, or could not be started. */
  BadHandler: 33,
  /** No such handler, or not the caller's. */
  NoHandler: 34,
  /** No address space, or a translation that was not bound with that right. */
  BadTranslation: 35,
  /** No such program, or not the caller's. */
  NoProgram: 36,
  /** The interface cannot do what the gather list leaves to it. */
  NoOffload: 37,
} as const;

/** The name of a refusal; a noun of state. */
export type ErrorName = keyof typeof ERROR_CODES;

/** A refusal: one frozen instance per name, so it costs nothing to return. */
export interface KernelError<N extends ErrorName = ErrorName> {
  readonly name: N;
  /** Positive; towards WebAssembly a refusal is its negative. */
  readonly code: number;
}

/** The result of a kernel call: the value itself, or why not. */
export type Sys<T, N extends ErrorName> = T | { [K in N]: KernelError<K> }[N];

class Refusal<N extends ErrorName> implements KernelError<N> {
  readonly name: N;
  readonly code: number;
  constructor(name: N) {
    this.name = name;
    this.code = ERROR_CODES[name];
    Object.freeze(this);
  }
}

const names = Object.keys(ERROR_CODES) as ErrorName[];

/** The interned refusals, by name. */
export const ERRORS: { readonly [N in ErrorName]: KernelError<N> } = Object.freeze(
  Object.fromEntries(names.map((name) => [name, new Refusal(name)])),
) as unknown as { readonly [N in ErrorName]: KernelError<N> };

/** True when a kernel call was refused; narrows both branches. */
export const failed = <R>(result: R): result is Extract<R, KernelError> => result instanceof Refusal;

/** The value of a call that cannot fail here; throws, which is a fault of the caller, if it does. */
export function must<R>(result: R): Exclude<R, KernelError> {
  if (failed(result)) throw new Error(`unexpected refusal: ${(result as KernelError).name}`);
  return result as Exclude<R, KernelError>;
}
