/** What the kernel and its documents know of a call. */
import type { ErrorName, KernelError } from "../errors.ts";

/** How a call is authorised. */
export type Credential =
  /** An argument names a slot of the caller's capability list. */
  | "slot"
  /** It uses something that was bound earlier, and is the caller's alone. */
  | "binding"
  /** It concerns nobody but the caller, or whoever it concerns decides. */
  | "self";

/** The way into the kernel that a call takes. */
export type EntryPath =
  /** It changes one thing: where a kernel has a stack of its own, this needs none. */
  | "short"
  /** It moves a packet or a run of bytes, and needs little. */
  | "move"
  /** It changes several things: where a kernel has a stack of its own, this pays for it. */
  | "long";

/** One call. */
export interface CallRow<N extends ErrorName> {
  /** Part of the interface: never reused. */
  readonly number: number;
  /** Argument and result types towards WebAssembly. Ids are wider than 32 bits, but those of environments. */
  readonly wasm: string;
  readonly credential: Credential;
  readonly path: EntryPath;
  /** Every refusal that the call may return; the comment of the call says when. */
  readonly fails: readonly N[];
}

/** The refusals in the result type of a call. */
export type FailsOf<F> = F extends (...args: never[]) => infer R
  ? R extends KernelError<infer N>
    ? N
    : never
  : never;

/** One row per call of a group. A call without a row, or with an error it never returns, does not compile. */
export type CallRows<G> = { readonly [K in keyof G]: CallRow<FailsOf<G[K]>> };

/** The row of a call. */
export const row = <N extends ErrorName = never>(
  number: number,
  wasm: string,
  credential: Credential,
  path: EntryPath,
  fails: readonly N[] = [],
): CallRow<N> => ({ number, wasm, credential, path, fails });
