/** Random accesses and bulk operations, run as written and as a paged program: for property tests. */
import * as fc from "fast-check";
import {
  ACCESS_BYTES,
  IMMEDIATE,
  IMMEDIATES,
  SIGNATURES,
  VECTOR_CODES,
  VECTOR_PREFIX,
} from "../wasm/opcodes.ts";
import type { PageBits } from "../wasm/page-tables.ts";
import { ACCESSES, fillPattern } from "./access-module.ts";
import { Fault, PagedMemory } from "./paged-memory.ts";
import { programOf } from "./program-sandbox.ts";
import { type CallOutcome, buildModule, rawModule } from "./sandbox.ts";

const PAGES = 2;
const SIZE = PAGES * 65_536;

/** One step of a run. */
export interface RandomStep {
  readonly kind: "access" | "fill" | "copy" | "init";
  readonly code: number;
  readonly offset: number;
  readonly operands: readonly [number, number, number];
}

/** Numbers close to the ends of pages, mostly inside the memory. */
const place = (): fc.Arbitrary<number> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .tuple(fc.nat(32), fc.integer({ min: -20, max: 20 }))
        .map(([page, by]) => Math.max(0, page * 4_096 + by)),
    },
    { weight: 3, arbitrary: fc.nat(SIZE) },
    { weight: 1, arbitrary: fc.nat(2 ** 32 - 1) },
  );

const offset = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.nat(40) },
    { weight: 3, arbitrary: fc.constantFrom(255, 256, 257, 4_080, 4_095, 4_096, 4_097, 65_535, 65_536) },
    { weight: 1, arbitrary: fc.constantFrom(2 ** 31, 2 ** 32 - 1) },
  );

/** Steps of one run. */
export const randomSteps = (most: number): fc.Arbitrary<RandomStep[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom("access", "access", "access", "access", "fill", "copy", "init"),
      code: fc.constantFrom(...ACCESSES),
      offset: offset(),
      operands: fc.tuple(place(), place(), fc.oneof(fc.nat(40), fc.nat(20_000))),
    }),
    { minLength: 1, maxLength: most },
  );

/** A function for each step: of the address, and of what a wider operation takes besides. */
function moduleOf(steps: readonly RandomStep[]): Uint8Array {
  return buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: PAGES }));
    m.data(Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) & 0xff));
    for (const [i, { kind, code, offset: at }] of steps.entries()) {
      const [taken = "", left = ""] = (SIGNATURES[code] ?? "").split(":");
      const f = m.function(["i32", "i32", "i32"], kind === "access" && left !== "" ? ["i64"] : []);
      m.export(String(i), "function", f.index);
      f.get(0);
      if (kind === "fill") f.get(1).get(2).op("memory.fill", 0);
      if (kind === "copy") f.get(1).get(2).op("memory.copy", 0, 0);
      if (kind === "init") f.i32(3).get(2).op("memory.init", 0, 0);
      if (kind !== "access") continue;
      const type = taken.charAt(1);
      if (type === "i") f.get(1);
      if (type === "I") f.get(1).op("i64.extend_i32_u").i64(0x1_0001_0001n).op("i64.mul");
      if (type === "f") f.get(1).op("f32.reinterpret_i32");
      if (type === "d") f.get(1).op("f64.convert_i32_u");
      if (type === "v") f.get(1).op("i32x4.splat");
      if (code < VECTOR_CODES) f.code.u8(code);
      else {
        f.code.u8(VECTOR_PREFIX);
        f.code.u32(code - VECTOR_CODES);
      }
      f.code.u32(0);
      f.code.u32(at);
      if (IMMEDIATES[code] === IMMEDIATE.memoryLane) f.code.u8((at + i) % (16 / (ACCESS_BYTES[code] ?? 16)));
      if (left === "i") f.op("i64.extend_i32_u");
      if (left === "f") f.ops("i32.reinterpret_f32", "i64.extend_i32_u");
      if (left === "d") f.op("i64.reinterpret_f64");
      if (left === "v") f.op("i64x2.extract_lane").code.u8(i & 1);
    }
  });
}

/** What differs between the steps as they are written and paged, or undefined. */
export function differenceWhenPaged(
  steps: readonly RandomStep[],
  bits: PageBits,
  resident: number | undefined,
): string | undefined {
  const bytes = moduleOf(steps);
  const raw = rawModule(bytes);
  const paging = { pages: SIZE / 2 ** bits, isEager: resident === undefined };
  const memory = new PagedMemory(bits, resident === undefined ? paging : { ...paging, resident });
  const placed = memory.place(programOf(bytes, bits));
  fillPattern(raw.segment);
  memory.fill(raw.segment);
  for (const [i, { operands }] of steps.entries()) {
    const expected = raw.call(String(i), ...operands);
    let got: CallOutcome;
    try {
      got = placed.call(String(i), ...operands);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      got = { stopped: "memory" };
    }
    const [[word, value]] = Object.entries(got) as [[string, unknown]];
    const [[wanted, other]] = Object.entries(expected) as [[string, unknown]];
    if (word !== wanted || !Object.is(value, other))
      return `step ${i}: ${word} ${String(value)}, not ${wanted} ${String(other)}`;
  }
  if (Buffer.compare(memory.contents(), raw.segment) !== 0) return "memory";
  return memory.isConfined() ? undefined : "confinement";
}
