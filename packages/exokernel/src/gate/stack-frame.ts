/**
 * A function with a huge frame, to ask the engine how much stack there is.
 *
 * WebAssembly has no way to see the stack, but its frames are checked: a
 * function that might hold thousands of values across a call gets a frame that
 * holds them, and on entry the engine throws a `RangeError` unless that frame
 * fits, whether they are ever needed or not. Here they are needed in a branch
 * that is not taken, so the question costs what an empty call does:
 *
 *     frame(isHeld):                            isHeld: i32
 *       if isHeld
 *         at = 0
 *         `VALUES` times:  push the vector at (at += 16)
 *         held()
 *         fold them with exclusive or; if any bit is left, held()
 *
 * The values differ, come from memory, which `held` may change, and are all
 * used: they are nowhere but in the frame while `held` runs. Assembled by hand
 * from the opcodes of the core specification (chapter 5, and its vector part).
 */

/** Bytes of one value. */
const VALUE_BYTES = 16;

const I32 = 0x7f;
const NOTHING = 0x40;
const AT = 1;
const IF_HELD = [0x20, 0, 0x04, NOTHING];
const CALL_HELD = [0x10, 0];
const END = 0x0b;
/** Pushes `v128.load` of (`local.tee AT` of `AT` + 16). */
const PUSH = [0x20, AT, 0x41, VALUE_BYTES, 0x6a, 0x22, AT, 0xfd, 0x00, 0, 0];
const FOLD = [0xfd, 0x51];
const IF_ANY = [0xfd, 0x53, 0x04, NOTHING];

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const CODE_SECTION = 10;

/** A number in LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...leb(content.length),
  ...content,
];

/** The module: imports the function `h.h`, exports the function `f`, has two pages of memory of its own. */
function assemble(values: number): Uint8Array {
  const start = [1, 1, I32, ...IF_HELD];
  const middle = CALL_HELD;
  const end = [...IF_ANY, ...CALL_HELD, END, END, END];
  const length =
    start.length + PUSH.length * values + middle.length + FOLD.length * (values - 1) + end.length;
  const code = [1, ...leb(length)];
  const before = [
    ...MAGIC,
    ...section(1, [2, 0x60, 0, 0, 0x60, 1, I32, 0]),
    ...section(2, [1, 1, 0x68, 1, 0x68, 0x00, 0]),
    ...section(3, [1, 1]),
    ...section(5, [1, 0, 2]),
    ...section(7, [1, 1, 0x66, 0x00, 1]),
    CODE_SECTION,
    ...leb(code.length + length),
    ...code,
    ...start,
  ];
  const module = new Uint8Array(before.length - start.length + length);
  module.set(before);
  let at = repeat(module, before.length, PUSH, values);
  module.set(middle, at);
  at = repeat(module, at + middle.length, FOLD, values - 1);
  module.set(end, at);
  return module;
}

/** Writes `bytes` to `into` from `at`, `times` times over; where that ends. */
function repeat(into: Uint8Array, at: number, bytes: readonly number[], times: number): number {
  const end = at + bytes.length * times;
  into.set(bytes, at);
  for (let have = bytes.length; at + have < end; have *= 2)
    into.copyWithin(at + have, at, Math.min(at + have, end - have));
  return end;
}

/** The part of the WebAssembly interface that is needed here. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => { readonly exports: Record<string, unknown> };
}

/** Called with 0, asks for the frame; called with 1, also holds it while `held` runs. */
export type Frame = (isHeld: 0 | 1) => void;

/** A function whose frame has at least `bytes` bytes; throws where there is no WebAssembly with vectors. */
export function makeFrame(bytes: number, held: () => void): Frame {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Wasm };
  const module = new WebAssembly.Module(assemble(Math.ceil(bytes / VALUE_BYTES)));
  return new WebAssembly.Instance(module, { h: { h: held } }).exports["f"] as Frame;
}
