import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as abi from "../src/abi/index.ts";
import * as kernel from "../src/index.ts";

const SOURCE = join(import.meta.dirname, "..", "src");

/** What the kernel has no word for: that is for libraries to invent. */
const UNKNOWN = /process|thread|fork|socket|file|inode|directory|tcp|http/i;

const sources = (): string[] =>
  readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));

test.todo(
  "[D5] the page table, the file system, TCP and the pager replaced by link alone: there is one of each at most; the scheduler and the policy of giving frames back are replaced in tests of ExOS",
);

test("[D4] the kernel exports no name of a process, file or socket, and imports no library operating system", () => {
  const names = [
    ...Object.keys(abi),
    ...Object.keys(kernel),
    ...Object.keys(abi.CALLS),
    ...Object.keys(abi.ERRORS),
  ];
  expect(names.length).toBeGreaterThan(60);
  expect(names.filter((name) => UNKNOWN.test(name))).toEqual([]);
  const imported = new Set<string>();
  for (const name of sources()) {
    const text = readFileSync(join(SOURCE, name), "utf8");
    for (const [, from] of text.matchAll(/from "([^."][^"]*)"/g)) imported.add(from ?? "");
  }
  const allowed = [
    "@exolith/hw-model",
    "@exolith/hw-model/contract",
    "@exolith/secure-bind",
    "fast-check",
    "vitest",
  ];
  expect([...imported].filter((from) => !allowed.includes(from))).toEqual([]);
  const { dependencies } = JSON.parse(readFileSync(join(SOURCE, "..", "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies).toSorted()).toEqual(["@exolith/hw-model", "@exolith/secure-bind"]);
});
