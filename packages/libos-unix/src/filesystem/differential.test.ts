/** The same operations on memory and on a directory of the host: the same outcomes, the same tree. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { refuse } from "../errno.ts";
import { openHostDirectory } from "../host/directory.ts";
import type { HostFileSystem } from "../host/directory.ts";
import { FILE_TYPE } from "../wasi/layout.ts";
import type { Directory, FileNode, OpenFile, RegularFile, SymbolicLink } from "./file-system.ts";
import { makeMemoryFileSystem } from "./memory-file-system.ts";
import { resolvePath } from "./resolve.ts";
import { writeTree } from "./tree.ts";
import type { FileTree } from "./tree.ts";

/** One operation; `a` and `b` are paths, `n` and `m` numbers with a meaning of each's own. */
interface Step {
  readonly what: (typeof KINDS)[number];
  readonly a: string;
  readonly b: string;
  readonly n: number;
  readonly m: number;
}

const KINDS = [
  "createFile",
  "createFile",
  "createDirectory",
  "createDirectory",
  "createLink",
  "link",
  "unlink",
  "removeDirectory",
  "rename",
  "rename",
  "open",
  "open",
  "read",
  "write",
  "write",
  "resize",
  "close",
  "stat",
  "list",
] as const;

/** What there is at first: enough that most operations find something. */
const FIRST: FileTree = { "a/a": "text", "a/b/": "", "b/a/a": "deep", "b/b": "", "c/": "", d: "file" };

const name = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("a", "b", "c", "d", "e") },
  { weight: 1, arbitrary: fc.constantFrom("..", ".", "") },
);
const path = fc
  .tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.array(name, { minLength: 1, maxLength: 1 }) },
      { weight: 5, arbitrary: fc.array(name, { minLength: 2, maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(name, { minLength: 3, maxLength: 5 }) },
    ),
    fc.constantFrom("", "", "", "", "", "/"),
  )
  .map(([names, end]) => names.join("/") + end);
const steps = fc.array(
  fc.record<Step>({
    what: fc.constantFrom(...KINDS),
    a: path,
    b: path,
    n: fc.nat(5_000),
    m: fc.nat(100),
  }),
  { minLength: 20, maxLength: 80, size: "max" },
);

/** What renames to a directory that is not empty are refused with differs between systems. */
const FULL: readonly number[] = [refuse("isdir"), refuse("exist"), refuse("notempty")];
const canonical = (outcome: number) => (FULL.includes(outcome) ? refuse("notempty") : outcome);

const described = (node: FileNode): unknown => {
  const stats = node.stat();
  if (typeof stats === "number") return stats;
  const { fileType, links, size } = stats;
  const said = fileType === FILE_TYPE.symbolicLink ? (node as SymbolicLink).target() : "";
  return fileType === FILE_TYPE.directory ? { fileType } : { fileType, links, size, said };
};

/** A file system, and the files that are open in it. */
class Side {
  readonly root: Directory;
  readonly #opened: { readonly node: RegularFile; readonly file: OpenFile }[] = [];

  constructor(root: Directory) {
    this.root = root;
  }

  /** Does one step; what came of it, as far as both sides must agree. */
  act(step: Step): unknown {
    const { what, n } = step;
    const opened = this.#opened[n % Math.max(1, this.#opened.length)];
    if (what === "read" || what === "write" || what === "resize" || what === "close") {
      return opened === undefined ? "nothing" : this.#use(step, opened);
    }
    const at = resolvePath(this.root, step.a, n % 2 === 0);
    if (typeof at === "number") return at;
    const { parent, name: last, node } = at;
    const kind = (made: FileNode | number) => (typeof made === "number" ? made : described(made));
    if (what === "createFile") return kind(parent.createFile(last));
    if (what === "createDirectory") return kind(parent.createDirectory(last));
    if (what === "createLink") return kind(parent.createLink(last, step.b));
    if (what === "unlink") return parent.unlink(last);
    if (what === "removeDirectory") return parent.removeDirectory(last);
    if (node === undefined) return "missing";
    if (what === "stat") return described(node);
    if (what === "list") return this.#list(node);
    if (what === "open") return this.#open(node, step);
    const to = resolvePath(this.root, step.b, false);
    if (typeof to === "number") return to;
    if (what === "link") return to.parent.link(to.name, node);
    return canonical(parent.rename(last, to.parent, to.name));
  }

  /** Everything there is, by its path. */
  tree(): Map<string, unknown> {
    const found = new Map<string, unknown>();
    const pending: [string, Directory][] = [["", this.root]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const entries = next[1].list(0n, 1000);
      if (typeof entries === "number") throw new Error(`${entries}`);
      for (const entry of entries) {
        const node = next[1].lookup(entry.name) as FileNode;
        const at = `${next[0]}${entry.name}`;
        found.set(at, [described(node), this.#text(node)]);
        if (node.fileType === FILE_TYPE.directory) pending.push([`${at}/`, node as Directory]);
      }
    }
    return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  closeAll(): void {
    for (const { file } of this.#opened.splice(0)) file.close();
  }

  #text(node: FileNode): string {
    if (node.fileType !== FILE_TYPE.regularFile) return "";
    const file = (node as RegularFile).open({ read: true, write: false });
    if (typeof file === "number") return `${file}`;
    const bytes = new Uint8Array(file.size());
    file.read(0, bytes, 0, bytes.length);
    file.close();
    return Buffer.from(bytes).toString("latin1");
  }

  #open(node: FileNode, { m }: Step): unknown {
    if (node.fileType !== FILE_TYPE.regularFile) return "no file";
    const file = (node as RegularFile).open({ read: m % 4 !== 0, write: m % 3 !== 0 });
    if (typeof file === "number") return file;
    this.#opened.push({ node: node as RegularFile, file });
    return "opened";
  }

  #list(node: FileNode): unknown {
    if (node.fileType !== FILE_TYPE.directory) return "no directory";
    const entries = (node as Directory).list(0n, 1000);
    if (typeof entries === "number") return entries;
    return entries.map(({ name: each, fileType }) => `${each} ${fileType}`).toSorted();
  }

  #use({ what, n, m }: Step, opened: { readonly node: RegularFile; readonly file: OpenFile }): unknown {
    const { file, node } = opened;
    if (what === "resize") return [file.resize(n), file.size(), described(node)];
    if (what === "write")
      return [file.write(n, new Uint8Array(m).fill(m), 0, m), file.size(), described(node)];
    if (what === "read") {
      const into = new Uint8Array(m);
      return [file.read(n, into, 0, m), Buffer.from(into).toString("latin1")];
    }
    file.close();
    this.#opened.splice(this.#opened.indexOf(opened), 1);
    return "closed";
  }
}

function check(run: readonly Step[], anchored: boolean): void {
  const there = mkdtempSync(join(tmpdir(), "exolith-"));
  const system = openHostDirectory(there, { anchored, directoriesOpen: 3 }) as HostFileSystem;
  const host = new Side(system.root);
  const memory = new Side(makeMemoryFileSystem({ now: () => 1n }).root);
  for (const { root } of [host, memory]) expect(writeTree(root, FIRST)).toBe(0);
  try {
    for (const step of run) {
      // Linking a link needs descriptors that lead on.
      if (!system.anchored && step.what === "link") continue;
      expect([step, memory.act(step)]).toEqual([step, host.act(step)]);
    }
    expect(memory.tree()).toEqual(host.tree());
    expect(system.descriptors).toBeLessThanOrEqual(4);
  } finally {
    host.closeAll();
    system.close();
    rmSync(there, { recursive: true });
  }
}

test("memory does what the host does, by descriptors", () => {
  fc.assert(
    fc.property(steps, (run) => check(run, true)),
    { numRuns: 100 },
  );
});

test("memory does what the host does, by text", () => {
  fc.assert(
    fc.property(steps, (run) => check(run, false)),
    { numRuns: 40 },
  );
});
