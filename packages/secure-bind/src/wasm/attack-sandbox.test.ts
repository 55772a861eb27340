/** Hostile modules: nothing outside the segment changes or is seen, nothing runs for ever, nothing breaks the host. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FunctionBuilder } from "./function-builder.ts";
import { compileModule, instantiateModule } from "./instantiate.ts";
import type { Mnemonic } from "./instructions.ts";
import { isModuleRefusal } from "./module-refusal.ts";
import { rewriteModule } from "./rewrite.ts";
import { MESSAGE_BASE } from "./segment.ts";
import { buildModule, rawModule, sandbox } from "../testing/sandbox.ts";

const PAGE = 65_536;

/** One step of a random program over four i32 locals and an i64. */
type Step =
  | { readonly kind: "constant"; readonly to: number; readonly value: number }
  | { readonly kind: "compute"; readonly to: number; readonly by: number; readonly mnemonic: Mnemonic }
  | {
      readonly kind: "load" | "store";
      readonly at: number;
      readonly value: number;
      readonly mnemonic: Mnemonic;
      readonly offset: number;
    }
  | { readonly kind: "bulk"; readonly mnemonic: Mnemonic }
  | { readonly kind: "loop" | "if" | "block"; readonly body: readonly Step[]; readonly exit: number }
  | { readonly kind: "call"; readonly function: number };

const LOCALS = 4;
const edgy = (): fc.Arbitrary<number> =>
  fc.oneof(
    fc.constantFrom(
      0,
      1,
      4,
      PAGE - 8,
      PAGE - 4,
      PAGE - 3,
      PAGE - 1,
      PAGE,
      PAGE + 1,
      2 * PAGE,
      3 * PAGE,
      2 ** 31,
      2 ** 32 - 1,
      2 ** 32 - 4,
    ),
    fc.constantFrom(MESSAGE_BASE - 1, MESSAGE_BASE, MESSAGE_BASE + 1, MESSAGE_BASE + 60, MESSAGE_BASE + 64),
    fc.nat(2 ** 32 - 1),
  );
const local = (): fc.Arbitrary<number> => fc.nat(LOCALS - 1);
const LOADS = ["i32.load", "i32.load8_u", "i32.load16_s"] as const;
const WIDE_LOADS = ["i64.load", "i64.load32_u", "i64.load8_s"] as const;
const STORES = ["i32.store", "i32.store8", "i32.store16"] as const;
const WIDE_STORES = ["i64.store", "i64.store32"] as const;

const arbitrarySteps = fc.letrec<{ step: Step; steps: readonly Step[] }>((tie) => ({
  step: fc.oneof(
    { depthSize: "small" },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("constant" as const), to: local(), value: edgy() }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("compute" as const),
        to: local(),
        by: local(),
        mnemonic: fc.constantFrom<Mnemonic>(
          "i32.add",
          "i32.sub",
          "i32.mul",
          "i32.xor",
          "i32.shl",
          "i32.rotl",
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom("load" as const, "store" as const),
        at: local(),
        value: local(),
        mnemonic: fc.constantFrom<Mnemonic>(...LOADS, ...WIDE_LOADS, ...STORES, ...WIDE_STORES),
        offset: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: edgy() }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("bulk" as const),
        mnemonic: fc.constantFrom<Mnemonic>("memory.fill", "memory.copy", "memory.init"),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("call" as const), function: fc.nat(1) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constantFrom("loop" as const, "if" as const, "block" as const),
        body: tie("steps"),
        exit: local(),
      }),
    },
  ) as fc.Arbitrary<Step>,
  steps: fc.array(tie("step"), { maxLength: 8 }),
}));

function writeAccess(
  f: FunctionBuilder,
  { at, value, mnemonic, offset }: Extract<Step, { kind: "load" | "store" }>,
): void {
  f.get(at);
  const isWide = mnemonic.startsWith("i64");
  if (mnemonic.includes("load")) {
    f.memory(mnemonic, offset);
    if (isWide) f.op("i32.wrap_i64");
    f.set(value);
    return;
  }
  f.get(value);
  if (isWide) f.op("i64.extend_i32_u");
  f.memory(mnemonic, offset);
}

/** Writes steps; `functions` are the numbers of those that may be called. */
function write(f: FunctionBuilder, steps: readonly Step[], functions: readonly number[]): void {
  for (const step of steps) {
    switch (step.kind) {
      case "constant":
        f.i32(step.value).set(step.to);
        break;
      case "compute":
        f.get(step.to).get(step.by).op(step.mnemonic).set(step.to);
        break;
      case "load":
      case "store":
        writeAccess(f, step);
        break;
      case "bulk":
        f.get(0).get(1).get(2);
        if (step.mnemonic === "memory.fill") f.op("memory.fill", 0);
        else f.op(step.mnemonic, 0, 0);
        break;
      case "call":
        f.get(0)
          .get(1)
          .get(2)
          .get(3)
          .op("call", functions[step.function] ?? 0)
          .set(3);
        break;
      default:
        if (step.kind === "if") f.get(step.exit);
        f.open(step.kind);
        write(f, step.body, functions);
        f.get(step.exit).op("br_if", 0).end();
    }
  }
}

const programModule = (programs: readonly (readonly Step[])[]): Uint8Array =>
  buildModule((m) => {
    m.export("memory", "memory", m.memory({ minimum: 1 }));
    m.data(Uint8Array.from({ length: 300 }, (_, i) => i & 0xff));
    const built = programs.map(() => m.function(["i32", "i32", "i32", "i32"], ["i32"]));
    for (const [i, f] of built.entries()) {
      write(
        f,
        programs[i] ?? [],
        built.map(({ index }) => index),
      );
      f.get(0).get(1).op("i32.xor").get(2).op("i32.add").get(3).op("i32.xor");
      m.export(`f${i}`, "function", f.index);
    }
  });

const FUEL = 20_000;

describe("random programs", () => {
  test("stay in their segment, end, and see nothing of what is outside", () => {
    fc.assert(
      fc.property(
        fc.tuple(arbitrarySteps.steps, arbitrarySteps.steps),
        fc.tuple(edgy(), edgy(), edgy(), edgy()),
        fc.boolean(),
        (programs, values, hasMessage) => {
          const bytes = programModule(programs);
          const options = hasMessage ? { message: Uint8Array.from({ length: 64 }, (_, i) => i + 1) } : {};
          const here = sandbox(bytes, { ...options, fuel: FUEL });
          const first = here.call("f0", ...values);
          expect(here.isConfined()).toBe(true);
          expect(first).not.toHaveProperty("stopped", "?");
          // The same again, with all else in memory changed, comes to the same.
          const there = sandbox(bytes, { ...options, fuel: FUEL });
          const before = new Uint8Array(there.memory.buffer, 0, there.base).fill(0x3c);
          new Uint8Array(there.memory.buffer, there.base + PAGE, 12_288).fill(0x3c);
          expect(there.call("f0", ...values)).toEqual(first);
          expect(Buffer.compare(there.segment, here.segment)).toBe(0);
          expect(Buffer.compare(before, new Uint8Array(before.length).fill(0x3c))).toBe(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("come to what they come to unrewritten, unless they run out of fuel or stack", () => {
    let same = 0;
    fc.assert(
      fc.property(
        fc.tuple(arbitrarySteps.steps, arbitrarySteps.steps),
        fc.tuple(edgy(), edgy(), edgy(), edgy()),
        (programs, values) => {
          const bytes = programModule(programs);
          const confined = sandbox(bytes, { fuel: FUEL });
          const outcome = confined.call("f1", ...values);
          if ("stopped" in outcome && (outcome.stopped === "fuel" || outcome.stopped === "stack")) return;
          const raw = rawModule(bytes);
          expect(outcome).toEqual(raw.call("f1", ...values));
          expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
          same += 1;
        },
      ),
      { numRuns: 500 },
    );
    expect(same).toBeGreaterThan(100);
  });
});

describe("bytes that were changed", () => {
  const valid = programModule([
    [
      { kind: "constant", to: 0, value: 5 },
      { kind: "loop", exit: 1, body: [{ kind: "load", at: 0, value: 2, mnemonic: "i64.load", offset: 8 }] },
      { kind: "store", at: 0, value: 2, mnemonic: "i32.store16", offset: 1 },
      { kind: "bulk", mnemonic: "memory.copy" },
    ],
    [
      { kind: "if", exit: 1, body: [{ kind: "call", function: 0 }] },
      { kind: "bulk", mnemonic: "memory.init" },
      { kind: "bulk", mnemonic: "memory.fill" },
    ],
  ]);

  const change = (): fc.Arbitrary<{
    readonly at: number;
    readonly to: number;
    readonly kind: "set" | "insert" | "remove";
  }> =>
    fc.record({
      at: fc.nat(valid.length - 1),
      to: fc.oneof(fc.nat(255), fc.constantFrom(0x80, 0xff, 0x0b, 0xfc, 0xfd, 0x28, 0x03, 0x0e, 0x7f)),
      kind: fc.constantFrom("set" as const, "set" as const, "insert" as const, "remove" as const),
    });

  const changed = (
    changes: readonly { readonly at: number; readonly to: number; readonly kind: string }[],
  ): Uint8Array => {
    const bytes = [...valid];
    for (const { at, to, kind } of changes)
      bytes.splice(at, kind === "insert" ? 0 : 1, ...(kind === "remove" ? [] : [to]));
    return Uint8Array.from(bytes);
  };

  test("are refused with a reason, or make a module that the engine takes and that is confined", () => {
    const rules = new Set<string>();
    const memory = new WebAssembly.Memory({ initial: 8 });
    const all = new Uint8Array(memory.buffer).fill(0x77);
    const outside = all.slice();
    const isOutside = (bytes: Uint8Array): boolean =>
      Buffer.compare(bytes, outside.subarray(0, bytes.length)) === 0;
    fc.assert(
      fc.property(fc.array(change(), { minLength: 1, maxLength: 4 }), fc.boolean(), (changes, message) => {
        const rewritten = rewriteModule(changed(changes), { message, limits: { memoryPages: 4 } });
        if (isModuleRefusal(rewritten)) {
          rules.add(rewritten.rule);
          expect(rewritten.rule).not.toBe("Internal");
          return;
        }
        const compiled = compileModule(rewritten);
        expect(isModuleRefusal(compiled) ? compiled : "compiled").toBe("compiled");
        rules.add("accepted");
        all.fill(0, 2 * PAGE, 2 * PAGE + rewritten.memoryBytes);
        all.fill(0x77, 2 * PAGE + rewritten.memoryBytes);
        const placed = instantiateModule(rewritten, { memory, base: 2 * PAGE });
        if (isModuleRefusal(placed)) return;
        for (const run of Object.values(placed.functions)) {
          placed.begin(5_000);
          try {
            (run as (...values: readonly number[]) => unknown)(1, 2, 3, 4);
          } catch {
            // Stopped, or called with what it does not take.
          }
        }
        expect(isOutside(all.subarray(0, 2 * PAGE))).toBe(true);
        expect(isOutside(all.subarray(2 * PAGE + rewritten.memoryBytes))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect([...rules]).toEqual(expect.arrayContaining(["accepted", "Malformed", "Invalid"]));
  });

  test("noise behind a header is refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (noise) => {
        const result = rewriteModule(Uint8Array.from([...valid.subarray(0, 8), ...noise]));
        if (isModuleRefusal(result)) expect(result.rule).not.toBe("Internal");
        else expect(WebAssembly.validate(result.bytes)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

test("a module cannot name what is ours: fuel, stack and base have no number that it can reach", () => {
  const reach = (global: number): Uint8Array =>
    buildModule((m) => {
      m.memory({ minimum: 1 });
      m.global({ type: "i32", mutable: true }, 3);
      m.function([]).i32(9).op("global.set", global);
    });
  expect(isModuleRefusal(rewriteModule(reach(0)))).toBe(false);
  for (const global of [1, 2, 3, 4, 5, 0x7fff_ffff, 0xffff_ffff])
    expect(rewriteModule(reach(global))).toMatchObject({ rule: "Malformed" });
});

test("a module cannot call what is ours", () => {
  const reach = (index: number): Uint8Array => buildModule((m) => m.function([]).op("call", index));
  expect(isModuleRefusal(rewriteModule(reach(0)))).toBe(false);
  for (const index of [1, 2, 3]) expect(rewriteModule(reach(index))).toMatchObject({ rule: "Malformed" });
});
