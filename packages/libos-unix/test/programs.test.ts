/** The programs themselves, under the peer: what others are compared with must be right. */
import { expect, test } from "vitest";
import { ATTACKS, CONFORMANCE, RECIPES } from "../programs/recipes.ts";
import { CONFORMANCE_GIVEN, FOREIGN_CASES, OWN_CASES } from "./cases.ts";
import type { Case } from "./cases.ts";
import { runUnderNodeWasi } from "./node-wasi.ts";
import { program } from "./programs.ts";
import type { Program } from "./programs.ts";

/** What `node:wasi` does otherwise than preview 1 says, so that a program here finds it wrong, or never ends. */
const NODE_DIFFERS: Readonly<Record<string, string>> = {
  appending: "flags of the host's own are among a descriptor's flags, and `append` is not",
  "given-directories":
    "flags of the host's own are among a directory's flags; a short buffer for a name is `nobufs`",
  links:
    "a last symbolic link is followed though that was not asked for; a link is not cut to a short buffer",
  "links-out":
    "a path is held inside the given directories only, and goes above the descriptor that it starts from",
  listing: "a listing has neither `.` nor `..`, and entries have no serial numbers",
  "no-sockets": "shutting down what is not open is `notsup`",
  opening: "a file followed by `..` is taken for the directory that it is in",
  paths: "a path goes above the descriptor that it starts from; a NUL cuts it",
  polling: "an absolute time is waited for as if it were relative",
  sizes: "times are cut to seconds, and refusing flags that exclude each other leaves a lock behind",
};

const programs = new Map<string, Program>();
for (const { name } of RECIPES) programs.set(name, await program(name));
const bytesOf = (name: string): Uint8Array<ArrayBuffer> =>
  programs.get(name)?.bytes as Uint8Array<ArrayBuffer>;
const isMissing = (name: string): boolean => programs.get(name)?.bytes === undefined;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function check(given: Case): void {
  const ended = runUnderNodeWasi(bytesOf(given.program), given);
  expect({ code: ended.code, stderr: given.code ? "" : text(ended.stderr) }).toEqual({
    code: given.code ?? 0,
    stderr: "",
  });
  if (typeof given.prints === "string") expect(text(ended.stdout)).toContain(given.prints);
  else if (given.prints) expect(text(ended.stdout)).toMatch(given.prints);
}

for (const given of [...OWN_CASES, ...FOREIGN_CASES])
  test.skipIf(isMissing(given.program))(`${given.title}`, () => check(given));

test.skipIf(isMissing("minigzip"))("minigzip unpacks what it packed", () => {
  const stdin = "all work and no play ".repeat(20_000);
  const packed = runUnderNodeWasi(bytesOf("minigzip"), { stdin }).stdout;
  expect(packed.length).toBeLessThan(5_000);
  expect(text(runUnderNodeWasi(bytesOf("minigzip"), { args: ["-d"], stdin: packed }).stdout)).toBe(stdin);
});

test.skipIf(isMissing("sqlite3"))("SQLite finds in a file what an earlier run left there", () => {
  const first = runUnderNodeWasi(bytesOf("sqlite3"), {
    args: ["/a.db", "create table t(x); insert into t values (1), (2)"],
    preopens: { "/": {} },
  });
  const second = runUnderNodeWasi(bytesOf("sqlite3"), {
    args: ["/a.db", "select sum(x) from t"],
    preopens: first.preopens,
  });
  expect(text(second.stdout)).toBe("3\n");
});

for (const { name } of CONFORMANCE)
  test.skipIf(isMissing(name) || name in NODE_DIFFERS)(`conformance under node:wasi: ${name}`, () => {
    const { code, ...given } = CONFORMANCE_GIVEN[name] ?? {};
    const ended = runUnderNodeWasi(bytesOf(name), { preopens: { "/": {} }, ...given });
    expect({ code: ended.code, stderr: code ? "" : text(ended.stderr) }).toEqual({
      code: code ?? 0,
      stderr: "",
    });
    expect(ended.preopens["/"]).toEqual({});
  });

test("every difference of node:wasi is one of a program that there is", () => {
  expect(CONFORMANCE.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(NODE_DIFFERS)));
});

test.each(ATTACKS.filter(({ name }) => !isMissing(name)))("$name is a module with a start", ({ name }) => {
  const names = WebAssembly.Module.exports(new WebAssembly.Module(bytesOf(name))).map((each) => each.name);
  expect(names).toContain("_start");
});

test("a program nobody has written is refused", async () => {
  await expect(program("nonsense")).rejects.toThrow("no program is called nonsense");
});
