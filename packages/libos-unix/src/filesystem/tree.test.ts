import { expect, test } from "vitest";
import { refuse } from "../errno.ts";
import type { RegularFile } from "./file-system.ts";
import { makeMemoryFileSystem } from "./memory-file-system.ts";
import { TREE_BYTES, readTree, writeTree } from "./tree.ts";

test("a tree is read up to a limit of bytes, and refused beyond", () => {
  const { root } = makeMemoryFileSystem({ now: () => 1n });
  expect(writeTree(root, { a: "123", "b/c": "4567" })).toBe(0);
  expect(readTree(root, 7)).toEqual(readTree(root));
  expect(readTree(root, 6)).toBe(refuse("nomem"));
  expect(readTree(root, 0)).toBe(refuse("nomem"));
});

test("bytes that were never written count", () => {
  const { root } = makeMemoryFileSystem({ now: () => 1n, maximumBytes: 2 ** 52 });
  const opened = (root.createFile("sparse") as RegularFile).open({ read: true, write: true });
  if (typeof opened === "number") throw new Error("not opened");
  expect(opened.resize(2 ** 52)).toBe(0);
  expect(readTree(root)).toBe(refuse("nomem"));
  expect(opened.resize(TREE_BYTES + 1)).toBe(0);
  expect(readTree(root)).toBe(refuse("nomem"));
  expect(opened.resize(4)).toBe(0);
  expect(readTree(root)).toEqual(new Map([["sparse", new Uint8Array(4)]]));
});
