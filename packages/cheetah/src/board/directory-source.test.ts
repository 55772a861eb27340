import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
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
  const first = [...openDirectory(site).list()].find((found) => found.path === "a.txt");
  expect(first).toMatchObject({ size: 5, modified: Math.floor(statSync(join(site, "a.txt")).mtimeMs) });
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

test("a link to the directory that is turned to another one is followed at the next listing", () => {
  mkdirSync(join(outer, "second"));
  writeFileSync(join(outer, "second", "new.txt"), "new");
  const link = join(outer, "current");
  symlinkSync(site, link);
  const source = openDirectory(link);
  const { identity } = source;
  rmSync(link);
  symlinkSync(join(outer, "second"), link);
  expect([...source.list()].map(({ path }) => path)).toEqual(["new.txt"]);
  expect(source.identity).not.toBe(identity);
  expect(source.read("new.txt", 0, new Uint8Array(3))).toBe(3);
  rmSync(link);
  expect(() => source.list()).toThrow(SourceError);
  source.close();
});

test("files of the server's own are not listed, by whatever name", () => {
  linkSync(join(site, "a.txt"), join(site, "b.txt"));
  const source = openDirectory(site, [join(site, "a.txt"), join(outer, "none")]);
  expect([...source.list()].map(({ path }) => path)).toEqual(["deep/er/b.txt"]);
});

test.skipIf(process.platform !== "linux")("a name that is not UTF-8 is reported", () => {
  writeFileSync(Buffer.concat([Buffer.from(`${site}/caf`), Buffer.from([0xe9]), Buffer.from(".txt")]), "x");
  expect([...openDirectory(site).list()].filter((found) => "reason" in found)).toEqual([
    { path: "caf\ufffd.txt", reason: "BadName" },
  ]);
});

test("a directory that becomes unreadable is a problem of its own, one that is gone is nothing", () => {
  const source = openDirectory(site);
  const iterator = source.list()[Symbol.iterator]();
  const found = iterator.next();
  rmSync(join(site, "deep"), { recursive: true });
  const rest = [...{ [Symbol.iterator]: () => iterator }];
  expect([found.value, ...rest].filter((one) => one !== undefined && "reason" in one)).toEqual([]);
  symlinkSync("x".repeat(300), join(site, "too-long"));
  expect([...source.list()].filter((one) => "reason" in one)).toEqual([
    { path: "too-long", reason: "Unreadable" },
  ]);
});

test("a file changed in place is another version, with the same size and time", () => {
  const at = join(site, "a.txt");
  utimesSync(at, 1000, 1000);
  const before = openDirectory(site).look("a.txt");
  writeFileSync(at, "ALPHA");
  utimesSync(at, 1000, 1000);
  const after = openDirectory(site).look("a.txt");
  expect([after.size, after.modified, after.version === before.version]).toEqual([
    before.size,
    before.modified,
    false,
  ]);
});
