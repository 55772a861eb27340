/** The cache of rewritten programs: same bytes and same options, same program; and a bound. */
import { expect, test } from "vitest";
import { isModuleRefusal, refuseModule } from "./module-refusal.ts";
import { type RewriteProgram, cachedRewrite } from "./program-cache.ts";
import type { ProgramOptions, RewrittenProgram } from "./program.ts";

const SEGMENT: ProgramOptions = { mode: "segment" };

/** A rewriter that only counts: what is shown here is when it is asked. */
function counting(): { rewrite: RewriteProgram; asked: () => number } {
  let asked = 0;
  const rewrite: RewriteProgram = (bytes) => {
    asked += 1;
    return bytes.length === 0
      ? refuseModule("NotAModule", 0, "")
      : ({ functions: asked } as RewrittenProgram);
  };
  return { rewrite, asked: () => asked };
}

test("the same bytes with the same options are rewritten once, others each for itself", () => {
  const { rewrite, asked } = counting();
  const cached = cachedRewrite(rewrite);
  const bytes = Uint8Array.from([1, 2, 3]);
  const first = cached(bytes, SEGMENT);
  expect(cached(bytes.slice(), { ...SEGMENT })).toBe(first);
  expect(asked()).toBe(1);
  const host = { module: "m", name: "f", parameters: ["i32"], results: [] } as const;
  const others: ProgramOptions[] = [
    { mode: "paged" },
    { mode: "paged", pageBits: 16 },
    { ...SEGMENT, imports: [host] },
    { ...SEGMENT, imports: [{ ...host, parameters: ["i64"] }] },
    { ...SEGMENT, imports: [{ ...host, name: "g" }] },
    { ...SEGMENT, limits: { functions: 1 } },
    { ...SEGMENT, forbid: [] },
  ];
  const all = others.map((options) => cached(bytes, options));
  expect(new Set([first, ...all]).size).toBe(others.length + 1);
  expect(cached(Uint8Array.from([1, 2, 4]), SEGMENT)).not.toBe(first);
});

test("a refusal is not kept", () => {
  const { rewrite, asked } = counting();
  const cached = cachedRewrite(rewrite);
  for (let i = 0; i < 2; i++) expect(isModuleRefusal(cached(new Uint8Array(0), SEGMENT))).toBe(true);
  expect(asked()).toBe(2);
});

test("of too many bytes, or too many modules, those go that were asked for longest ago", () => {
  const { rewrite, asked } = counting();
  for (const cached of [cachedRewrite(rewrite, 30), cachedRewrite(rewrite, 1e6, 3)]) {
    const before = asked();
    const [a, b, c, d] = [1, 2, 3, 4].map((n) => new Uint8Array(10).fill(n)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (const module of [a, b, c, a, d]) cached(module, SEGMENT);
    expect(asked() - before).toBe(4);
    for (const module of [c, a, d]) cached(module, SEGMENT);
    expect(asked() - before).toBe(4);
    cached(b, SEGMENT);
    expect(asked() - before).toBe(5);
  }
});

test("what is larger than the whole cache is rewritten, and not kept", () => {
  const { rewrite, asked } = counting();
  const cached = cachedRewrite(rewrite, 5);
  for (let i = 0; i < 2; i++) expect(isModuleRefusal(cached(new Uint8Array(6), SEGMENT))).toBe(false);
  expect(asked()).toBe(2);
});
