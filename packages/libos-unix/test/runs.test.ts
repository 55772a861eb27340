/** Real programs and our own, here: each ends, prints and leaves the same as under `node:wasi`, in every mode. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { CONFORMANCE } from "../programs/recipes.ts";
import { openHostDirectory } from "../src/host/directory.ts";
import { CONFORMANCE_GIVEN, FOREIGN_CASES, OWN_CASES, type Case } from "./cases.ts";
import { runUnderNodeWasi, type Ended } from "./node-wasi.ts";
import { program } from "./programs.ts";
import { MANNERS, filesIn, readable, runHere, type Manner } from "./run-here.ts";

/** What a case needs here that it does not need there. */
const NEEDS: Readonly<Record<string, { readonly frames?: number; readonly args?: readonly string[] }>> = {
  // Calls have 384 KiB of stack here, by an estimate from above.
  "deep recursion": { args: ["1000"] },
  // Lua's own stack grows to a million slots before it overflows.
  "Lua, a script from a file": { frames: 32_768 },
};

/** Megabytes of code: one run is enough here, the slow suite has all. */
const HUGE = "esbuild";
const cases = [...OWN_CASES, ...FOREIGN_CASES.filter((each) => each.program !== HUGE)];

const modes: readonly [string, Manner][] = Object.entries(MANNERS).slice(0, 2);

/** What is compared, with bytes as text. */
const told = ({ code, stdout, stderr, preopens }: Ended): unknown =>
  readable({ code, stdout, stderr, preopens });

for (const each of cases) {
  const { bytes } = await program(each.program);
  const { frames, ...changes } = NEEDS[each.title] ?? {};
  const given: Case = { ...each, ...changes };
  const limits = frames === undefined ? {} : { limits: { frames } };
  test.skipIf(bytes === undefined)(`as under node:wasi: ${each.title}`, async () => {
    const there = runUnderNodeWasi(bytes as Uint8Array<ArrayBuffer>, given);
    for (const [mode, manner] of modes) {
      const here = await runHere(bytes as Uint8Array, given, { ...manner, ...limits });
      expect(here.result.outcome).toEqual({ kind: "exited", code: here.code });
      expect([mode, told(here)]).toEqual([mode, told(there)]);
    }
  });
}

const huge = await program(HUGE);
test.skipIf(huge.bytes === undefined)("as under node:wasi: a Go program of 20 MB", async () => {
  const given = FOREIGN_CASES.find((each) => each.program === HUGE) as Case;
  const there = runUnderNodeWasi(huge.bytes as Uint8Array<ArrayBuffer>, given);
  const here = await runHere(huge.bytes as Uint8Array, given);
  expect(told(here)).toEqual(told(there));
  expect((huge.bytes as Uint8Array).length).toBeGreaterThan(10_000_000);
});

for (const { name } of CONFORMANCE) {
  const { bytes } = await program(name);
  test.skipIf(bytes === undefined)(`conformance: ${name}`, async () => {
    const { code = 0, ...given } = CONFORMANCE_GIVEN[name] ?? {};
    for (const [mode, manner] of Object.entries(MANNERS)) {
      const here = await runHere(bytes as Uint8Array, { preopens: { "/": {} }, ...given }, manner);
      const printed = code === 0 ? [here.stdout, here.stderr].map(readable) : ["", ""];
      expect([mode, here.code, ...printed]).toEqual([mode, code, expect.any(String), ""]);
      expect(here.preopens["/"] ?? {}).toEqual({});
    }
  });
}

/** What is run in a directory of the host, too. */
const IN_DIRECTORIES = [
  "files",
  "files in the second directory",
  "directories",
  "minigzip packs and unpacks files",
];

for (const given of cases.filter(({ title }) => IN_DIRECTORIES.includes(title))) {
  const { bytes } = await program(given.program);
  test.skipIf(bytes === undefined)(`in directories of the host: ${given.title}`, async () => {
    const there = runUnderNodeWasi(bytes as Uint8Array<ArrayBuffer>, given);
    const scratch = mkdtempSync(join(tmpdir(), "exolith-runs-"));
    try {
      const directories = Object.entries(given.preopens ?? {}).map(([name, files], index) => {
        const path = join(scratch, String(index));
        mkdirSync(path);
        for (const [file, content] of Object.entries(files)) {
          mkdirSync(dirname(join(path, file)), { recursive: true });
          writeFileSync(join(path, file), content);
        }
        const opened = openHostDirectory(path);
        if (typeof opened === "number") throw new Error(`not opened: errno ${-opened}`);
        return { name, opened };
      });
      const mounts = Object.fromEntries(directories.map(({ name, opened }) => [name, opened.root]));
      const { preopens: _, ...rest } = given;
      const here = await runHere(bytes as Uint8Array, rest, {}, mounts);
      const left = Object.fromEntries(directories.map(({ name, opened }) => [name, filesIn(opened.root)]));
      expect(told({ ...here, preopens: left })).toEqual(told(there));
      for (const { opened } of directories) opened.close();
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  });
}

const minigzip = await program("minigzip");
test.skipIf(minigzip.bytes === undefined)("what is packed in one mode is unpacked in the other", async () => {
  const stdin = "all work and no play ".repeat(20_000);
  const packed = await runHere(minigzip.bytes as Uint8Array, { stdin }, { mode: "segment" });
  const args = ["-d"];
  const unpacked = await runHere(
    minigzip.bytes as Uint8Array,
    { args, stdin: packed.stdout },
    { mode: "paged" },
  );
  expect(readable(unpacked.stdout)).toBe(stdin);
});
