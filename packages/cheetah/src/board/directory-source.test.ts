import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SourceError, openDirectory } from "./directory-source.ts";

let outer: string;
let site: string;

beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), "cheetah-source-"));
  site = join(outer, "site");
  mkdirSync(join(site, "deep", "er"), { recursive: true });
  writeFileSync(join(site, "a.txt"), "alpha");
  writeFileSync(join(site, "deep", "er", "b.txt"), "beta");
  writeFileSync(join(outer, "secret.txt"), "secret");
});

afterEach(() => rmSync(outer, { recursive: true, force: true }));

const paths = (): string[] => [...openDirectory(site).list()].map((found) => found.path).toSorted();

test("lists regular files at every depth with size and time", () => {
  expect(paths()).toEqual(["a.txt", "deep/er/b.txt"]);
  const [first] = [...openDirectory(site).list()].filter((found) => found.path === "a.txt");
  expect(first?.size).toBe(5);
  expect(first?.modified).toBeGreaterThan(0);
});

test("links inside are followed, links out of the directory are not listed", () => {
  symlinkSync(join(site, "a.txt"), join(site, "alias.txt"));
  symlinkSync(join(outer, "secret.txt"), join(site, "leak.txt"));
  symlinkSync(outer, join(site, "up"));
  symlinkSync(join(site, "nothing"), join(site, "dangling"));
  expect(paths()).toEqual(["a.txt", "alias.txt", "deep/er/b.txt"]);
});

test("a link that turns outwards after the listing is refused when it is read", () => {
  const source = openDirectory(site);
  rmSync(join(site, "a.txt"));
  symlinkSync(join(outer, "secret.txt"), join(site, "a.txt"));
  expect(() => source.read("a.txt", 0, new Uint8Array(16))).toThrow(SourceError);
  expect(() => source.read("../secret.txt", 0, new Uint8Array(16))).toThrow(SourceError);
});

test("a cycle of links ends", () => {
  symlinkSync(join(site, "deep"), join(site, "deep", "er", "again"));
  expect(paths().length).toBeLessThan(100);
});

test("names with a leading dot are not published, .well-known is", () => {
  mkdirSync(join(site, ".git"));
  writeFileSync(join(site, ".git", "config"), "x");
  writeFileSync(join(site, ".env"), "x");
  mkdirSync(join(site, ".well-known"));
  writeFileSync(join(site, ".well-known", "security.txt"), "x");
  expect(paths()).toEqual([".well-known/security.txt", "a.txt", "deep/er/b.txt"]);
});

test("reads from any offset, 0 at the end", () => {
  const source = openDirectory(site);
  const into = new Uint8Array(3);
  expect(source.read("a.txt", 0, into)).toBe(3);
  expect(source.read("a.txt", 3, into)).toBe(2);
  expect(String.fromCharCode(...into.subarray(0, 2))).toBe("ha");
  expect(source.read("a.txt", 5, into)).toBe(0);
  source.close();
});

test("what cannot be served is named", () => {
  expect(() => openDirectory(join(outer, "none"))).toThrow("no such directory");
  expect(() => openDirectory(join(outer, "secret.txt"))).toThrow("not a directory");
});
