import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { refuse } from "../errno.ts";
import type { ErrnoName } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { Directory, FileNode, SymbolicLink } from "./file-system.ts";
import { makeMemoryFileSystem } from "./memory-file-system.ts";
import { NAME_BYTES, PATH_BYTES } from "./name.ts";
import { COMPONENTS_WALKED, LINKS_FOLLOWED, decodePath, resolvePath } from "./resolve.ts";
import type { Resolved } from "./resolve.ts";
import { writeTree } from "./tree.ts";

let top: Directory;
let start: Directory;

const directory = (parent: Directory, name: string) => parent.lookup(name) as Directory;
const serial = (node: FileNode) => {
  const stats = node.stat();
  return typeof stats === "number" ? stats : stats.serial;
};

/** Where a path leads, as the number of the thing; or the refusal. */
function leads(path: string, followLast = true) {
  const resolved = resolvePath(start, path, followLast);
  if (typeof resolved === "number") return resolved;
  return resolved.node === undefined ? "missing" : serial(resolved.node);
}
const found = (path: string, followLast = true) => resolvePath(start, path, followLast) as Resolved;

// `start` is below `top`, so that above it is something to find.
beforeEach(() => {
  top = makeMemoryFileSystem({ now: () => 1n }).root;
  writeTree(top, { secret: "s", "start/a/b/file": "text", "start/file": "text", "start/c/": "" });
  start = directory(top, "start");
});

describe("plain paths", () => {
  test.each([
    ["a", "a"],
    ["./a", "a"],
    ["a/.", "a"],
    ["a/", "a"],
    ["a///", "a"],
    ["a/b/..", "a"],
    ["a/b/../", "a"],
    [".//./a/../a/b/./../../a", "a"],
    ["file", "file"],
    ["a/../file", "file"],
    ["c/../a/../file", "file"],
  ])("%s leads to %s", (path, name) => {
    expect(leads(path)).toBe(serial(start.lookup(name) as FileNode));
    expect(leads(path, false)).toBe(leads(path));
  });

  test.each([".", "./", "a/..", "a/b/../..", "c/.././"])("%s is the start itself", (path) => {
    const { parent, name, node } = found(path);
    expect(parent).toBe(start);
    expect(name).toBe(".");
    expect(node).toBe(start);
  });

  test("a last name that is missing comes with its directory", () => {
    const b = directory(directory(start, "a"), "b");
    expect(found("a/./b/new")).toEqual({ parent: b, name: "new", node: undefined, mustBeDirectory: false });
    expect(found("a/b/new//")).toEqual({ parent: b, name: "new", node: undefined, mustBeDirectory: true });
    expect(found("a/b/../b/file").name).toBe("file");
  });

  test.each<[string, ErrnoName]>([
    ["", "noent"],
    ["/", "notcapable"],
    ["/file", "notcapable"],
    ["//a", "notcapable"],
    ["..", "notcapable"],
    ["../start/file", "notcapable"],
    ["a/../../secret", "notcapable"],
    ["a/b/../../..", "notcapable"],
    ["missing/x", "noent"],
    ["missing/..", "noent"],
    ["missing/.", "noent"],
    ["file/", "notdir"],
    ["file/.", "notdir"],
    ["file/..", "notdir"],
    ["file/x", "notdir"],
    ["a\0", "ilseq"],
    ["\0", "ilseq"],
    ["\udc00", "ilseq"],
    ["x".repeat(NAME_BYTES + 1), "nametoolong"],
    [`${"x".repeat(NAME_BYTES + 1)}/..`, "nametoolong"],
    ["a/".repeat(PATH_BYTES / 2) + "a", "nametoolong"],
    ["é/".repeat(PATH_BYTES / 3) + "aa", "nametoolong"],
  ])("%j is refused: %s", (path, errno) => {
    expect(leads(path)).toBe(refuse(errno));
    expect(leads(path, false)).toBe(refuse(errno));
  });

  test("the longest", () => {
    expect(leads("./".repeat(PATH_BYTES / 2))).toBe(serial(start));
    expect(leads("x".repeat(NAME_BYTES))).toBe("missing");
    expect(leads("é".repeat(NAME_BYTES >> 1))).toBe("missing");
  });
});

describe("bytes", () => {
  test("become the text they are", () => {
    expect(decodePath(new TextEncoder().encode("a/é/😀"))).toBe("a/é/😀");
    expect(decodePath(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
  });

  test.each([[[0xff]], [[0x61, 0xc3]], [[0xed, 0xa0, 0x80]], [[0xc0, 0xaf]]])("%j are no UTF-8", (bytes) => {
    expect(decodePath(Uint8Array.from(bytes))).toBe(refuse("ilseq"));
  });

  test("are limited", () => {
    expect(decodePath(new Uint8Array(PATH_BYTES).fill(0x61))).toHaveLength(PATH_BYTES);
    expect(decodePath(new Uint8Array(PATH_BYTES + 1).fill(0x61))).toBe(refuse("nametoolong"));
  });
});

describe("links", () => {
  const link = (name: string, target: string, at = start) => at.createLink(name, target) as SymbolicLink;

  test("are followed in the middle, and at the end when asked to or before a slash", () => {
    const made = link("link", "a/b");
    const b = serial(directory(directory(start, "a"), "b"));
    expect(leads("link")).toBe(b);
    expect(leads("link", false)).toBe(serial(made));
    expect(leads("link/", false)).toBe(b);
    expect(leads("link/.", false)).toBe(b);
    expect(leads("link/file", false)).toBe(leads("a/b/file"));
    expect(leads("link/..", false)).toBe(serial(directory(start, "a")));
    expect(found("link/file").name).toBe("file");
  });

  test("are relative to where they are", () => {
    link("up", "../file", directory(start, "a"));
    link("deep", "../../c", directory(directory(start, "a"), "b"));
    expect(leads("a/up")).toBe(leads("file"));
    expect(leads("a/b/deep/../a/up")).toBe(leads("file"));
  });

  test("to files stand where no directory may", () => {
    link("link", "file");
    expect(leads("link")).toBe(leads("file"));
    expect(leads("link/")).toBe(refuse("notdir"));
    expect(leads("link/x")).toBe(refuse("notdir"));
    link("slash", "file/");
    expect(leads("slash")).toBe(refuse("notdir"));
  });

  test("that dangle lead to where the thing would be", () => {
    link("dangling", "a/new");
    expect(found("dangling")).toMatchObject({ name: "new", node: undefined });
    expect(serial(found("dangling").parent)).toBe(serial(directory(start, "a")));
    expect(found("dangling", false).node?.fileType).toBe(FILE_TYPE.symbolicLink);
    link("nowhere", "missing/new");
    expect(leads("nowhere")).toBe(refuse("noent"));
    expect(leads("dangling/x")).toBe(refuse("noent"));
  });

  test.each([
    "/",
    "/file",
    "..",
    "../secret",
    "../start",
    "a/../..",
    "a/../../start/file",
    "//",
    "./../secret",
  ])("that say %s lead nowhere", (target) => {
    link("link", target);
    expect(leads("link")).toBe(refuse("notcapable"));
    expect(leads("link/x")).toBe(refuse("notcapable"));
    expect(leads("link/")).toBe(refuse("notcapable"));
    link("second", "a/../link");
    expect(leads("second")).toBe(refuse("notcapable"));
    expect(leads("link", false)).toBeTypeOf("bigint");
  });

  test("in circles are refused, as is one more than the limit", () => {
    link("self", "self");
    link("ping", "pong");
    link("pong", "ping");
    link("growing", "growing/x");
    for (const name of ["self", "ping", "growing"]) expect(leads(name)).toBe(refuse("loop"));
    link("0", "file");
    for (let index = 1; index <= LINKS_FOLLOWED; index++) link(`${index}`, `${index - 1}`);
    expect(leads(`${LINKS_FOLLOWED - 1}`)).toBe(leads("file"));
    expect(leads(`${LINKS_FOLLOWED}`)).toBe(refuse("loop"));
    expect(leads(`${LINKS_FOLLOWED}`, false)).toBeTypeOf("bigint");
  });

  test("before a slash, and files: found as they are by who is after the name", () => {
    const made = [link("to", "a"), link("dangling", "none"), link("self", "self"), link("up", "..")];
    for (const [index, name] of ["to", "dangling", "self", "up"].entries()) {
      const resolved = resolvePath(start, `${name}//`, "name") as Resolved;
      expect(resolved).toMatchObject({ parent: start, name, mustBeDirectory: true });
      expect(serial(resolved.node as FileNode)).toBe(serial(made[index] as FileNode));
    }
    expect(resolvePath(start, "file/", "name")).toMatchObject({ name: "file", mustBeDirectory: true });
    expect(resolvePath(start, "new/", "name")).toMatchObject({ node: undefined, mustBeDirectory: true });
    expect(resolvePath(start, "to/b", "name")).toMatchObject({ name: "b", mustBeDirectory: false });
    expect(resolvePath(start, "to/.", "name")).toMatchObject({ name: ".", node: directory(start, "a") });
  });

  test("that say much are bounded in what they cost", () => {
    let lookups = 0;
    const counting = (inner: Directory): Directory =>
      new Proxy(inner, {
        get: (target, key) => {
          if (key === "lookup") lookups++;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    link("long", `${"./".repeat(PATH_BYTES / 2 - 4)}long/x`);
    expect(resolvePath(counting(start), "long", true)).toBe(refuse("loop"));
    expect(lookups).toBeLessThanOrEqual(LINKS_FOLLOWED + 1);
    lookups = 0;
    for (let index = 0; index < LINKS_FOLLOWED; index++)
      link(`m${index}`, `${"c/../".repeat(800)}${index + 1 < LINKS_FOLLOWED ? `m${index + 1}` : "file"}`);
    expect(resolvePath(counting(start), "m0", true)).toBe(refuse("loop"));
    expect(lookups).toBeLessThanOrEqual(COMPONENTS_WALKED);
    expect(leads(`m${LINKS_FOLLOWED - 1}`)).toBe(leads("file"));
  });
});

test("what a directory refuses comes through, and what is moved meanwhile leads nowhere else", () => {
  const refusing = (errno: ErrnoName): Directory =>
    new Proxy(start, {
      get: (target, key) => (key === "lookup" ? () => refuse(errno) : Reflect.get(target, key, target)),
    });
  for (const path of ["x", "x/y"]) {
    expect(resolvePath(refusing("acces"), path, true)).toBe(refuse("acces"));
    expect(resolvePath(refusing("io"), path, true)).toBe(refuse("io"));
  }
  // Between the look-ups of `b` and of `..`, somebody moves `b` out of `start`.
  const a = directory(start, "a");
  const moving = new Proxy(a, {
    get: (target, key) => {
      if (key !== "lookup") return Reflect.get(target, key, target) as unknown;
      return (name: string) => {
        const node = target.lookup(name);
        expect(target.rename(name, top, "stolen")).toBe(0);
        return node;
      };
    },
  });
  const through = new Proxy(start, {
    get: (target, key) => (key === "lookup" ? () => moving : (Reflect.get(target, key, target) as unknown)),
  });
  const resolved = resolvePath(through, "a/b/../..", true) as Resolved;
  expect(resolved.node).toBe(through);
  expect(top.rename("stolen", a, "b")).toBe(0);
  expect(resolvePath(through, "a/b/../../../secret", true)).toBe(refuse("notcapable"));
});

test("no path and no links lead out", () => {
  const component = fc.constantFrom(".", "..", "a", "b", "c", "file", "l0", "l1", "l2", "l3", "new", "");
  const path = fc.array(component, { minLength: 1, maxLength: 8 }).map((names) => names.join("/"));
  const places = fc.constantFrom("", "a", "a/b", "c");
  const links = fc.array(fc.tuple(places, path), { maxLength: 4 });
  const inside = (node: FileNode): boolean => {
    const pending: FileNode[] = [start];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (serial(next) === serial(node)) return true;
      if (next.fileType !== FILE_TYPE.directory) continue;
      const entries = (next as Directory).list(0n, 100);
      if (typeof entries === "number") continue;
      for (const { name } of entries) pending.push((next as Directory).lookup(name) as FileNode);
    }
    return false;
  };
  fc.assert(
    fc.property(links, path, fc.boolean(), (made, wanted, followLast) => {
      const { root } = makeMemoryFileSystem({ now: () => 1n });
      writeTree(root, { secret: "s", "start/a/b/file": "text", "start/file": "text", "start/c/": "" });
      start = directory(root, "start");
      for (const [index, [at, target]] of made.entries()) {
        const where = at === "" ? start : (found(at).node as Directory);
        where.createLink(`l${index}`, target);
      }
      const resolved = resolvePath(start, wanted, followLast);
      if (typeof resolved === "number") return;
      expect(inside(resolved.parent)).toBe(true);
      if (resolved.node !== undefined) expect(inside(resolved.node)).toBe(true);
      if (resolved.node === undefined) expect(resolved.parent.lookup(resolved.name)).toBe(refuse("noent"));
      if (followLast) expect(resolved.node?.fileType).not.toBe(FILE_TYPE.symbolicLink);
    }),
    { numRuns: 500 },
  );
});
