/** The types of values in WebAssembly. */

/** A type by its name in the text format. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref";

/** The byte that stands for each type in a binary. */
export const VALUE_TYPES: { readonly [T in ValueType]: number } = Object.freeze({
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
});
