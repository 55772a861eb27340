/** Foreign modules: from binaryen's fuzzer, from compilers, and damaged. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import binaryen from "binaryen";

type Module = InstanceType<typeof binaryen.Module>;
const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);

/** Features as binaryen has them: as options of its tools, and as bits of its library. */
export interface FeatureSet {
  readonly options: readonly string[];
  readonly bits: readonly (keyof typeof binaryen.Features)[];
}

/** Features that binaryen's fuzzer may use: those with one meaning on every engine. */
const PLAIN: readonly string[] = [
  "--mvp-features",
  "--enable-bulk-memory",
  "--enable-sign-ext",
  "--enable-multivalue",
  "--enable-nontrapping-float-to-int",
  "--enable-mutable-globals",
];

const PLAIN_BITS = [
  "BulkMemory",
  "BulkMemoryOpt",
  "SignExt",
  "Multivalue",
  "NontrappingFPToInt",
  "MutableGlobals",
] as const;

/** Sets of features for modules: what is to be run like the original, and everything there is. */
export const FEATURES: { readonly [S in "plain" | "simd" | "vectors" | "all"]: FeatureSet } = {
  plain: { options: PLAIN, bits: PLAIN_BITS },
  simd: { options: [...PLAIN, "--enable-simd"], bits: [...PLAIN_BITS, "SIMD128"] },
  vectors: {
    options: [...PLAIN, "--enable-simd", "--enable-reference-types"],
    bits: [...PLAIN_BITS, "SIMD128", "ReferenceTypes", "CallIndirectOverlong"],
  },
  all: { options: ["--all-features"], bits: ["All"] },
};

/** Numbers from one word: a multiplicative congruential generator (Park and Miller 1988). */
export class Numbers {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed % 2_147_483_646) + 1;
  }
  /** A whole number from 0 to below `count`. */
  below(count: number): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state % count;
  }
  /** A 32-bit integer, often one at an edge. */
  integer(): number {
    const edges = [0, 1, -1, 7, 8, 65_535, 65_536, 0x7fff_ffff, -0x8000_0000, 1 << 20];
    if (this.below(2) === 0) return edges[this.below(edges.length)] ?? 0;
    return (this.below(65_536) << 16) | this.below(65_536);
  }
}

/** The module that binaryen's fuzzer makes of the bytes that `seed` gives, with its memory exported as "memory". */
async function fuzzed(folder: string, seed: number, { options: features }: FeatureSet): Promise<Uint8Array> {
  const numbers = new Numbers(seed);
  const input = path.join(folder, `${seed}.bin`);
  const output = path.join(folder, `${seed}.wasm`);
  await writeFile(
    input,
    Uint8Array.from({ length: 1500 + numbers.below(6000) }, () => numbers.below(256)),
  );
  const tool = path.join(path.dirname(resolve("binaryen/package.json")), "bin", "wasm-opt");
  const options = ["--translate-to-fuzz", "--denan", ...features, "-o", output];
  await run(process.execPath, [tool, input, ...options]);
  return new Uint8Array(await readFile(output));
}

/** `count` modules of binaryen's fuzzer from seeds from `first` on. The memory of each is exported if that can be done. */
export async function fuzzModules(count: number, first: number, features: FeatureSet): Promise<Uint8Array[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "modules-"));
  try {
    const modules: Uint8Array[] = [];
    for (let i = 0; i < count; i += 2)
      modules.push(
        ...(await Promise.all([
          fuzzed(folder, first + i, features),
          fuzzed(folder, first + i + 1, features),
        ])),
      );
    return modules.slice(0, count).map((bytes) => opened(bytes, features));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The module with its memory exported, and with what nobody outside can give it made its own. */
function opened(bytes: Uint8Array, { bits }: FeatureSet): Uint8Array {
  const features = bits.reduce((sum, name) => sum | binaryen.Features[name], 0);
  const module = binaryen.readBinaryWithFeatures(bytes, features);
  try {
    if (module.hasMemory()) module.addMemoryExport("0", "memory");
    // Those with every feature are refused for their features; nobody needs to give them anything.
    if (!bits.includes("All")) {
      ownGlobals(module);
      ownVectors(module);
    }
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** Gives imported globals a value: zero, or no reference. All are made again, so that their order stays. */
function ownGlobals(module: Module): void {
  const zeros = new Map([
    [binaryen.i32, () => module.i32.const(0)],
    [binaryen.i64, () => module.i64.const(0n)],
    [binaryen.f32, () => module.f32.const(0)],
    [binaryen.f64, () => module.f64.const(0)],
    [binaryen.v128, () => module.v128.const(Array.from({ length: 16 }, () => 0))],
  ]);
  const globals = Array.from({ length: module.getNumGlobals() }, (_, i) =>
    binaryen.getGlobalInfo(module.getGlobalByIndex(i)),
  );
  for (const { name, type, mutable, init, base } of globals) {
    const zero = zeros.get(type) ?? (() => module.ref.null(type));
    module.removeGlobal(name);
    module.addGlobal(name, type, mutable, base === null || base === "" ? init : zero());
  }
}

/** Vectors do not pass between a module and JavaScript: the function that they are shown to does nothing. */
function ownVectors(module: Module): void {
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const { name, base, params, results } = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
    if (base !== "log-v128") continue;
    module.removeFunction(name);
    module.addFunction(name, params, results, [], module.nop());
    return;
  }
}

/** A copy of `bytes` with a few of them changed, left out, doubled or put elsewhere. */
export function damaged(bytes: Uint8Array, numbers: Numbers): Uint8Array {
  let copy = bytes.slice();
  for (let i = 1 + numbers.below(2); i > 0; i--) {
    const at = 8 + numbers.below(copy.length - 8);
    const length = 1 + numbers.below(8);
    const kind = numbers.below(12);
    if (kind === 0) copy[at] = numbers.below(256);
    else if (kind === 1) copy[at] = (copy[at] ?? 0) ^ (1 << numbers.below(8));
    else if (kind < 9) copy[at] = (copy[at] ?? 0) + numbers.below(5) - 2;
    else if (kind === 9) copy.copyWithin(at, 8 + numbers.below(copy.length - 8), copy.length);
    else if (kind === 10) copy = Uint8Array.from([...copy.subarray(0, at), ...copy.subarray(at + length)]);
    else copy = Uint8Array.from([...copy.subarray(0, at + length), ...copy.subarray(at)]);
    if (copy.length < 16) return copy;
  }
  return copy;
}

/** A program with strings, a map, sorting and a garbage collector, for a compiler to make modules of. */
const PROGRAM = `
  export function words(count: i32): i32 {
    const seen = new Map<string, i32>();
    for (let i = 0; i < count % 200; i++) {
      const word = "w" + ((i * 7919) % 31).toString();
      seen.set(word, (seen.has(word) ? seen.get(word) : 0) + 1);
    }
    return seen.size;
  }
  export function sorted(count: i32, seed: u32): u32 {
    const list = new Array<u32>();
    for (let i = 0; i < count % 500; i++) list.push((seed = seed * 1664525 + 1013904223));
    list.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    return list.length > 0 ? list[list.length / 2] : 0;
  }
  export function digest(a: u64, rounds: i32): u64 {
    for (let i = 0; i < rounds % 1000; i++) a = rotl(a ^ (a << 5), 13) * 0x9e3779b97f4a7c15;
    return a;
  }
`;

/** Runtimes and optimisations that `PROGRAM` is compiled with. */
const COMPILATIONS = [
  ["-O3", "--runtime", "incremental"],
  ["--optimizeLevel", "0", "--runtime", "stub"],
  ["-Os", "--runtime", "minimal", "--enable", "simd"],
] as const;

const MEMORY = ["--initialMemory", "4", "--maximumMemory", "4"];

/** Named, so that the types it brings with it, which are for other programs, stay out of ours. */
const COMPILER: string = "assemblyscript/asc";

/** The compiler, as far as it is used here. */
interface Compiler {
  main(
    options: readonly string[],
    files: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array): void;
      listFiles(): string[];
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

/** Modules that the AssemblyScript compiler made. They export their memory as "memory". */
export async function compiledModules(): Promise<Uint8Array[]> {
  const { default: asc } = (await import(COMPILER)) as { readonly default: Compiler };
  const modules: Uint8Array[] = [];
  for (const options of COMPILATIONS) {
    const { error, stderr } = await asc.main(
      ["program.ts", "--outFile", "program.wasm", "--use", "abort=", ...MEMORY, ...options],
      {
        readFile: (name) => (name === "program.ts" ? PROGRAM : null),
        writeFile: (_name, contents) => void modules.push(contents),
        listFiles: () => [],
      },
    );
    if (error !== null) throw new Error(stderr.toString());
  }
  return modules;
}
