/** The programs of `programs/`, as tests get them: built when they are asked for. */
import { readFileSync } from "node:fs";
import { buildNamed } from "../programs/build.ts";

/** A program's bytes, or why it is not there; then a test that needs it is skipped. */
export type Program =
  | { readonly name: string; readonly bytes: Uint8Array<ArrayBuffer>; readonly missing?: undefined }
  | { readonly name: string; readonly bytes?: undefined; readonly missing: string };

/**
 * The program of that name; says on standard output when it is missing.
 *
 * **Cost** nothing but reading when it is up to date; else it is built, and what it is built from is fetched.
 * **Fails** throws when no recipe has that name, or when the program does not compile.
 */
export async function program(name: string): Promise<Program> {
  const built = await buildNamed(name);
  if ("path" in built) return { name, bytes: new Uint8Array(readFileSync(built.path)) };
  console.log(`skipped: the program ${name} is not there: ${built.missing}`);
  return { name, missing: built.missing };
}
