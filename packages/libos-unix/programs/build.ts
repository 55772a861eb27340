/**
 * Builds the programs that the tests and the benchmarks run, those that are not up to date.
 *
 *     node packages/libos-unix/programs/build.ts [--json] [name…]
 *
 * Prints a line for each program: its size, or why it was skipped. With `--json`, one
 * record of all: where each is, or why it is not there.
 */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Missing, fetched, unpack } from "./fetch.ts";
import { RECIPES } from "./recipes.ts";
import type { Recipe } from "./recipes.ts";

const run = promisify(execFile);

const here: string = import.meta.dirname;

/** Where archives and built programs are kept; git does not see it. */
const cache: string = join(here, "..", "..", "..", "node_modules", ".exolith", "programs");

/** Milliseconds for which a program that could not be built is not tried again. */
const AGAIN = 600_000;
/** Milliseconds after which whoever builds a program is taken to have died. */
const ABANDONED = 600_000;

const TARGET = "--target=wasm32-wasi";
/** To be raised when `compile` changes what it makes. */
const FORM = 1;
/** Optimisation is said to the compiler alone: said to the linker it would run whatever `wasm-opt` is installed. */
const COMPILED = [TARGET, "-O2"];

/** A program that is there, or why it is not. */
export type Built = { readonly path: string } | { readonly missing: string };

let version: string | undefined;

/** What the compiler says of itself. Throws `Missing` without a compiler, linker and C library for WebAssembly. */
function compiler(): string {
  if (version !== undefined) return version;
  try {
    version = execFileSync("clang", ["--version"], { encoding: "utf8", stdio: "pipe" }).split("\n")[0] ?? "";
  } catch {
    throw new Missing("clang is not installed");
  }
  const probe = [TARGET, "-x", "c", "-", "-o", "/dev/null"];
  try {
    execFileSync("clang", probe, { input: "int main(void) { return 0; }", stdio: "pipe" });
  } catch {
    version = undefined;
    throw new Missing("clang has no linker, C library or runtime for wasm32-wasi");
  }
  return version;
}

/** A hash of all that a program is made from. */
function keyOf(recipe: Recipe): string {
  const hash = createHash("sha256").update(JSON.stringify([FORM, COMPILED, recipe]));
  for (const directory of ["port", "conformance"])
    for (const name of readdirSync(join(here, directory)).toSorted())
      if (directory === "port" || name.startsWith("check."))
        hash.update(readFileSync(join(here, directory, name)));
  if (recipe.archive === undefined)
    for (const source of recipe.sources ?? []) hash.update(readFileSync(join(here, source)));
  if (recipe.finished === undefined) hash.update(compiler());
  if (recipe.throwsTo !== undefined) hash.update(readFileSync(join(here, "throwing.ts")));
  return hash.digest("hex");
}

/** Runs `work` on each item, as many at once as the machine has processors. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function compile(recipe: Recipe, from: string, scratch: string): Promise<Uint8Array> {
  const foreign = recipe.archive !== undefined;
  const flags = [
    ...COMPILED,
    "-isystem",
    join(here, "port"),
    ...(foreign ? ["-w"] : ["-Wall", "-Wextra", "-Werror"]),
  ];
  const given = (recipe.flags ?? []).map((flag) => (flag.startsWith("port/") ? join(here, flag) : flag));
  const sources = [
    ...(recipe.sources ?? []).map((source) => ({ path: join(from, source), flags: given })),
    ...(recipe.port ?? []).map((source) => ({ path: join(here, source), flags: [] })),
  ];
  const object = (path: string): string => join(scratch, `${basename(path)}.o`);
  await inParallel(sources, async (source) => {
    await run("clang", [...flags, ...source.flags, "-c", source.path, "-o", object(source.path)]);
  });
  const output = join(scratch, "program.wasm");
  const stack = `-Wl,-z,stack-size=${recipe.stackBytes ?? 1 << 20}`;
  const names = recipe.throwsTo === undefined ? ["-Wl,--strip-all"] : [];
  const libraries = (recipe.libraries ?? []).map((name) => `-l${name}`);
  await run("clang", [
    TARGET,
    ...names,
    stack,
    ...sources.map(({ path }) => object(path)),
    ...libraries,
    "-o",
    output,
  ]);
  const module = readFileSync(output);
  if (recipe.throwsTo === undefined) return module;
  const { withUnwinding } = await import("./throwing.ts");
  return withUnwinding(module, recipe.throwsTo);
}

async function make(recipe: Recipe): Promise<Uint8Array> {
  const scratch = mkdtempSync(join(cache, `building-${recipe.name}-`));
  try {
    let from = here;
    if (recipe.archive !== undefined) {
      await unpack(recipe.archive, await fetched(recipe.archive, cache), scratch);
      from = scratch;
    }
    if (recipe.finished !== undefined) return readFileSync(join(scratch, recipe.finished));
    return await compile(recipe, from, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What an earlier run left: the program, or why there was none a short while ago. */
function left(recipe: Recipe, key: string): Built | undefined {
  const path = join(cache, `${recipe.name}.wasm`);
  const stamp = join(cache, `${recipe.name}.key`);
  const skipped = join(cache, `${recipe.name}.skipped`);
  if (existsSync(stamp) && existsSync(path) && readFileSync(stamp, "utf8") === key) return { path };
  if (!existsSync(skipped) || Date.now() - statSync(skipped).mtimeMs > AGAIN) return undefined;
  const [of, reason] = readFileSync(skipped, "utf8").split("\n");
  return of === key ? { missing: reason ?? "" } : undefined;
}

async function makeAndKeep(recipe: Recipe, key: string): Promise<Built> {
  const path = join(cache, `${recipe.name}.wasm`);
  try {
    const temporary = join(cache, `${recipe.name}.${process.pid}.part`);
    writeFileSync(temporary, await make(recipe));
    renameSync(temporary, path);
    writeFileSync(join(cache, `${recipe.name}.key`), key);
    return { path };
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    writeFileSync(join(cache, `${recipe.name}.skipped`), `${key}\n${error.message}`);
    return { missing: error.message };
  }
}

/** True when this run is the one that builds; else waits a little for the one that does. */
async function taken(lock: string): Promise<boolean> {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > ABANDONED) rmSync(lock, { recursive: true, force: true });
    await pause(100);
    return false;
  }
}

/** Builds a program unless it is up to date. A program that does not compile throws; one that lacks something is missing. */
export async function build(recipe: Recipe): Promise<Built> {
  mkdirSync(cache, { recursive: true });
  let key: string;
  try {
    key = keyOf(recipe);
  } catch (error) {
    if (error instanceof Missing) return { missing: error.message };
    throw error;
  }
  const lock = join(cache, `${recipe.name}.lock`);
  for (;;) {
    const found = left(recipe, key);
    if (found !== undefined) return found;
    if (!(await taken(lock))) continue;
    try {
      return left(recipe, key) ?? (await makeAndKeep(recipe, key));
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** Builds the program of that name; throws when no recipe has it. */
export async function buildNamed(name: string): Promise<Built> {
  const recipe = RECIPES.find((each) => each.name === name);
  if (recipe === undefined) throw new Error(`no program is called ${name}`);
  return build(recipe);
}

async function main(given: readonly string[]): Promise<void> {
  const json = given.includes("--json");
  const names = given.filter((each) => each !== "--json");
  const all: Record<string, Built> = {};
  for (const name of names.length > 0 ? names : RECIPES.map((recipe) => recipe.name)) {
    const built = await buildNamed(name);
    all[name] = built;
    if (json) continue;
    console.log(
      `${name.padEnd(24)} ${"path" in built ? `${statSync(built.path).size} bytes` : `skipped: ${built.missing}`}`,
    );
  }
  if (json) console.log(JSON.stringify(all));
}

if (import.meta.main) await main(process.argv.slice(2));
