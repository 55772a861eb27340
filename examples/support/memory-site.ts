/** A site that is a record of texts. */
import type { SiteSource } from "@exolith/cheetah";

/** When its files were last changed: the start of 2026, milliseconds since 1970. */
const MODIFIED = 1_767_225_600_000;

/** A site with these files. */
export function memorySite(texts: Readonly<Record<string, string>>): SiteSource {
  const files = new Map(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]));
  return {
    list: () => [...files].map(([path, bytes]) => ({ path, size: bytes.length, modified: MODIFIED })),
    read: (path, offset, into) => {
      const part = (files.get(path) ?? new Uint8Array(0)).subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}
