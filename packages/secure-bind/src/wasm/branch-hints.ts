/** Hints to the engine which way branches mostly go, as a custom section of the binary. */
import { ByteWriter } from "./byte-writer.ts";

/** The name of the section. */
export const HINTS_NAME = "metadata.code.branch_hint";

/** Bytes of a hint's value. */
const VALUE_BYTES = 1;

/** Bytes of the unsigned LEB128 number that begins at `at`. */
function lengthAt(bytes: ByteWriter, at: number): number {
  let end = at;
  while (bytes.at(end) >= 0x80) end += 1;
  return end - at + 1;
}

/**
 * The hints that were noted while `code` was written, without the section's name.
 *
 * `starts` are the offsets of the sizes of functions, the first of which has
 * number `first`. An offset in a hint counts from behind the size.
 */
export function branchHints(code: ByteWriter, starts: readonly number[], first: number): ByteWriter {
  const to = new ByteWriter(16 + 4 * code.hints.length);
  const { hints } = code;
  const entries = new ByteWriter(4 * hints.length + 16);
  let functions = 0;
  let next = 0;
  for (let i = 0; i < starts.length && next < hints.length; i++) {
    const end = 2 * (starts[i + 1] ?? code.length);
    const from = next;
    while (next < hints.length && (hints[next] ?? 0) < end) next += 1;
    if (next === from) continue;
    functions += 1;
    const base = (starts[i] ?? 0) + lengthAt(code, starts[i] ?? 0);
    entries.u32(first + i);
    entries.u32(next - from);
    for (let at = from; at < next; at++) writeHint(entries, hints[at] ?? 0, base);
  }
  if (functions === 0) return to;
  to.u32(functions);
  to.append(entries);
  return to;
}

function writeHint(to: ByteWriter, hint: number, base: number): void {
  to.u32(Math.floor(hint / 2) - base);
  to.u8(VALUE_BYTES);
  to.u8(hint % 2);
}
