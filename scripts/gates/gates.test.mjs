import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { root as workspace } from "../workspace.mjs";
import * as abiDocs from "./abi-docs.mjs";
import * as abiPages from "./abi-pages.mjs";
import * as ambient from "./ambient.mjs";
import * as anchors from "./anchors.mjs";
import * as credentials from "./credentials.mjs";
import * as examples from "./examples.mjs";
import { readCalls } from "./kernel-calls.mjs";
import { whyNot } from "./layers.mjs";
import * as kernelSize from "./kernel-size.mjs";
import * as layers from "./layers.mjs";
import * as limits from "./limits.mjs";
import * as links from "./links.mjs";
import * as mechanisms from "./mechanisms.mjs";
import * as sizes from "./sizes.mjs";
import { filesBelow, textOf } from "./sources.mjs";
import * as vocabulary from "./vocabulary.mjs";

const made = [];

/** A repository that has these files and nothing else. */
function repository(files) {
  const root = mkdtempSync(join(tmpdir(), "exolith-gate-"));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const problems = (gate, files, options = {}) => gate.check({ root: repository(files), ...options }).problems;

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});

describe("layers", () => {
  test.each([
    ["packages/libos-exos/src/net/ip.ts", "@exolith/exokernel"],
    ["packages/libos-exos/src/net/ip.ts", "@exolith/hw-model"],
    ["packages/libos-exos/src/net/ip.test.ts", "@exolith/cheetah"],
    ["packages/exokernel/src/boot.ts", "@exolith/libos-exos"],
    ["packages/secure-bind/src/index.ts", "@exolith/hw-model"],
    ["packages/hw-model/src/disk.ts", "@exolith/secure-bind"],
    ["packages/cheetah/src/server.ts", "@exolith/exokernel/testing"],
    ["packages/cheetah/src/server.ts", "node:fs"],
    ["packages/libos-unix/src/filesystem/resolve.ts", "node:fs"],
    ["packages/exokernel/src/kernel.ts", "node:crypto"],
    ["packages/exokernel/src/kernel.ts", "lodash"],
    ["packages/exokernel/src/kernel.ts", "../../hw-model/src/units.ts"],
  ])("%s may not import %s", (path, target) => {
    expect(whyNot(path, target)).toBeTypeOf("string");
  });

  test.each([
    ["packages/libos-exos/src/net/ip.ts", "@exolith/exokernel/abi"],
    ["packages/libos-exos/src/testing/two-hosts.ts", "@exolith/exokernel"],
    ["packages/cheetah/src/board/run.ts", "@exolith/hw-model/host"],
    ["packages/cheetah/src/main.ts", "node:process"],
    ["packages/exokernel/src/boot.ts", "@exolith/hw-model"],
    ["packages/exokernel/src/boot.ts", "./abi/ids.ts"],
    ["packages/hw-model/src/host/disk.ts", "node:fs"],
    ["packages/libos-unix/src/host/directory.ts", "node:fs"],
    ["examples/01-hello.ts", "@exolith/exokernel"],
  ])("%s may import %s", (path, target) => {
    expect(whyNot(path, target)).toBeUndefined();
  });

  test.each([
    "import { a } from 'X';",
    "import type { A } from 'X';",
    "export * from 'X';",
    "await import('X');",
  ])("%s is seen", (text) => {
    const source = text.replace("X", "@exolith/cheetah");
    expect(problems(layers, { "packages/exokernel/src/a.ts": source })).toHaveLength(1);
  });
});

test("layers wants what is shipped to be declared", () => {
  const files = { "packages/bench/package.json": "{}", "packages/bench/src/a.ts": 'import a from "cac";' };
  expect(problems(layers, files)).toEqual([
    "packages/bench/src/a.ts:1 imports cac: package.json does not declare it",
  ]);
});

test("vocabulary finds a word in a comment, allows it with a reason, and drops a stale permission", () => {
  const files = {
    "packages/exokernel/src/a.ts": "/** Wakes a process. */\n",
    "packages/hw-model/src/host/b.ts": "// file\n",
  };
  expect(problems(vocabulary, files, { permitted: [] })).toEqual([
    'packages/exokernel/src/a.ts:1 says "process"',
  ]);
  const entry = { path: "packages/exokernel/src/a.ts", word: "process", reason: "a quotation" };
  expect(problems(vocabulary, files, { permitted: [entry] })).toEqual([]);
  expect(problems(vocabulary, files, { permitted: [entry, { ...entry, word: "fork" }] })).toHaveLength(1);
});

test("ambient finds time and randomness in code, not in comments or tests", () => {
  const code = "export const now = () => Date.now();\n";
  const files = {
    "packages/libos-exos/src/a.ts": code,
    "packages/libos-exos/src/b.ts": "// never Date.now\n",
    "packages/libos-exos/src/c.test.ts": code,
    "packages/hw-model/src/host/d.ts": code,
  };
  expect(problems(ambient, files)).toEqual(["packages/libos-exos/src/a.ts:1 uses Date.now"]);
});

test("sizes stops long sources, long functions and long parameter lists", () => {
  const lines = "\n".repeat(501);
  const body = `export function f() {${"\n".repeat(61)}}\n`;
  expect(problems(sizes, { "packages/bench/src/a.ts": lines })).toHaveLength(1);
  expect(problems(sizes, { "packages/bench/src/a.test.ts": lines })).toEqual([]);
  expect(problems(sizes, { "packages/bench/src/a.ts": body })).toHaveLength(1);
  expect(
    problems(sizes, { "packages/bench/src/a.ts": "export const f = (a, b, c, d, e, g) => 0;" }),
  ).toHaveLength(1);
});

test("docs wants a comment on every symbol of an interface and on most others", () => {
  const bare = "export const A = 1;\n";
  expect(problems(abiDocs, { "packages/exokernel/src/abi/a.ts": bare })[0]).toContain("A has no doc comment");
  expect(problems(abiDocs, { "packages/cheetah/src/a.ts": bare })).toEqual([
    "packages/cheetah documents 0 % of its exports",
  ]);
  expect(problems(abiDocs, { "packages/cheetah/src/a.ts": `/** One. */\n${bare}` })).toEqual([]);
  const calls = "/** Calls. */\nexport interface SelfCalls {\n  nullCall(): undefined;\n}\n";
  expect(problems(abiDocs, { "packages/exokernel/src/abi/calls/self.ts": calls })[0]).toContain(
    "nullCall has no doc comment",
  );
  const columns = "/** Rows. */\nexport interface FrameReaders {\n  count: number;\n  free(): number;\n}\n";
  expect(problems(abiDocs, { "packages/exokernel/src/abi/tables.ts": columns })).toEqual([
    "packages/exokernel/src/abi/tables.ts:4 free has no doc comment",
  ]);
});

test("anchors must match exactly one line", () => {
  const files = (pattern) => ({
    "docs/a.md": `[x](../src/b.ts#/${pattern}/)\n`,
    "src/b.ts": "one\ntwo\ntwo\n",
  });
  expect(problems(anchors, files("^one"))).toEqual([]);
  expect(problems(anchors, files("^two"))).toHaveLength(1);
  expect(problems(anchors, files("^three"))).toHaveLength(1);
});

test("limits is stale after a constant changes", () => {
  const file = "packages/secure-bind/src/a.ts";
  const root = repository({ [file]: "/** Terms. */\nexport const TERMS_MAX = 8;\n" });
  expect(limits.check({ root, write: true }).problems).toEqual([]);
  writeFileSync(join(root, file), "/** Terms. */\nexport const TERMS_MAX = 9;\n");
  expect(limits.check({ root, write: false }).problems).toHaveLength(1);
});

test("links must lead somewhere", () => {
  const text = "[a](b.md) [c](https://example.org) `[d](e.md)`\n";
  expect(problems(links, { "docs/a.md": text })).toEqual([
    "docs/a.md:1 leads to docs/b.md, which does not exist",
  ]);
  expect(problems(links, { "docs/a.md": text, "docs/b.md": "" })).toEqual([]);
});

describe("mechanisms", () => {
  const list = JSON.stringify([{ area: "Kernel", rows: [{ id: "K5", name: "Dominance" }] }]);
  const shown = {
    "docs/mechanisms.json": list,
    "packages/exokernel/src/a.test.ts": 'test("[K5] holds", f);',
  };

  test("a stale page fails and is rewritten on request", () => {
    const root = repository(shown);
    expect(mechanisms.check({ root, write: false }).problems).toHaveLength(1);
    expect(mechanisms.check({ root, write: true }).problems).toEqual([]);
    expect(mechanisms.check({ root, write: false }).problems).toEqual([]);
    expect(textOf(root, "docs/mechanisms.md")).toContain("| K5 | Dominance | shown |");
  });

  test("a test of a mechanism that is not listed fails", () => {
    const files = { ...shown, "packages/exokernel/src/a.test.ts": 'test("[K99] holds", f);' };
    expect(problems(mechanisms, files, { write: true })).toHaveLength(1);
  });

  test.each([
    'test.skipIf(!(2 > f("(")))("[K5] holds", f);',
    'test.each([["a", [1]], ["b)", []]])("[K5] holds", f);',
    'test.each`a | b\n${1} | ${2}`("[K5] holds", f);',
    "it.concurrent.runIf(f())\n(\n  `[K5] holds`,\n f);",
    'describe("all", () => void test.for([1])("[K5][K5] holds", f));',
  ])("a title is found behind conditions and tables: %s", (text) => {
    const root = repository({ ...shown, "packages/exokernel/src/a.test.ts": text });
    expect(mechanisms.check({ root, write: true }).problems).toEqual([]);
    expect(textOf(root, "docs/mechanisms.md")).toContain("| K5 | Dominance | shown | [holds]");
  });

  test.each([
    'test.skip("[K5] holds", f);',
    'f("[K5] holds", f);',
    'test("holds [K5]", f);',
    '// test("[K5] holds", f);',
  ])("what shows nothing does not count: %s", (text) => {
    const root = repository({ ...shown, "packages/exokernel/src/a.test.ts": text });
    mechanisms.check({ root, write: true });
    expect(textOf(root, "docs/mechanisms.md")).toContain("| K5 | Dominance | no |");
  });

  test("an open test does not count", () => {
    const root = repository({
      ...shown,
      "packages/exokernel/src/a.test.ts": 'test.todo("[K5] with rights");',
    });
    mechanisms.check({ root, write: true });
    expect(textOf(root, "docs/mechanisms.md")).toContain("| K5 | Dominance | in part | with rights |");
  });
});

describe("the kernel interface", () => {
  const ABI = "packages/exokernel/src/abi";
  const sources = () =>
    Object.fromEntries(filesBelow(workspace, ABI, ".ts").map((path) => [path, textOf(workspace, path)]));
  const change = (root, file, from, to) => {
    const text = textOf(root, `${ABI}/${file}`);
    expect(text).toContain(from);
    writeFileSync(join(root, `${ABI}/${file}`), text.replace(from, to));
  };

  test("is read whole: every call has a comment, a result, a row, and its arguments explained", () => {
    const calls = readCalls(workspace);
    expect(calls.length).toBeGreaterThan(60);
    expect(new Set(calls.map(({ row }) => row.number)).size).toBe(calls.length);
    for (const { doc, result, parameters, row } of calls) {
      expect(doc).not.toBe("");
      expect(result).not.toBe("");
      expect([...row.takes.keys()]).toEqual(parameters.map(({ name }) => name));
      expect([...row.when.keys()]).toEqual(row.fails);
    }
  });

  test("pages are stale after a change, and a page that describes nothing fails", () => {
    const root = repository(sources());
    expect(abiPages.check({ root, write: true }).problems).toEqual([]);
    for (const [file, from, to] of [
      ["errors.ts", "The resource is taken.", "Somebody has it."],
      ["calls/memory.ts", "a frame of the run is held", "somebody has a frame"],
      ["tables.ts", "Cycles in a second.", "Cycles."],
      ["upcalls.ts", "A slice begins: run.", "Run."],
      ["resources.ts", "A page frame, named by its number.", "A frame."],
    ]) {
      change(root, file, from, to);
      expect(abiPages.check({ root, write: false }).problems).toHaveLength(1);
      expect(abiPages.check({ root, write: true }).problems).toEqual([]);
    }
    writeFileSync(join(root, "docs/abi/gone.md"), "");
    expect(abiPages.check({ root, write: true }).problems).toEqual([
      "docs/abi/gone.md:1 describes nothing that exists",
    ]);
  });

  test("pages say for each argument what it is, and for each refusal when", () => {
    const root = repository(sources());
    abiPages.check({ root, write: true });
    const page = textOf(root, "docs/abi/memory.md");
    expect(page).toContain("| `count` | `number` | frames, at least 1 |");
    expect(page).toContain("| `Busy` | a frame of the run is held |");
    expect(textOf(root, "docs/abi/tables.md")).toContain("| 8 | `ticks` | Quanta of time since boot");
    expect(textOf(root, "docs/abi/upcalls.md")).toContain("`sliceBegin(): void`");
  });

  test.each([
    [
      "an argument that is not explained",
      "@param slot slot of the caller\n   * @param wanted",
      "@param wanted",
    ],
    ["a refusal without a when", "**Fails** `BadName`: the wanted capability is malformed.", ""],
    ["a number that another call has", "row(0x11", "row(0x10"],
  ])("pages fail with %s", (_, from, to) => {
    const root = repository(sources());
    change(root, "calls/capability.ts", from, to);
    const [problem, ...others] = abiPages.check({ root, write: true }).problems;
    expect(problem).toMatch(/calls\/capability\.ts:\d+ capability(Forge|Destroy) /);
    expect(others).toEqual([]);
  });

  test("credentials fails when a call that needs a capability does not take one", () => {
    const root = repository(sources());
    abiPages.check({ root, write: true });
    expect(credentials.check({ root }).problems).toEqual([]);
    change(
      root,
      "calls/capability.ts",
      "capabilityDestroy(slot: CapSlot)",
      "capabilityDestroy(slot: number)",
    );
    expect(credentials.check({ root }).problems[0]).toContain("capabilityDestroy");
  });

  test("credentials fails when a call without a capability is not in the documents", () => {
    expect(problems(credentials, sources())).not.toEqual([]);
  });
});

test("examples fails when one does not end with 0", () => {
  const files = { "examples/01-good.ts": "", "examples/02-bad.ts": "throw new Error('no');" };
  const found = problems(examples, files);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain("examples/02-bad.ts");
});

test("kernel-size counts code, and fails from the goal on", () => {
  const line = "export const a = 1; // one\n";
  const files = (lines) => ({
    "packages/exokernel/src/a.ts": `/** A comment\n * of two lines. */\n\n${line.repeat(lines - 2)}`,
    "packages/exokernel/src/abi/b.ts": line.repeat(2),
    "packages/exokernel/src/disk/d.ts": line.repeat(2),
    "packages/exokernel/src/a.test.ts": line.repeat(9000),
    "packages/exokernel/src/testing/c.ts": line.repeat(9000),
    "packages/exokernel/src/contract/d.ts": line.repeat(9000),
  });
  const unique = (lines) =>
    Object.fromEntries(
      Object.entries(files(lines)).map(([path, text]) => {
        let count = 0;
        return [path, text.replaceAll("const a", () => `const a${(count += 1)}`)];
      }),
    );
  expect(kernelSize.kernelLines(repository(unique(100)))).toEqual([
    [".", 98],
    ["abi", 2],
    ["disk", 2],
  ]);
  expect(problems(kernelSize, unique(kernelSize.KERNEL_LINES - 1))).toEqual([]);
  expect(problems(kernelSize, unique(kernelSize.KERNEL_LINES))).toHaveLength(1);
});
