/** What every file system keeps: run against memory, and against the host both ways. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refuse } from "../errno.ts";
import { openHostDirectory } from "../host/directory.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { Directory, FileNode, FileStat, OpenFile, RegularFile, SymbolicLink } from "./file-system.ts";
import { makeMemoryFileSystem } from "./memory-file-system.ts";
import { NAME_BYTES, PATH_BYTES } from "./name.ts";
import { readTree, writeTree } from "./tree.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const BOTH = { read: true, write: true };

/** What was asked for; a refusal fails the test. */
function got<T>(outcome: T | number): T {
  expect(outcome).not.toBeTypeOf("number");
  return outcome as T;
}

const open = (file: RegularFile, access = BOTH): OpenFile => got<OpenFile>(file.open(access));
const stat = (node: FileNode): FileStat => got<FileStat>(node.stat());
const write = (file: OpenFile, position: number, text: string) =>
  file.write(position, encode(text), 0, encode(text).length);

function contents(file: OpenFile): string {
  const bytes = new Uint8Array(file.size());
  let done = 0;
  while (done < bytes.length) done += file.read(done, bytes, done, bytes.length - done);
  return decode(bytes);
}

const directoryAt = (parent: Directory, name: string): Directory =>
  got<FileNode>(parent.lookup(name)) as Directory;

function makeFile(directory: Directory, name: string, text = ""): RegularFile {
  const file = got<RegularFile>(directory.createFile(name));
  const opened = open(file);
  write(opened, 0, text);
  opened.close();
  return file;
}

const makeDirectory = (parent: Directory, name: string): Directory =>
  got<Directory>(parent.createDirectory(name));
const makeLink = (parent: Directory, name: string, target: string): SymbolicLink =>
  got<SymbolicLink>(parent.createLink(name, target));

/** The text of the file `name`. */
function textOf(directory: Directory, name: string): string {
  const opened = open(directory.lookup(name) as RegularFile, { read: true, write: false });
  const text = contents(opened);
  opened.close();
  return text;
}

/** Every name, by pages of `limit`. */
function names(directory: Directory, limit = 3): string[] {
  const all: string[] = [];
  for (let cookie = 0n; ;) {
    const page = got(directory.list(cookie, limit));
    const end = page.at(-1);
    if (end === undefined) return all;
    expect(page.length).toBeLessThanOrEqual(limit);
    all.push(...page.map(({ name }) => name));
    cookie = end.cookie;
  }
}

interface Made {
  readonly root: Directory;
  remove(): void;
}

let clock = 1_700_000_000_000_000_000n;
const memory = (): Made => ({
  root: makeMemoryFileSystem({ now: () => (clock += 1_000_000n) }).root,
  remove: () => {},
});
const host = (anchored: boolean) => (): Made => {
  const path = mkdtempSync(join(tmpdir(), "exolith-"));
  const system = got(openHostDirectory(path, { anchored, directoriesOpen: 2 }));
  return {
    root: system.root,
    remove: () => {
      system.close();
      rmSync(path, { recursive: true });
    },
  };
};

const KINDS: readonly (readonly [string, () => Made])[] = [
  ["memory", memory],
  ["host, by descriptors", host(true)],
  ["host, by text", host(false)],
];

describe.each(KINDS)("%s", (kind, make) => {
  let made: Made;
  let root: Directory;
  beforeEach(() => {
    made = make();
    root = made.root;
  });
  afterEach(() => made.remove());

  test("what is created is found, with its kind and a number of its own", () => {
    makeFile(root, "file", "text");
    makeDirectory(root, "directory");
    makeLink(root, "link", "file");
    const found = ["file", "directory", "link"].map((name) => got<FileNode>(root.lookup(name)));
    const kinds = [FILE_TYPE.regularFile, FILE_TYPE.directory, FILE_TYPE.symbolicLink];
    expect(found.map(({ fileType }) => fileType)).toEqual(kinds);
    expect(found.map((node) => stat(node).fileType)).toEqual(kinds);
    expect(new Set([root, ...found].map((node) => stat(node).serial)).size).toBe(4);
    expect(new Set([root, ...found].map((node) => stat(node).device)).size).toBe(1);
    expect(found.map((node) => stat(node).size).filter((_, at) => at !== 1)).toEqual([4n, 4n]);
    expect((found[2] as SymbolicLink).target()).toBe("file");
    const listed = got(root.list(0n, 10));
    expect(listed.map(({ serial }) => serial).toSorted()).toEqual(
      found.map((node) => stat(node).serial).toSorted(),
    );
    for (const entry of listed) expect(entry.fileType).toBe(got<FileNode>(root.lookup(entry.name)).fileType);
  });

  test.each([
    ["", "noent"],
    [".", "inval"],
    ["..", "inval"],
    ["a/b", "inval"],
    ["/", "inval"],
    ["a\0b", "ilseq"],
    ["\ud800", "ilseq"],
    ["x".repeat(NAME_BYTES + 1), "nametoolong"],
    ["ä".repeat(NAME_BYTES / 2 + 1), "nametoolong"],
  ] as const)("the name %j is refused everywhere: %s", (name, errno) => {
    const refused = refuse(errno);
    const file = makeFile(root, "file");
    expect(root.lookup(name)).toBe(refused);
    expect(root.createFile(name)).toBe(refused);
    expect(root.createDirectory(name)).toBe(refused);
    expect(root.createLink(name, "file")).toBe(refused);
    expect(root.link(name, file)).toBe(refused);
    expect(root.unlink(name)).toBe(refused);
    expect(root.removeDirectory(name)).toBe(refused);
    expect(root.rename(name, root, "new")).toBe(refused);
    expect(root.rename("file", root, name)).toBe(refused);
    expect(names(root)).toEqual(["file"]);
  });

  test("the longest names, and names of any text", () => {
    for (const name of [
      "x".repeat(NAME_BYTES),
      "ä".repeat(127),
      "-",
      " ",
      "...",
      "a\\b",
      "C:",
      "__proto__",
      "😀",
    ])
      makeFile(root, name, name);
    expect(names(root)).toHaveLength(9);
    for (const name of names(root)) expect(textOf(root, name)).toBe(name);
  });

  test("what links say is limited", () => {
    expect(root.createLink("link", "")).toBe(refuse("noent"));
    expect(root.createLink("link", "a\0b")).toBe(refuse("ilseq"));
    expect(root.createLink("link", "x".repeat(PATH_BYTES + 1))).toBe(refuse("nametoolong"));
    expect(makeLink(root, "link", "../../etc/passwd").target()).toBe("../../etc/passwd");
  });

  test("nothing is created where something is", () => {
    const file = makeFile(root, "file");
    makeDirectory(root, "directory");
    makeLink(root, "dangling", "nowhere");
    for (const name of ["file", "directory", "dangling"]) {
      expect(root.createFile(name)).toBe(refuse("exist"));
      expect(root.createDirectory(name)).toBe(refuse("exist"));
      expect(root.createLink(name, "x")).toBe(refuse("exist"));
      expect(root.link(name, file)).toBe(refuse("exist"));
    }
    expect(names(root).toSorted()).toEqual(["dangling", "directory", "file"]);
  });

  test("bytes: written anywhere, with zeros between, cut and appended", () => {
    const opened = open(makeFile(root, "file"));
    expect(write(opened, 5, "world")).toBe(5);
    expect(contents(opened)).toBe("\0\0\0\0\0world");
    expect(write(opened, 0, "hello")).toBe(5);
    expect(opened.resize(7)).toBe(0);
    expect(opened.resize(9)).toBe(0);
    expect(contents(opened)).toBe("hellowo\0\0");
    const into = new Uint8Array(4).fill(0xff);
    expect(opened.read(5, into, 1, 2)).toBe(2);
    expect(decode(into.subarray(1, 3))).toBe("wo");
    expect([into[0], into[3]]).toEqual([0xff, 0xff]);
    expect(opened.read(9, into, 0, 4)).toBe(0);
    expect(opened.read(1_000_000, into, 0, 4)).toBe(0);
    expect(opened.write(100, into, 0, 0)).toBe(0);
    expect(opened.size()).toBe(9);
    expect(opened.sync(true)).toBe(0);
    expect(opened.sync(false)).toBe(0);
    opened.close();
  });

  test("wrong uses of opened files are refused", () => {
    const file = makeFile(root, "file", "text");
    const bytes = new Uint8Array(4);
    const reader = open(file, { read: true, write: false });
    const writer = open(file, { read: false, write: true });
    expect(reader.write(0, bytes, 0, 4)).toBe(refuse("badf"));
    expect(reader.resize(0)).toBe(refuse("inval"));
    expect(writer.read(0, bytes, 0, 4)).toBe(refuse("badf"));
    for (const bad of [-1, Number.NaN, 0.5, 2 ** 60]) {
      expect(reader.read(bad, bytes, 0, 4)).toBe(refuse("inval"));
      expect(writer.write(bad, bytes, 0, 4)).toBe(refuse("inval"));
      expect(writer.resize(bad)).toBe(refuse("inval"));
    }
    expect(writer.write(Number.MAX_SAFE_INTEGER - 1, bytes, 0, 4)).toBe(refuse("fbig"));
    for (const opened of [reader, writer]) {
      opened.close();
      opened.close();
      expect(opened.read(0, bytes, 0, 4)).toBe(refuse("badf"));
      expect(opened.write(0, bytes, 0, 4)).toBe(refuse("badf"));
      expect(opened.size()).toBe(refuse("badf"));
      expect(opened.resize(0)).toBe(refuse("badf"));
      expect(opened.sync(false)).toBe(refuse("badf"));
    }
    expect(textOf(root, "file")).toBe("text");
  });

  test("an opened file lives on without a name, and is not what comes by that name", () => {
    const file = makeFile(root, "file", "old");
    const opened = open(file);
    expect(root.unlink("file")).toBe(0);
    expect(root.lookup("file")).toBe(refuse("noent"));
    makeFile(root, "file", "new");
    expect(contents(opened)).toBe("old");
    expect(write(opened, 3, "er")).toBe(2);
    expect(contents(opened)).toBe("older");
    expect(stat(file).links).toBe(0n);
    expect(stat(file).size).toBe(5n);
    opened.close();
    expect(file.open(BOTH)).toBe(refuse("noent"));
    expect(textOf(root, "file")).toBe("new");
  });

  test("a file that is open keeps its description when it is renamed", () => {
    const file = makeFile(root, "file", "text");
    const opened = open(file);
    expect(root.rename("file", makeDirectory(root, "directory"), "moved")).toBe(0);
    expect(stat(file).size).toBe(4n);
    expect(file.setTimes(1_000_000_000n, 2_000_000_000n)).toBe(0);
    expect(stat(file).modified).toBe(2_000_000_000n);
    opened.close();
  });

  test("hard links are names of one thing, and are counted", () => {
    const file = makeFile(root, "one", "text");
    const directory = makeDirectory(root, "directory");
    expect(directory.link("two", got<FileNode>(root.lookup("one")))).toBe(0);
    expect(stat(file).links).toBe(2n);
    const second = got<FileNode>(directory.lookup("two")) as RegularFile;
    expect(stat(second).serial).toBe(stat(file).serial);
    const opened = open(second);
    write(opened, 0, "T");
    opened.close();
    expect(textOf(root, "one")).toBe("Text");
    expect(root.unlink("one")).toBe(0);
    expect(stat(second).links).toBe(1n);
    expect(textOf(directory, "two")).toBe("Text");
  });

  test("links to what must not be linked", () => {
    const directory = makeDirectory(root, "directory");
    expect(root.link("again", directory)).toBe(refuse("perm"));
    const foreign = memory().root;
    expect(root.link("foreign", makeFile(foreign, "file"))).toBe(refuse("xdev"));
    const gone = makeFile(root, "gone");
    expect(root.unlink("gone")).toBe(0);
    expect(root.link("back", gone)).toBe(refuse("noent"));
    const link = makeLink(root, "link", "gone");
    expect(root.link("second", link)).toBe(kind === "host, by text" ? refuse("notsup") : 0);
  });

  test("unlink and removeDirectory keep to their kinds", () => {
    const directory = makeDirectory(root, "directory");
    makeFile(root, "file");
    makeLink(root, "link", "directory");
    makeFile(directory, "inside");
    expect(root.unlink("directory")).toBe(refuse("isdir"));
    expect(root.unlink("missing")).toBe(refuse("noent"));
    expect(root.removeDirectory("missing")).toBe(refuse("noent"));
    expect(root.removeDirectory("file")).toBe(refuse("notdir"));
    expect(root.removeDirectory("link")).toBe(refuse("notdir"));
    expect(root.removeDirectory("directory")).toBe(refuse("notempty"));
    expect(root.unlink("link")).toBe(0);
    expect(directory.unlink("inside")).toBe(0);
    expect(root.removeDirectory("directory")).toBe(0);
    expect(names(root)).toEqual(["file"]);
  });

  test("in a removed directory is nothing, and nothing can be made, even when its name is used again", () => {
    const directory = makeDirectory(root, "directory");
    const file = makeFile(root, "file");
    expect(root.removeDirectory("directory")).toBe(0);
    makeFile(makeDirectory(root, "directory"), "other");
    expect(directory.lookup("other")).toBe(refuse("noent"));
    expect(directory.createFile("x")).toBe(refuse("noent"));
    expect(directory.createDirectory("x")).toBe(refuse("noent"));
    expect(directory.createLink("x", "y")).toBe(refuse("noent"));
    expect(directory.link("x", file)).toBe(refuse("noent"));
    expect(root.rename("file", directory, "x")).toBe(refuse("noent"));
    const listed = directory.list(0n, 10);
    expect(typeof listed === "number" ? listed : listed.length).toBe(
      typeof listed === "number" ? refuse("noent") : 0,
    );
  });

  test("a directory's count of links is that of its directories", () => {
    const counted = () => stat(root).links;
    const before = counted();
    const one = makeDirectory(root, "one");
    makeDirectory(root, "two");
    expect(counted() - before === 2n || counted() === 1n).toBe(true);
    expect(root.rename("two", one, "two")).toBe(0);
    expect(one.removeDirectory("two")).toBe(0);
    expect(root.removeDirectory("one")).toBe(0);
    expect(counted()).toBe(before);
  });

  test("rename moves, and replaces file by file and directory by empty directory", () => {
    const directory = makeDirectory(root, "directory");
    makeFile(root, "file", "moved");
    makeFile(directory, "file", "replaced");
    expect(root.rename("file", directory, "file")).toBe(0);
    expect(textOf(directory, "file")).toBe("moved");
    expect(root.lookup("file")).toBe(refuse("noent"));
    makeDirectory(root, "empty");
    expect(root.rename("directory", root, "empty")).toBe(0);
    expect(names(root)).toEqual(["empty"]);
    expect(textOf(directory, "file")).toBe("moved");
    expect(directory.rename("file", root, "up")).toBe(0);
    expect(directory.rename("file", root, "up")).toBe(refuse("noent"));
    makeLink(root, "link", "up");
    expect(root.rename("link", root, "up")).toBe(0);
    expect((got<FileNode>(root.lookup("up")) as SymbolicLink).target()).toBe("up");
  });

  test("rename refuses what would break the tree", () => {
    const directory = makeDirectory(root, "directory");
    const inner = makeDirectory(directory, "inner");
    makeFile(root, "file");
    makeDirectory(root, "empty");
    expect(root.rename("directory", inner, "x")).toBe(refuse("inval"));
    expect(root.rename("directory", directory, "x")).toBe(refuse("inval"));
    expect(root.rename("directory", root, "file")).toBe(refuse("notdir"));
    expect(root.rename("file", root, "empty")).toBe(refuse("isdir"));
    expect(root.rename("empty", root, "directory")).toBe(refuse("notempty"));
    expect(root.rename("missing", root, "x")).toBe(refuse("noent"));
    expect(root.rename("file", memory().root, "x")).toBe(refuse("xdev"));
    expect(names(root).toSorted()).toEqual(["directory", "empty", "file"]);
    expect(names(directory)).toEqual(["inner"]);
  });

  test("renaming a thing to itself changes nothing", () => {
    const file = makeFile(root, "one", "text");
    makeDirectory(root, "directory");
    expect(root.link("two", file)).toBe(0);
    expect(root.rename("one", root, "two")).toBe(0);
    expect(root.rename("one", root, "one")).toBe(0);
    expect(root.rename("directory", root, "directory")).toBe(0);
    expect(names(root).toSorted()).toEqual(["directory", "one", "two"]);
    expect(stat(got<FileNode>(root.lookup("one"))).links).toBe(2n);
  });

  test("a directory that is held goes with its new name, and so do those below it", () => {
    const directory = makeDirectory(root, "a");
    const inner = makeDirectory(makeDirectory(directory, "b"), "c");
    expect(root.rename("a", root, "z")).toBe(0);
    // More directories than are kept open, so that each way is gone again.
    for (const name of ["1", "2", "3", "4"]) makeFile(makeDirectory(root, name), "file");
    makeFile(inner, "file", "text");
    expect(names(directory)).toEqual(["b"]);
    expect(readTree(directoryAt(root, "z"))).toEqual(new Map([["b/c/file", encode("text")]]));
  });

  test("times can be set one by one, of every kind of thing", () => {
    const things = [makeFile(root, "file"), makeDirectory(root, "directory"), makeLink(root, "link", "file")];
    for (const thing of things) {
      expect(thing.setTimes(1_600_000_000_500_000_000n, 1_500_000_000_250_000_000n)).toBe(0);
      expect(stat(thing)).toMatchObject({
        accessed: 1_600_000_000_500_000_000n,
        modified: 1_500_000_000_250_000_000n,
      });
      expect(thing.setTimes(undefined, 1_400_000_000_000_000_000n)).toBe(0);
      expect(stat(thing)).toMatchObject({
        accessed: 1_600_000_000_500_000_000n,
        modified: 1_400_000_000_000_000_000n,
      });
      expect(thing.setTimes(undefined, undefined)).toBe(0);
      expect(stat(thing).modified).toBe(1_400_000_000_000_000_000n);
      expect(stat(thing).changed).toBeGreaterThan(1_600_000_000_500_000_000n);
    }
    expect(stat(got<FileNode>(root.lookup("link"))).modified).toBe(1_400_000_000_000_000_000n);
  });

  test("times move with what happens", () => {
    const file = makeFile(root, "file");
    for (const thing of [file, root]) thing.setTimes(1_000_000_000n, 1_000_000_000n);
    const opened = open(file);
    write(opened, 0, "x");
    opened.close();
    expect(stat(file).modified).toBeGreaterThan(1_000_000_000n);
    expect(stat(root).modified).toBe(1_000_000_000n);
    makeFile(root, "other");
    expect(stat(root).modified).toBeGreaterThan(1_000_000_000n);
  });

  test("listings go on where they were while names come and go", () => {
    const all = Array.from({ length: 40 }, (_, index) => `name ${index}`);
    for (const name of all) makeFile(root, name);
    const seen: string[] = [];
    let cookie = 0n;
    for (let page = 0; ; page++) {
      const entries = got(root.list(cookie, 5));
      const end = entries.at(-1);
      if (end === undefined) break;
      expect(entries.every((entry) => entry.cookie > cookie)).toBe(true);
      cookie = end.cookie;
      seen.push(...entries.map(({ name }) => name));
      if (page > 5) continue;
      // Something listed goes, something else is replaced in its place, and something comes.
      expect(root.unlink(seen[page * 3] ?? "")).toBe(0);
      makeFile(root, "temporary");
      expect(root.rename("temporary", root, seen.at(-1) ?? "")).toBe(0);
      makeFile(root, `zz new ${page}`);
      if (page === 2) got(root.list(0n, 1000));
    }
    const stayed = names(root).filter((name) => name.startsWith("name"));
    expect(stayed.length).toBeGreaterThan(20);
    for (const name of stayed) expect(seen.filter((each) => each === name)).toEqual([name]);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("a cookie can be used again, by more than one listing", () => {
    for (let index = 0; index < 20; index++) makeFile(root, `${index}`);
    const whole = got(root.list(0n, 100)).map(({ name, cookie }) => ({ name, cookie }));
    expect(whole).toHaveLength(20);
    for (const [index, { cookie }] of whole.entries()) {
      const rest = got(root.list(cookie, 100)).map((entry) => ({ name: entry.name, cookie: entry.cookie }));
      expect(rest).toEqual(whole.slice(index + 1));
    }
    expect(root.list(2n ** 63n, 10)).toEqual([]);
    expect(root.list(0n, 0)).toEqual([]);
  });

  test("trees are written and read whole", () => {
    const large = new Uint8Array(200_000).map((_, index) => index * 7);
    const files = { "a/b.txt": "text", "a/c/d": large, e: "", "f/": "", "a/b2.txt": "é" };
    expect(writeTree(root, files)).toBe(0);
    expect(new Map([...got(readTree(root))].toSorted())).toEqual(
      new Map([
        ["a/b.txt", encode("text")],
        ["a/b2.txt", encode("é")],
        ["a/c/d", large],
        ["e", encode("")],
        ["f/", encode("")],
      ]),
    );
    expect(writeTree(root, { "a/b.txt": "x" })).toBe(0);
    expect(textOf(directoryAt(root, "a"), "b.txt")).toBe("x");
    makeLink(root, "link", "a");
    expect(writeTree(root, { "link/x": "" })).toBe(refuse("notdir"));
    expect(writeTree(root, { link: "" })).toBe(refuse("exist"));
    expect(writeTree(root, { a: "" })).toBe(refuse("isdir"));
    expect(writeTree(root, { "e/x": "" })).toBe(refuse("notdir"));
    expect(writeTree(root, { "a/../x": "" })).toBe(refuse("inval"));
  });
});
