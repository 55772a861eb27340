/** A site source in memory, which a test changes as it likes. */
import type { SiteSource } from "../src/disk/site-source.ts";

/** One file of it. */
export interface MemoryFile {
  bytes: Uint8Array;
  modified: number;
  /** What `list` says its size is, if that is not the truth. */
  claimed?: number;
}

/** When files of a test were changed, unless it says otherwise. */
export const MODIFIED: number = Date.UTC(2025, 0, 2, 3, 4, 5);

/** A source over a map. */
export interface MemorySource extends SiteSource {
  readonly files: Map<string, MemoryFile>;
  put(path: string, contents: string | Uint8Array, modified?: number): void;
}

/** A source with `files`. */
export function makeMemorySource(files: Readonly<Record<string, string | Uint8Array>> = {}): MemorySource {
  const held = new Map<string, MemoryFile>();
  const put: MemorySource["put"] = (path, contents, modified = MODIFIED) => {
    held.set(path, {
      bytes: typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
      modified,
    });
  };
  for (const [path, contents] of Object.entries(files)) put(path, contents);
  return {
    files: held,
    put,
    list: () =>
      [...held].map(([path, file]) => ({
        path,
        size: file.claimed ?? file.bytes.length,
        modified: file.modified,
      })),
    read: (path, offset, into) => {
      const file = held.get(path);
      if (file === undefined) throw new Error("gone");
      const part = file.bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

/** `length` bytes that repeat nowhere nearby. */
export function patternBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
