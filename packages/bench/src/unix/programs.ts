/** The programs that are measured, as the repository builds them. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A program's bytes, or why it is not there. */
export type Built = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly missing: string };

/** What the builder says of each program. */
type BuildRecord = Readonly<Record<string, { readonly path: string } | { readonly missing: string }>>;

const BUILDER: string = join(import.meta.dirname, "..", "..", "..", "libos-unix", "programs", "build.ts");

function read(record: BuildRecord, name: string): Built {
  const built = record[name];
  if (built === undefined) return { missing: "nobody builds it" };
  return "path" in built ? { bytes: new Uint8Array(readFileSync(built.path)) } : built;
}

/**
 * The programs with these names, built if they are not up to date.
 *
 * All are missing outside of the repository, which has their sources.
 */
export function builtPrograms(names: readonly string[]): ReadonlyMap<string, Built> {
  if (!existsSync(BUILDER)) {
    const missing = "its sources are not here";
    return new Map(names.map((name) => [name, { missing }]));
  }
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const output = execFileSync(process.execPath, [BUILDER, "--json", ...names], {
    encoding: "utf8",
    stdio: [...stdio],
  });
  const record = JSON.parse(output) as BuildRecord;
  return new Map(names.map((name) => [name, read(record, name)]));
}
