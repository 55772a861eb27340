import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { refuse } from "../errno.ts";
import type { Directory, FileNode, OpenFile, RegularFile, SymbolicLink } from "../filesystem/file-system.ts";
import { resolvePath } from "../filesystem/resolve.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import { openHostDirectory } from "./directory.ts";
import type { HostDirectoryOptions, HostFileSystem } from "./directory.ts";
import { attempt, refuseHost } from "./host-errno.ts";
import { HOST_TRANSFER_BYTES } from "./host-file.ts";
import { HOST_DEPTH, HOST_DIRECTORIES_OPEN } from "./host-tree.ts";

const READ = { read: true, write: false };
const WRITE = { read: false, write: true };
const SECRET = "nobody may read this";

let above: string;
let inside: string;
let outside: string;
const opened: HostFileSystem[] = [];

// `inside` is what programs get; `outside` lies beside it.
beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), "exolith-"));
  inside = join(above, "inside");
  outside = join(above, "outside");
  mkdirSync(inside);
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), SECRET);
  mkdirSync(join(outside, "empty"));
});
afterEach(() => {
  for (const system of opened.splice(0)) system.close();
  expect(readdirSync(outside).toSorted()).toEqual(["empty", "secret"]);
  expect(readFileSync(join(outside, "secret"), "utf8")).toBe(SECRET);
  rmSync(above, { recursive: true });
});

function openSystem(options: HostDirectoryOptions = {}): HostFileSystem {
  const system = openHostDirectory(inside, options) as HostFileSystem;
  expect(system).not.toBeTypeOf("number");
  opened.push(system);
  return system;
}

const lookup = <T extends FileNode>(directory: Directory, name: string): T => {
  const node = directory.lookup(name);
  expect(node).not.toBeTypeOf("number");
  return node as T;
};

function textOf(file: RegularFile): string | number {
  const reader = file.open(READ);
  if (typeof reader === "number") return reader;
  const bytes = new Uint8Array(100);
  const read = reader.read(0, bytes, 0, 100);
  reader.close();
  return new TextDecoder().decode(bytes.subarray(0, read));
}

const WAYS = [
  ["by descriptors", true],
  ["by text", false],
] as const;

const PROCESSES = existsSync("/proc/self/mem");

describe.skipIf(!PROCESSES)("the host's processes", () => {
  test.each(WAYS)("are refused below a directory that is opened, %s", (_way, anchored) => {
    const system = openHostDirectory("/", { readOnly: true, anchored }) as HostFileSystem;
    opened.push(system);
    const { root } = system;
    expect(root.lookup("proc")).toBe(refuse("acces"));
    for (const path of ["proc/self/mem", "proc/self/environ", "proc/", "tmp/../proc/1", "proc/.."])
      expect(resolvePath(root, path, true)).toBe(refuse("acces"));
    expect(root.lookup("tmp")).not.toBeTypeOf("number");
    expect(resolvePath(root, "dev/null", true)).not.toBeTypeOf("number");
  });

  test("are no directory to open", () => {
    for (const path of ["/proc", "/proc/self", "/proc/self/fd"])
      expect(openHostDirectory(path)).toBe(refuse("acces"));
  });
});

describe("what is opened", () => {
  test("on Linux directories are reached through descriptors, unless told otherwise", () => {
    expect(openSystem().anchored).toBe(existsSync("/proc/self/fd"));
    expect(openSystem({ anchored: false }).anchored).toBe(false);
  });

  test("only directories that are there, by a path that may have links", () => {
    writeFileSync(join(above, "file"), "");
    symlinkSync(inside, join(above, "link"));
    expect(openHostDirectory(join(above, "missing"))).toBe(refuse("noent"));
    expect(openHostDirectory(join(above, "file"))).toBe(refuse("notdir"));
    expect(openHostDirectory(join(above, "file", "x"))).toBe(refuse("notdir"));
    writeFileSync(join(inside, "file"), "text");
    const system = openHostDirectory(join(above, "link")) as HostFileSystem;
    opened.push(system);
    expect(textOf(lookup(system.root, "file"))).toBe("text");
  });

  test.each(WAYS)("closed, everything is refused but files that are open (%s)", (_, anchored) => {
    writeFileSync(join(inside, "file"), "text");
    mkdirSync(join(inside, "directory"));
    const system = openSystem({ anchored });
    const directory = lookup<Directory>(system.root, "directory");
    const file = lookup<RegularFile>(system.root, "file");
    const reader = file.open(READ) as OpenFile;
    directory.list(0n, 1);
    system.close();
    system.close();
    expect(system.descriptors).toBe(0);
    expect(system.root.lookup("file")).toBe(refuse("badf"));
    expect(directory.list(0n, 1)).toBe(refuse("badf"));
    expect(directory.stat()).toBe(refuse("badf"));
    expect(file.open(READ)).toBe(refuse("badf"));
    expect(reader.size()).toBe(4);
    reader.close();
  });
});

describe.each(WAYS)("nothing leads out, %s", (_, anchored) => {
  let system: HostFileSystem;
  let root: Directory;
  beforeEach(() => {
    system = openSystem({ anchored, directoriesOpen: 2 });
    root = system.root;
  });

  /** Uses the directory `held` in every way. */
  function attack(held: Directory): void {
    const file = root.createFile("mine") as RegularFile;
    root.createDirectory("my directory");
    const secret = held.lookup("secret");
    if (typeof secret !== "number") expect(textOf(secret as RegularFile)).not.toBe(SECRET);
    held.createFile("planted");
    held.createDirectory("planted too");
    held.createLink("planted link", "x");
    held.link("planted name", file);
    held.unlink("secret");
    held.removeDirectory("empty");
    held.rename("secret", root, "stolen");
    held.rename("empty", root, "stolen directory");
    root.rename("mine", held, "planted file");
    root.rename("my directory", held, "planted directory");
    held.setTimes(1n, 1n);
    const listed = held.list(0n, 100);
    if (typeof listed !== "number") expect(listed.map(({ name }) => name)).not.toContain("secret");
    expect(lstatSync(outside).mtimeMs).toBeGreaterThan(1);
    expect(root.lookup("stolen")).toBe(refuse("noent"));
    expect(root.lookup("stolen directory")).toBe(refuse("noent"));
  }

  test.each(["/", "..", "../outside", "../../../../../../..", "a/../../outside", "/proc/self/root", "chain"])(
    "a link to %s is a link, and no way",
    (target) => {
      symlinkSync("../outside", join(inside, "chain"));
      symlinkSync(target, join(inside, "link"));
      symlinkSync("link", join(inside, "second"));
      mkdirSync(join(inside, "a"));
      for (const name of ["link", "second"]) {
        const node = lookup<SymbolicLink>(root, name);
        expect(node.fileType).toBe(FILE_TYPE.symbolicLink);
        expect("lookup" in node || "open" in node).toBe(false);
        for (const path of [name, `${name}/`, `${name}/secret`, `${name}/outside/secret`, `a/../${name}/x`])
          expect(resolvePath(root, path, true)).toBe(refuse("notcapable"));
        expect(root.createFile(name)).toBe(refuse("exist"));
        expect(root.createDirectory(name)).toBe(refuse("exist"));
        expect(root.removeDirectory(name)).toBe(refuse("notdir"));
        expect(node.setTimes(1_000_000_000n, 1_000_000_000n)).toBe(0);
        expect(node.stat()).toMatchObject({ modified: 1_000_000_000n });
      }
      expect(lstatSync(outside).mtimeMs).toBeGreaterThan(1e12);
      expect(lookup<SymbolicLink>(root, "link").target()).toBe(target);
      expect(root.unlink("link")).toBe(0);
      expect(existsSync(join(inside, "link"))).toBe(false);
    },
  );

  test("a link to a file outside is removed, renamed and replaced as what it is", () => {
    symlinkSync("../outside/secret", join(inside, "link"));
    expect(root.rename("link", root, "moved")).toBe(0);
    const file = root.createFile("file") as RegularFile;
    expect(root.rename("file", root, "moved")).toBe(0);
    expect(file.open(READ)).toBe(refuse("noent"));
    expect(textOf(lookup(root, "moved"))).toBe("");
  });

  test("a file that becomes a link before it is opened", () => {
    writeFileSync(join(inside, "file"), "text");
    const file = lookup<RegularFile>(root, "file");
    unlinkSync(join(inside, "file"));
    symlinkSync(join(outside, "secret"), join(inside, "file"));
    for (const access of [READ, WRITE]) expect(file.open(access)).toBeLessThan(0);
    expect(file.stat()).toBe(refuse("noent"));
    expect(file.setTimes(1n, 1n)).toBe(refuse("noent"));
    expect(root.link("second", file)).toBe(refuse("noent"));
  });

  test("a file that becomes another, a directory or a pipe before it is opened", () => {
    const path = join(inside, "file");
    writeFileSync(path, "text");
    const file = lookup<RegularFile>(root, "file");
    renameSync(path, join(inside, "old"));
    expect(file.open(READ)).toBe(refuse("noent"));
    writeFileSync(path, "other");
    expect(file.open(READ)).toBe(refuse("noent"));
    unlinkSync(path);
    mkdirSync(path);
    expect(file.open(READ)).toBeLessThan(0);
    rmdirSync(path);
    execFileSync("mkfifo", [path]);
    expect(file.open(READ)).toBeLessThan(0);
    expect(file.open(WRITE)).toBeLessThan(0);
    expect(textOf(lookup(root, "old"))).toBe("text");
  });

  test.each(["used just now", "not used for long"])(
    "a directory that becomes a link while it is held, %s",
    (when) => {
      mkdirSync(join(inside, "directory"));
      const held = lookup<Directory>(root, "directory");
      expect(held.list(0n, 1)).toEqual([]);
      if (when === "not used for long")
        for (const name of ["1", "2", "3"]) (root.createDirectory(name) as Directory).createFile("x");
      renameSync(join(inside, "directory"), join(inside, "moved"));
      symlinkSync(outside, join(inside, "directory"));
      attack(held);
      const elsewhere = anchored && when === "used just now" ? 0 : refuse("noent");
      expect(Math.min(0, Number(typeof held.stat() === "number" ? held.stat() : 0))).toBe(elsewhere);
    },
  );

  test("a directory above the one that is held becomes a link", () => {
    mkdirSync(join(inside, "a", "b"), { recursive: true });
    const held = lookup<Directory>(lookup<Directory>(root, "a"), "b");
    for (const name of ["1", "2", "3"]) (root.createDirectory(name) as Directory).createFile("x");
    renameSync(join(inside, "a"), join(inside, "moved"));
    symlinkSync(above, join(inside, "a"));
    renameSync(outside, join(above, "b"));
    try {
      held.createFile("planted");
      held.unlink("secret");
      expect(held.lookup("secret")).toBe(refuse("noent"));
      expect(existsSync(join(above, "b", "planted"))).toBe(false);
    } finally {
      renameSync(join(above, "b"), outside);
    }
  });

  test("the directory itself becomes a link", () => {
    mkdirSync(join(inside, "directory"));
    const held = lookup<Directory>(root, "directory");
    renameSync(inside, join(above, "moved"));
    symlinkSync(outside, inside);
    mkdirSync(join(outside, "directory"));
    try {
      expect(root.lookup("secret")).toBe(refuse("noent"));
      expect(root.createFile("planted")).toEqual(anchored ? expect.anything() : refuse("noent"));
      held.createFile("planted");
      expect(readdirSync(join(outside, "directory"))).toEqual([]);
    } finally {
      rmdirSync(join(outside, "directory"));
      unlinkSync(inside);
      renameSync(join(above, "moved"), inside);
    }
  });

  test("a directory that is moved out and was not used for long is gone", () => {
    mkdirSync(join(inside, "directory"));
    const held = lookup<Directory>(root, "directory");
    for (const name of ["1", "2", "3"]) (root.createDirectory(name) as Directory).createFile("x");
    renameSync(join(inside, "directory"), join(above, "moved"));
    expect(held.stat()).toBe(refuse("noent"));
    expect(held.createFile("x")).toBe(refuse("noent"));
  });

  test("directories that the host moves into each other are found again, or gone", () => {
    mkdirSync(join(inside, "a", "b"), { recursive: true });
    const a = lookup<Directory>(root, "a");
    const b = lookup<Directory>(a, "b");
    b.list(0n, 1);
    renameSync(join(inside, "a", "b"), join(inside, "b"));
    renameSync(join(inside, "a"), join(inside, "b", "a"));
    b.lookup("a");
    for (const name of ["1", "2", "3"]) (root.createDirectory(name) as Directory).createFile("x");
    for (const gone of [a.lookup("x"), b.lookup("a")]) expect(gone).toBeLessThan(0);
    const again = lookup<Directory>(root, "b");
    expect(lookup<Directory>(again, "a").createFile("x")).not.toBeTypeOf("number");
    expect(b.stat()).not.toBeTypeOf("number");
  });
});

describe.each(WAYS)("read only, %s", (_, anchored) => {
  test("every change is refused, and nothing changes", () => {
    writeFileSync(join(inside, "file"), "text");
    mkdirSync(join(inside, "directory"));
    symlinkSync("file", join(inside, "link"));
    const before = lstatSync(inside).mtimeMs;
    const { root } = openSystem({ anchored, readOnly: true });
    const file = lookup<RegularFile>(root, "file");
    const refused = refuse("rofs");
    expect(root.createFile("x")).toBe(refused);
    expect(root.createFile("file")).toBe(refused);
    expect(root.createDirectory("x")).toBe(refused);
    expect(root.createLink("x", "y")).toBe(refused);
    expect(root.link("x", file)).toBe(refused);
    expect(root.unlink("file")).toBe(refused);
    expect(root.removeDirectory("directory")).toBe(refused);
    expect(root.rename("file", lookup<Directory>(root, "directory"), "x")).toBe(refused);
    for (const node of [root, file, lookup(root, "link")]) expect(node.setTimes(1n, 1n)).toBe(refused);
    expect(file.open(WRITE)).toBe(refused);
    expect(file.open({ read: true, write: true })).toBe(refused);
    const reader = file.open(READ) as OpenFile;
    expect(reader.write(0, new Uint8Array(1), 0, 1)).toBe(refuse("badf"));
    expect(file.setTimes(1n, 1n)).toBe(refused);
    reader.close();
    expect(textOf(file)).toBe("text");
    expect(readdirSync(inside).toSorted()).toEqual(["directory", "file", "link"]);
    expect(lstatSync(inside).mtimeMs).toBe(before);
  });
});

describe("what is neither file, directory nor link", () => {
  test("can be looked at, listed and removed, and not opened or linked", () => {
    execFileSync("mkfifo", [join(inside, "pipe")]);
    const { root } = openSystem();
    const pipe = lookup(root, "pipe");
    expect(pipe.fileType).toBe(FILE_TYPE.unknown);
    expect("open" in pipe).toBe(false);
    expect(pipe.stat()).toMatchObject({ fileType: FILE_TYPE.unknown, links: 1n });
    expect(pipe.setTimes(undefined, 1_000_000_000n)).toBe(0);
    expect(root.link("second", pipe)).toBe(refuse("perm"));
    expect(root.list(0n, 9)).toMatchObject([{ name: "pipe", fileType: FILE_TYPE.unknown }]);
    expect(root.unlink("pipe")).toBe(0);
  });

  test("devices are told by their kind", () => {
    const system = openHostDirectory("/dev", { readOnly: true }) as HostFileSystem;
    opened.push(system);
    expect(lookup(system.root, "null").fileType).toBe(FILE_TYPE.characterDevice);
  });
});

test("what is not UTF-8 is not listed, and what a link says in it is refused", () => {
  writeFileSync(Buffer.from(`${inside}/\xff`, "latin1"), "");
  symlinkSync(Buffer.from("a\xff", "latin1"), join(inside, "link"));
  const { root } = openSystem();
  expect(root.list(0n, 9)).toMatchObject([{ name: "link" }]);
  expect(lookup<SymbolicLink>(root, "link").target()).toBe(refuse("ilseq"));
  expect(resolvePath(root, "link", true)).toBe(refuse("ilseq"));
});

test("names that went meanwhile are not listed, and the listing goes on", () => {
  for (let index = 0; index < 20; index++) writeFileSync(join(inside, `${index}`), "");
  const { root } = openSystem();
  const first = root.list(0n, 4);
  if (typeof first === "number") throw new Error("refused");
  const seen = first.map(({ name }) => name);
  const rest = readdirSync(inside).filter((name) => !seen.includes(name));
  for (const name of rest.slice(0, 14)) unlinkSync(join(inside, name));
  const more = root.list(first.at(-1)?.cookie ?? 0n, 4);
  expect(more).toHaveLength(2);
});

describe("limits", () => {
  const descriptors = () => readdirSync("/proc/self/fd").length;

  test.runIf(existsSync("/proc/self/fd"))("descriptors of directories are as many as were allowed", () => {
    const before = descriptors();
    const system = openSystem();
    const { root } = system;
    let deep = root;
    for (let level = 0; level < HOST_DIRECTORIES_OPEN + 20; level++) {
      deep = deep.createDirectory("d") as Directory;
      deep.createFile("file");
    }
    expect(system.descriptors).toBe(HOST_DIRECTORIES_OPEN + 1);
    for (let round = 0; round < 200; round++) {
      root.createFile("file");
      root.lookup("missing");
      root.createDirectory("d");
      (root.lookup("file") as RegularFile).open(WRITE);
      deep.removeDirectory("file");
      deep.rename("missing", root, "x");
      deep.createLink("file", "x");
      (deep.lookup("file") as RegularFile).stat();
    }
    expect(system.descriptors).toBe(HOST_DIRECTORIES_OPEN + 1);
    system.close();
    // The 200 openings are the caller's, who did not close them.
    expect(descriptors() - before).toBe(200);
  });

  test.runIf(existsSync("/proc/self/fd"))("directories too deep to be reached again are refused", () => {
    const { root } = openSystem({ directoriesOpen: 2 });
    let deep = root;
    const middle: Directory[] = [];
    for (let level = 1; level <= HOST_DEPTH + 1; level++) {
      deep = deep.createDirectory("d") as Directory;
      if (level === HOST_DEPTH) middle.push(deep);
      expect(deep.stat()).not.toBeTypeOf("number");
    }
    for (const name of ["1", "2", "3"]) (root.createDirectory(name) as Directory).createFile("x");
    expect(deep.stat()).toBe(refuse("nametoolong"));
    expect(middle[0]?.stat()).not.toBeTypeOf("number");
    // Such a tree has no path that could be removed: it is taken apart from the top.
    for (let level = 1; level <= HOST_DEPTH; level++) {
      expect(lookup<Directory>(root, "d").rename("d", root, "next")).toBe(0);
      expect(root.removeDirectory("d")).toBe(0);
      expect(root.rename("next", root, "d")).toBe(0);
    }
  });

  test("one call moves so many bytes", () => {
    const { root } = openSystem();
    const file = (root.createFile("file") as RegularFile).open({ read: true, write: true }) as OpenFile;
    const bytes = new Uint8Array(HOST_TRANSFER_BYTES + 1).fill(1);
    expect(file.write(0, bytes, 0, bytes.length)).toBe(HOST_TRANSFER_BYTES);
    expect(file.write(HOST_TRANSFER_BYTES, bytes, 0, 1)).toBe(1);
    expect(file.read(0, bytes, 0, bytes.length)).toBe(HOST_TRANSFER_BYTES);
    file.close();
  });
});

describe("errors of the host", () => {
  test.each([
    ["ENOENT", "noent"],
    ["EACCES", "acces"],
    ["EPERM", "perm"],
    ["ENOSPC", "nospc"],
    ["EDQUOT", "dquot"],
    ["EMFILE", "mfile"],
    ["ELOOP", "loop"],
    ["EXDEV", "xdev"],
    ["ENOTEMPTY", "notempty"],
    ["EOPNOTSUPP", "notsup"],
    ["ENOTSUP", "notsup"],
    ["EWOULDBLOCK", "again"],
    ["E2BIG", "2big"],
    ["EWHATEVER", "io"],
    ["", "io"],
    ["Esuccess", "success"],
  ] as const)("%s is %s", (code, name) => {
    const expected = name === "success" ? refuse("io") : refuse(name);
    expect(refuseHost(code)).toBe(expected);
  });

  test("come out as refusals, and faults of ours do not", () => {
    expect(attempt(() => lstatSync(join(above, "missing")))).toBe(refuse("noent"));
    expect(attempt(() => readFileSync(above))).toBe(refuse("isdir"));
    expect(() => attempt(() => lstatSync("a\0b"))).toThrow(/null bytes/);
    expect(() =>
      attempt(() => {
        throw new TypeError("ours");
      }),
    ).toThrow("ours");
  });
});
