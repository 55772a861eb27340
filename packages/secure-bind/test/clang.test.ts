import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rawModule, sandbox } from "../src/testing/sandbox.ts";

const SOURCE = `
typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned char u8;
#define EXPORT(name) __attribute__((export_name(#name)))
static u32 table[4096], words[64]; static u8 bytes[65536]; static double a[1024], b[1024], c[1024];
static const u8 text[] = "it was placed as data";
static int compare(u32 x, u32 y) { return x < y ? -1 : x > y; }
static int reversed(u32 x, u32 y) { return compare(y, x); }
static int (*const orders[2])(u32, u32) = { compare, reversed };
static void sort(u32 *v, int low, int high, int (*order)(u32, u32)) {
  while (low < high) {
    u32 middle = v[(low + high) / 2]; int i = low, j = high;
    while (i <= j) {
      while (order(v[i], middle) < 0) i++;
      while (order(v[j], middle) > 0) j--;
      if (i <= j) { u32 t = v[i]; v[i++] = v[j]; v[j--] = t; }
    }
    if (j - low < high - i) { sort(v, low, j, order); low = i; } else { sort(v, i, high, order); high = j; }
  }
}
EXPORT(sorted) u32 sorted(u32 seed) {
  u32 sum = 0;
  for (int i = 0; i < 4096; i++) { seed = seed * 1664525 + 1013904223; table[i] = seed; }
  sort(table, 0, 4095, orders[seed >> 31]);
  for (int i = 0; i < 4096; i++) sum = sum * 31 + table[i];
  return sum;
}
EXPORT(product) double product(u32 seed) {
  double sum = 0;
  for (int i = 0; i < 1024; i++) { a[i] = (seed + i) % 7; b[i] = i % 5 - 0.5; c[i] = 0; }
  for (int i = 0; i < 32; i++) for (int j = 0; j < 32; j++) for (int k = 0; k < 32; k++) c[i * 32 + j] += a[i * 32 + k] * b[k * 32 + j];
  for (int i = 0; i < 1024; i++) sum += c[i] / (i + 1);
  return sum;
}
EXPORT(moved) u32 moved(u32 seed) {
  u32 sum = 0;
  for (int i = 0; i < 65536; i++) bytes[i] = i * seed >> 3;
  __builtin_memmove(bytes + seed % 100, bytes + 50, 60000);
  __builtin_memset(bytes + 100, seed, 1000);
  for (int i = 0; i < 65536; i++) sum = (sum << 5 | sum >> 27) ^ bytes[i];
  return sum;
}
EXPORT(summed) u64 summed(u32 seed) {
  u64 sum = seed;
  for (int i = 0; text[i]; i++) sum = (sum ^ text[i]) * 1099511628211ull;
  for (int i = 0; i < 64; i++) words[i] = i * seed;
  for (int round = 0; round < 100; round++) switch ((sum >> 20) % 6) {
    case 0: sum += words[sum % 64]; break;
    case 1: sum ^= sum >> 17; break;
    case 2: words[sum % 64] ^= sum; break;
    case 3: sum *= 3;
    case 4: sum -= round; break;
    default: sum = sum << 7 | sum >> 57;
  }
  return sum;
}
EXPORT(depth) u32 depth(u32 n) { volatile u32 here = n; return n == 0 ? 0 : depth(n - 1) + here; }
EXPORT(wild) u32 wild(u32 address) { return *(volatile u32 *)address; }
`;

const FLAGS = ["--target=wasm32", "-nostdlib", "-fno-builtin", "-mbulk-memory", "-Wl,--no-entry"];

/** The compiled program, or undefined where there is no clang for WebAssembly. */
function compile(level: string): Uint8Array | undefined {
  const directory = mkdtempSync(join(tmpdir(), "clang-"));
  try {
    writeFileSync(join(directory, "program.c"), SOURCE);
    const output = join(directory, "program.wasm");
    execFileSync("clang", [...FLAGS, level, "-o", output, join(directory, "program.c")], { stdio: "pipe" });
    return readFileSync(output);
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const levels = ["-O0", "-O2", "-Oz"];
const programs = new Map(levels.map((level) => [level, compile(level)]));
const isThere = programs.get("-O2") !== undefined;

test.skipIf(isThere)("C programs need clang and wasm-ld, which are not here", () => {});

describe.skipIf(!isThere).each(levels)("C compiled with %s", (level) => {
  const program = programs.get(level) as Uint8Array;

  test.each(["sorted", "product", "moved", "summed"])("%s comes to what it comes to unrewritten", (name) => {
    const confined = sandbox(program, { fuel: 0x7fff_ffff });
    const raw = rawModule(program);
    for (const seed of [0, 1, 77, 0x8000_0000, 0xffff_fffe])
      expect(confined.call(name, seed)).toEqual(raw.call(name, seed));
    expect(Buffer.compare(confined.segment, raw.segment)).toBe(0);
    expect(confined.isConfined()).toBe(true);
  });

  test("is stopped in time, in depth and at the edge", () => {
    const { call } = sandbox(program, { fuel: 10_000_000, stackBytes: 20_000 });
    expect(call("depth", 20)).toEqual({ value: 210 });
    expect(call("depth", 2_000)).toEqual({ stopped: "stack" });
    expect(call("wild", 0xffff_fff0)).toEqual({ stopped: "memory" });
    expect(sandbox(program, { fuel: 10_000 }).call("sorted", 3)).toEqual({ stopped: "fuel" });
  });
});
