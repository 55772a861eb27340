/** One row per kernel call: the number, the WebAssembly signature and the errors. */
import type { ErrorName, KernelError } from "./errors.ts";
import type { GateCalls } from "./gate.ts";

/** How a call is authorised. */
export type Credential =
  /** An argument names a slot of the caller's capability list. */
  | "slot"
  /** It uses something that was bound earlier, and is the caller's alone. */
  | "binding"
  /** It concerns nobody but the caller. */
  | "self";

/** What the kernel and its documents know of a call. */
export interface CallRow<N extends ErrorName> {
  /** Part of the interface: never reused. */
  readonly number: number;
  /** Argument and result types towards WebAssembly. */
  readonly wasm: string;
  readonly credential: Credential;
  /** Every refusal that the call may return. */
  readonly fails: readonly N[];
}

/** The refusals in the result type of a call. */
export type FailsOf<F> = F extends (...args: never[]) => infer R
  ? R extends KernelError<infer N>
    ? N
    : never
  : never;

/** The table. A call without a row, or with an error it never returns, does not compile. */
export const CALLS: { readonly [K in keyof GateCalls]: CallRow<FailsOf<GateCalls[K]>> } = {
  nullCall: { number: 0x00, wasm: "->i32", credential: "self", fails: [] },
  capabilityForge: {
    number: 0x10,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadSlot", "BadCapability", "BadName"],
  },
  capabilityDestroy: { number: 0x11, wasm: "i32->i32", credential: "slot", fails: ["BadSlot"] },
  capabilityGrant: {
    number: 0x12,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadEnvironment", "BadName", "BadSlot", "BadCapability"],
  },
  environmentCreate: {
    number: 0x18,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadSlot", "BadCapability", "BadProgram", "Full"],
  },
  environmentDestroy: {
    number: 0x19,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadEnvironment", "BadSlot", "BadCapability"],
  },
  sliceAlloc: {
    number: 0x20,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadSlice", "Busy", "BadSlot"],
  },
  sliceFree: {
    number: 0x21,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadSlice", "BadSlot", "BadCapability"],
  },
  yieldTo: { number: 0x22, wasm: "i32->i32", credential: "self", fails: ["BadEnvironment"] },
  sleep: { number: 0x23, wasm: "i32 i64->i32", credential: "self", fails: [] },
  wake: {
    number: 0x24,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadEnvironment", "BadSlot", "BadCapability"],
  },
  framesAlloc: {
    number: 0x30,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadFrame", "BadRange", "Busy", "BadSlot"],
  },
  frameAllocAny: { number: 0x31, wasm: "i32->i32", credential: "slot", fails: ["Full", "BadSlot"] },
  framesFree: {
    number: 0x32,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadFrame", "BadRange", "Pinned", "BadSlot", "BadCapability"],
  },
  frameGuard: {
    number: 0x33,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadFrame", "BadName", "BadSlot", "BadCapability"],
  },
  windowBind: {
    number: 0x38,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadFrame", "BadRange", "BadSlot", "BadCapability", "Full"],
  },
  windowUnbind: { number: 0x39, wasm: "i32->i32", credential: "binding", fails: ["BadWindow"] },
  ringBind: {
    number: 0x40,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadFrame", "BadRange", "Pinned", "BadSlot", "BadCapability", "Full"],
  },
  ringUnbind: { number: 0x41, wasm: "i32->i32", credential: "binding", fails: ["BadRing"] },
  filterInsert: {
    number: 0x42,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["NoDevice", "BadFilter", "Overlap", "BadRing", "BadSlot", "BadCapability", "Full"],
  },
  filterRemove: {
    number: 0x43,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["NoFilter", "BadSlot", "BadCapability"],
  },
  transmitBind: {
    number: 0x48,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["NoDevice", "BadFilter", "BadEnvironment", "BadSlot", "BadCapability", "Full"],
  },
  transmitUnbind: {
    number: 0x49,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadBinding", "BadSlot", "BadCapability"],
  },
  transmit: {
    number: 0x4a,
    wasm: "i32 i32->i32",
    credential: "binding",
    fails: ["BadBinding", "BadWindow", "BadRange", "Forged", "Full"],
  },
  extentAlloc: {
    number: 0x50,
    wasm: "i32 i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["NoDevice", "BadRange", "Busy", "BadSlot", "BadCapability", "Full"],
  },
  extentFree: {
    number: 0x51,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["BadExtent", "Busy", "BadSlot", "BadCapability"],
  },
  extentRead: {
    number: 0x52,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadExtent", "BadRange", "BadWindow", "BadSlot", "BadCapability", "Full"],
  },
  extentWrite: {
    number: 0x53,
    wasm: "i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadExtent", "BadRange", "BadWindow", "BadSlot", "BadCapability", "Full"],
  },
  streamAccept: {
    number: 0x60,
    wasm: "i32 i32->i32",
    credential: "slot",
    fails: ["NoDevice", "Empty", "Full", "BadSlot", "BadCapability"],
  },
  streamNext: { number: 0x61, wasm: "->i32", credential: "binding", fails: ["Empty"] },
  streamRead: {
    number: 0x62,
    wasm: "i32 i32 i32 i32->i32",
    credential: "binding",
    fails: ["BadStream", "BadWindow", "BadRange"],
  },
  streamWrite: {
    number: 0x63,
    wasm: "i32 i32 i32 i32->i32",
    credential: "binding",
    fails: ["BadStream", "BadWindow", "BadRange"],
  },
  streamControl: {
    number: 0x64,
    wasm: "i32 i32->i32",
    credential: "binding",
    fails: ["BadStream", "BadRange"],
  },
  consoleWrite: {
    number: 0x70,
    wasm: "i32 i32 i32 i32->i32",
    credential: "slot",
    fails: ["BadWindow", "BadRange", "BadSlot", "BadCapability"],
  },
  randomFill: {
    number: 0x71,
    wasm: "i32 i32 i32->i32",
    credential: "self",
    fails: ["BadWindow", "BadRange"],
  },
};
