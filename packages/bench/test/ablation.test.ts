/** `bench ablation`: what each technique of Cheetah is worth, in simulated time. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_TECHNIQUES } from "@exolith/cheetah";
import { expect, test } from "vitest";
import { benchAblation } from "../src/ablation/bench-ablation.ts";
import { INTERFACES, SHOWN_PARTS, ablate } from "../src/ablation/measure.ts";
import { printAblationPage } from "../src/ablation/print-ablation.ts";
import { PURPOSES, checkAblation, effectsOf, figuresOf } from "../src/ablation/shape.ts";
import { TECHNIQUES } from "../src/cheetah/techniques.ts";

const KEYS = Object.keys(DEFAULT_TECHNIQUES).toSorted() as (keyof typeof DEFAULT_TECHNIQUES)[];
const report = benchAblation();
const { table } = report;

const run = (words: readonly string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, ["--conditions=@exolith/source", ...words], (_, out) =>
      resolve({ code: child.exitCode ?? -1, out }),
    );
  });
const cheetah = dirname(createRequire(import.meta.url).resolve("@exolith/cheetah/package.json"));
const dashed = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

test("[W9] each technique individually switchable with profile attribution: ablation table", async () => {
  // Each has a switch in a program's options, on the command line, and a row on each interface.
  expect(TECHNIQUES.map(({ key }) => key).toSorted()).toEqual(KEYS);
  const help = (await run([join(cheetah, "src/main.ts"), "--help"])).out;
  for (const { key, off } of TECHNIQUES) {
    expect(off).toEqual([`--no-${dashed(key)}`]);
    expect(help).toContain(`--no-${dashed(key)} `);
  }
  expect(table.rows.map(({ kind, without }) => `${kind} ${without}`).toSorted()).toEqual(
    INTERFACES.flatMap((kind) => [undefined, ...KEYS].map((key) => `${kind} ${key}`)).toSorted(),
  );
  // Every cycle belongs to a part.
  for (const { figures, without } of table.rows) {
    const sum = SHOWN_PARTS.reduce((all, part) => all + figures.parts[part], 0);
    expect(sum, String(without)).toBeCloseTo(figures.cycles, 3);
    expect(figures.requests).toBe(table.rows[0]?.figures.requests);
  }
  // Without it there is more of what it is for, and more cycles where it belongs; clients see no difference.
  for (const key of KEYS) {
    const effects = effectsOf(table).filter((effect) => effect.key === key);
    expect(effects.length).toBeGreaterThan(0);
    for (const { kind, figure } of effects) {
      const [whole, lacking] = [figuresOf(table, kind, undefined), figuresOf(table, kind, key)];
      expect(lacking[figure], key).toBeGreaterThan(whole[figure]);
      expect(lacking.cycles, key).toBeGreaterThan(whole.cycles);
      expect(lacking.parts[PURPOSES[key].part], key).toBeGreaterThan(whole.parts[PURPOSES[key].part]);
    }
  }
  expect(table.isSameToClients).toBe(true);
  expect(report.invariants.filter(({ holds }) => !holds)).toEqual([]);
});

test("a technique that does nothing, and one that changes an answer, break invariants", () => {
  const broken = (changed: typeof table): string[] =>
    checkAblation(changed)
      .filter(({ holds }) => !holds)
      .map(({ what }) => what);
  for (const { key, kind } of effectsOf(table)) {
    const idle = figuresOf(table, kind, undefined);
    const rows = table.rows.map((row) =>
      row.kind === kind && row.without === key ? { ...row, figures: idle } : row,
    );
    const said = broken({ ...table, rows });
    expect(said).toHaveLength(2);
    for (const what of said) expect(what).toContain(`${kind} interface, without ${key}: `);
  }
  expect(broken({ ...table, isSameToClients: false })).toEqual([
    "the same answers in every row, dates apart",
  ]);
});

test("the same figures every time, and none without a technique that it counts", () => {
  expect(ablate({}, "plain").figures).toEqual(figuresOf(table, "plain", undefined));
  const bare = ablate(Object.fromEntries(KEYS.map((key) => [key, false])), "plain").figures;
  expect([bare.requestsParsed, bare.headsMade]).toEqual([bare.requests, bare.requests]);
  expect(bare.cycles).toBeGreaterThan(Math.max(...table.rows.map(({ figures }) => figures.cycles)));
});

test("the command prints the page in the documentation, which is not stale", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "bench-ablation-"));
  try {
    const [page, json] = [join(scratch, "page.md"), join(scratch, "ablation.json")];
    const cli = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
    const { code, out } = await run([cli, "ablation", "--page", page, "--json", json]);
    expect(code).toBe(0);
    expect(out).toBe(printAblationPage(table));
    expect(readFileSync(page, "utf8")).toBe(out);
    expect(JSON.parse(readFileSync(json, "utf8"))).toEqual(JSON.parse(JSON.stringify(report)));
    const kept = fileURLToPath(new URL("../../../docs/ablation.md", import.meta.url));
    expect(readFileSync(kept, "utf8"), "run `pnpm bench ablation --page docs/ablation.md`").toBe(out);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
