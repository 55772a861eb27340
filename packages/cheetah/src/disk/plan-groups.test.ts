import { BLOCK_BYTES } from "@exolith/exokernel/abi";
import { expect, test } from "vitest";
import { CHUNK_BLOCKS } from "../cache/chunk-cache.ts";
import { BlockMap } from "./block-map.ts";
import { PAGE_BYTES, planGroups } from "./plan-groups.ts";
import { GROUP_BLOCKS } from "./site-file.ts";
import { complete } from "./step.ts";

/** Names of files by group; a file is its text, or as many bytes as a number says. */
function plan(files: Readonly<Record<string, string | number>>, gone: readonly string[] = []): string[][] {
  const bytes = new Map(
    Object.entries(files).map(([path, file]) => [
      path,
      typeof file === "string" ? new TextEncoder().encode(file) : new Uint8Array(file),
    ]),
  );
  const source = {
    list: () => [],
    read: (path: string, offset: number, into: Uint8Array): number => {
      const part = gone.includes(path) ? undefined : bytes.get(path)?.subarray(offset, offset + into.length);
      if (part === undefined) throw new Error("gone");
      into.set(part);
      return part.length;
    },
  };
  const wanted = [...bytes].map(([path, { length }]) => ({ path, size: length, modified: 0, version: 0 }));
  return complete(planGroups(source, wanted)).map((group) => group.map(({ path }) => path));
}

test("a page and what it embeds are one group, in the page's order; what is alone follows, large files last", () => {
  const files = {
    "big.bin": 20 * BLOCK_BYTES,
    "z.txt": "z",
    "css/a.css": 100,
    "img/1.png": 5000,
    "img/2.png": 9000,
    "index.html": "<link rel=stylesheet href=css/a.css><img src=img/2.png><img src=img/1.png><a href=z.txt>",
  };
  expect(plan(files)).toEqual([
    ["index.html", "css/a.css", "img/2.png", "img/1.png"],
    ["z.txt"],
    ["big.bin"],
  ]);
});

test("each file is placed once, with the first page that embeds it; pages come in the order of their names", () => {
  const page = "<img src=/shared.png><iframe src=/c.html></iframe>";
  expect(
    plan({ "shared.png": 10, "c.html": "<img src=own.png>", "own.png": 10, "b.htm": page, "a.xhtml": page }),
  ).toEqual([["a.xhtml", "shared.png", "c.html", "own.png"], ["b.htm"]]);
});

test("large files, empty files, what is not of the site and what would make a group too long stay out", () => {
  const images = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${i}.png`, 10 * BLOCK_BYTES]));
  const page = Object.keys(images)
    .map((name) => `<img src=${name}>`)
    .join("");
  const groups = plan({
    "p.html": `<img src=big><img src=none><img src=gone.png>${page}`,
    big: 17 * BLOCK_BYTES,
    none: 0,
    ...images,
  });
  expect(groups[0]).toEqual(["p.html", "0.png", "1.png", "2.png", "3.png", "4.png", "5.png"]);
  expect(6 * 10 + 1).toBeLessThanOrEqual(GROUP_BLOCKS);
  expect(groups.slice(1)).toEqual([["none"], ["6.png"], ["7.png"], ["8.png"], ["9.png"], ["big"]]);
});

test("a page that is too long, or cannot be read, is a file like any other", () => {
  const long = "<img src=a.png>".padEnd(PAGE_BYTES + 1);
  expect(plan({ "p.html": long, "a.png": 10 })).toEqual([["a.png"], ["p.html"]]);
  expect(plan({ "p.html": "<img src=a.png>", "a.png": 10 }, ["p.html"])).toEqual([["p.html"], ["a.png"]]);
  // Longer than a chunk, and read all the same: what it embeds is a group without it.
  const middling = "<img src=a.png><img src=b.png>".padEnd(17 * BLOCK_BYTES);
  expect(plan({ "p.html": middling, "a.png": 10, "b.png": 10 })).toEqual([["a.png", "b.png"], ["p.html"]]);
});

test("a group lies in as few chunks as it can while there is room, and anywhere when there is little", () => {
  const map = new BlockMap(100);
  expect(map.claimTogether(10, CHUNK_BLOCKS)).toBe(2);
  expect(map.claimTogether(10, CHUNK_BLOCKS)).toBe(16);
  expect(map.claimTogether(6, CHUNK_BLOCKS)).toBe(26);
  expect(map.claimTogether(20, CHUNK_BLOCKS)).toBe(32);
  expect(map.claimTogether(12, CHUNK_BLOCKS)).toBe(52);
  // Less than half is free: next to the last, across two chunks.
  expect(map.free).toBe(40);
  expect(map.claimTogether(15, CHUNK_BLOCKS)).toBe(64);
  expect(map.claimTogether(15, CHUNK_BLOCKS)).toBe(79);
  map.rewind();
  expect(map.claimAny(4)).toBe(12);
  expect(map.claimTogether(7, CHUNK_BLOCKS)).toBe(-1);
  expect(map.claimTogether(6, CHUNK_BLOCKS)).toBe(94);
});
