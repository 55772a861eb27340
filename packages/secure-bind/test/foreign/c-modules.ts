/** C programs that call their host from deep inside, compiled at every level, where there is a clang for WebAssembly. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const SOURCE = `
typedef unsigned int u32; typedef unsigned long long u64; typedef unsigned char u8;
#define EXPORT(name) __attribute__((export_name(#name)))
#define HOST(name) __attribute__((import_module("fuzzing-support"), import_name(#name)))
HOST(log-i32) void report(u32 value);
HOST(sleep) u32 echo(u32 time, u32 value);
static u32 table[512], words[64]; static u8 bytes[9000];
struct node { struct node *left, *right; u32 key; } nodes[256];
static u32 used;
static struct node *insert(struct node *at, u32 key) {
  if (!at) { struct node *n = &nodes[used++ % 256]; n->left = n->right = 0; n->key = key; return n; }
  if (key < at->key) at->left = insert(at->left, key); else at->right = insert(at->right, key);
  return at;
}
static u32 walk(struct node *at, u32 depth) {
  if (!at) return 0;
  u32 sum = walk(at->left, depth + 1) * 31 + echo(0, at->key);
  if (depth > 6) report(sum);
  return sum + walk(at->right, depth + 1);
}
EXPORT(tree) u32 tree(u32 seed) {
  struct node *root = 0; used = 0;
  for (u32 i = 0; i < 40; i++) { seed = seed * 1664525 + 1013904223; root = insert(root, seed >> 8); }
  return walk(root, 0);
}
static int up(u32 x, u32 y) { return x < y ? -1 : x > y; }
static int down(u32 x, u32 y) { return up((u32)echo(1, y), x); }
static int (*const orders[2])(u32, u32) = { up, down };
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
  for (int i = 0; i < 60; i++) { seed = seed * 1664525 + 1013904223; table[i] = seed; }
  sort(table, 0, 59, orders[seed >> 31]);
  for (int i = 0; i < 60; i++) sum = sum * 31 + table[i];
  return sum;
}
EXPORT(moved) u32 moved(u32 seed) {
  u32 sum = 0;
  for (int i = 0; i < 3000; i++) bytes[i] = i * seed >> 3;
  __builtin_memmove(bytes + seed % 100, bytes + 50, 2000);
  __builtin_memset(bytes + 4000, seed, 4500);
  for (int i = 0; i < 9000; i += 7) sum = (sum << 5 | sum >> 27) ^ bytes[i];
  return sum;
}
EXPORT(switched) u64 switched(u32 seed) {
  u64 sum = seed;
  for (int i = 0; i < 64; i++) words[i] = i * seed;
  for (int round = 0; round < 60; round++) switch ((sum >> 20) % 6) {
    case 0: sum += words[sum % 64]; break;
    case 1: report(sum ^= sum >> 17); break;
    case 2: words[sum % 64] ^= sum; break;
    case 3: sum *= 3;
    case 4: sum -= echo(2, round); break;
    default: sum = sum << 7 | sum >> 57;
  }
  return sum;
}
EXPORT(ackermann) u32 ackermann(u32 m, u32 n) {
  m &= 1;
  if (m == 0) return echo(3, n & 255) + 1;
  return (n & 15) == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, (n & 15) - 1));
}
EXPORT(grown) u32 grown(u32 by) { return __builtin_wasm_memory_grow(0, by % 3) * 16 + __builtin_wasm_memory_size(0); }
EXPORT(wild) u32 wild(u32 address) { return *(volatile u32 *)address; }
`;

const FLAGS = [
  "--target=wasm32",
  "-nostdlib",
  "-fno-builtin",
  "-mbulk-memory",
  "-Wl,--no-entry",
  "-Wl,--max-memory=262144",
  "-Wl,-z,stack-size=8192",
];

/** Levels of optimisation. */
export const C_LEVELS: readonly string[] = ["-O0", "-O2", "-O3"];

/** The program compiled at a level; undefined where there is no clang for WebAssembly. */
export function compiledC(level: string): Uint8Array | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), "clang-"));
  try {
    const [source, output] = [path.join(directory, "program.c"), path.join(directory, "program.wasm")];
    writeFileSync(source, SOURCE);
    execFileSync("clang", [...FLAGS, level, "-o", output, source], { stdio: "pipe" });
    return new Uint8Array(readFileSync(output));
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
