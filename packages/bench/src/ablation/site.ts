/** What is served: pages that embed files, and documents of three sizes. */
import type { SiteSource } from "@exolith/cheetah";
import { bytesOf } from "../series/documents.ts";

/** Pages, and files that each embeds. */
const PAGES = 24;
const IMAGES = 6;
const PAGE_BYTES = 3000;

/** A page and what it embeds, in the order in which a browser asks. */
export type PageLoad = readonly string[];

/** A site, and its pages. */
export interface Site {
  readonly source: SiteSource;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly pages: readonly PageLoad[];
}

/** Documents by themselves. */
export const SMALL = "small.bin",
  MEDIUM = "medium.bin",
  LARGE = "large.bin";
const SIZES = { [SMALL]: 100, [MEDIUM]: 1024, [LARGE]: 102_400 };

const MODIFIED = Date.UTC(2025, 0, 1);

/** Makes the site: files are named by their contents, as tools that build sites name them, so that the order of names groups nothing. */
export function makeSite(): Site {
  const files = new Map<string, Uint8Array>();
  const pages: PageLoad[] = [];
  const put = (directory: string, index: number, extension: string): string => {
    const name = Math.imul(index + 1, 0x9e37_79b1) >>> 0;
    const path = `${directory}/${name.toString(16).padStart(8, "0")}.${extension}`;
    files.set(path, bytesOf(500 + (name % 9000), index));
    return path;
  };
  for (let page = 0; page < PAGES; page++) {
    const images = Array.from({ length: IMAGES }, (_, i) => put("images", page * IMAGES + i, "png"));
    const [style, script] = [put("styles", page, "css"), put("scripts", page, "js")];
    const html =
      `<!doctype html><title>${page}</title><link rel=stylesheet href="/${style}"><script src="/${script}"></script>` +
      images.map((path) => `<img src="/${path}" alt="">`).join("");
    const path = `pages/${page}.html`;
    files.set(path, new TextEncoder().encode(html.padEnd(PAGE_BYTES, " ")));
    pages.push([path, style, script, ...images]);
  }
  for (const [path, size] of Object.entries(SIZES)) files.set(path, bytesOf(size));
  return { source: sourceOf(files), files, pages };
}

const sourceOf = (files: ReadonlyMap<string, Uint8Array>): SiteSource => ({
  list: () =>
    [...files.keys()].toSorted().map((path) => ({
      path,
      size: files.get(path)?.length ?? 0,
      modified: MODIFIED,
    })),
  read: (path, offset, into) => {
    const part = files.get(path)?.subarray(offset, offset + into.length) ?? new Uint8Array(0);
    into.set(part);
    return part.length;
  },
});
