/** A handler's module as it was written: the oracle of its sandbox. */

const HEADER_BYTES = 8;
const SECTION = { memory: 5, exports: 7 } as const;
/** Section of one memory without a maximum: of one page, and of two. */
const ONE_PAGE = [1, 0, 1];
const TWO_PAGES = [1, 0, 2];
/** Name, kind and index of an exported memory. */
const MEMORY_EXPORT = [6, ...new TextEncoder().encode("memory"), 2, 0];

/** An unsigned LEB128 number at `at`, and where it ends. */
function unsigned(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let end = at, shift = 0; ; shift += 7) {
    const byte = bytes[end++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end };
  }
}

/** Content of the section with `id`, with a second page of memory, which is exported. */
function changed(id: number, content: readonly number[]): readonly number[] {
  if (id === SECTION.exports) return [(content[0] ?? 0) + 1, ...content.slice(1), ...MEMORY_EXPORT];
  if (id !== SECTION.memory) return content;
  if (content.join() !== ONE_PAGE.join()) throw new Error("not a module with one page of memory");
  return TWO_PAGES;
}

function length(value: number): readonly number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...length(value >>> 7)];
}

/**
 * The same code with a second page for messages behind the first, and its memory exported as `memory`.
 *
 * For modules of this package's kind: one page of memory, no maximum, fewer than 127 exports.
 */
export function exposeMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  const made = [...module.subarray(0, HEADER_BYTES)];
  for (let at = HEADER_BYTES; at < module.length;) {
    const id = module[at] ?? 0;
    const { value, end } = unsigned(module, at + 1);
    const content = changed(id, [...module.subarray(end, end + value)]);
    made.push(id, ...length(content.length), ...content);
    at = end + value;
  }
  return new Uint8Array(made);
}
