/** Kernel calls as a program imports them: numbers in, one number out. */
import { CALLS } from "../abi/calls.ts";
import { failed, type KernelError } from "../abi/errors.ts";
import type { GateCalls } from "../abi/gate.ts";
import { GATE_FUNCTIONS, GATE_MODULE } from "../abi/program.ts";
import type { ClaimedImport, HostCall } from "./program-request.ts";

type Types = ClaimedImport["parameters"];

/** The types in one half of a signature, such as `i32 i64->i32`. */
const typesIn = (half: string | undefined): Types =>
  (half ?? "").split(" ").filter(Boolean) as unknown as Types;

/** An i32 is counted from 0, as all that the kernel counts; an i64 is an id, or a time. */
const whole = (value: unknown): unknown => (typeof value === "number" ? value >>> 0 : asNumber(value));
const asNumber = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

/** Calls whose third argument is true or false, which here is any i32 but 0, or 0. */
const FLAGGED: ReadonlySet<string> = new Set(["framesGuarantee"]);
const isSet = (value: unknown): boolean => value !== 0;

/** The number of a result: itself, 0 for none, or the negative one of a refusal. */
const encode = (result: unknown): number =>
  failed(result) ? -(result as KernelError).code : ((result ?? 0) as number);

/** One call of a gate. Registers of transfers are f64s, and go through as they are. */
function gateFunction(gate: GateCalls, name: keyof GateCalls): ClaimedImport {
  const { wasm } = CALLS[name];
  const [parameters, results] = wasm.split("->").map(typesIn) as [Types, Types];
  const to = parameters.includes("f64") ? asNumber : whole;
  const third = FLAGGED.has(name) ? isSet : to;
  const call = gate[name] as HostCall;
  const narrow = (a: unknown, b: unknown, c: unknown, d: unknown, f: unknown): number =>
    encode(call(to(a), to(b), third(c), to(d), to(f)));
  const wide: HostCall = (a, b, c, d, f) => BigInt(narrow(a, b, c, d, f));
  return {
    module: GATE_MODULE,
    name,
    parameters,
    results,
    call: results[0] === "i64" ? wide : (narrow as HostCall),
  };
}

/** What a program of the gate's owner can import of it. */
export const gateFunctions = (gate: GateCalls): readonly ClaimedImport[] =>
  GATE_FUNCTIONS.map((name) => gateFunction(gate, name));
