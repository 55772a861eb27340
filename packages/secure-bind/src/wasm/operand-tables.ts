/** What each instruction takes and leaves, as bytes of types: for walks that know what lies on the stack. */
import { CODES, SIGNATURES } from "./opcodes.ts";
import { VALUE_TYPES } from "./value-type.ts";

/** Stands in `TAKES` for an instruction whose operands its immediates or its place decide. */
export const BY_TYPE = 0xff;

const LETTERS: Readonly<Record<string, number>> = {
  i: VALUE_TYPES.i32,
  I: VALUE_TYPES.i64,
  f: VALUE_TYPES.f32,
  d: VALUE_TYPES.f64,
  v: VALUE_TYPES.v128,
  r: VALUE_TYPES.funcref,
};

/** How many operands each instruction takes, or `BY_TYPE`. */
export const TAKES: Uint8Array = new Uint8Array(CODES).fill(BY_TYPE);
/** The type of the value that each leaves, or 0. */
export const LEAVES: Uint8Array = new Uint8Array(CODES);

for (const [code, signature] of SIGNATURES.entries()) {
  if (signature === "" || signature.includes("x")) continue;
  const [taken = "", left = ""] = signature.split(":");
  TAKES[code] = taken.length;
  LEAVES[code] = LETTERS[left] ?? 0;
}
