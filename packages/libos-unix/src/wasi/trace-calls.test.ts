import { expect, test } from "vitest";
import { CALLS, type WasiCall } from "./calls.ts";
import { PREVIEW_1, UNSTABLE } from "./layout.ts";
import { traceCalls } from "./trace-calls.ts";
import type { WasiFunctions } from "./wasi.ts";
import { RIG_BYTES, ROOT, makeWasiRig } from "../testing/wasi-rig.ts";

type AnyCall = (...values: readonly (number | bigint)[]) => number;

function find(functions: WasiFunctions, module: string, name: string): AnyCall {
  const found: WasiCall | undefined = functions[module]?.[name];
  if (found === undefined) throw new RangeError(`there is no ${name}`);
  return found as AnyCall;
}

function start(module: string = PREVIEW_1.module) {
  const rig = makeWasiRig({ files: { f: "12345" }, args: ["prog"] });
  const lines: string[] = [];
  const functions = traceCalls(
    rig.wasi.functions,
    () => rig.memory,
    (line) => void lines.push(line),
  );
  const call = (name: string, ...given: readonly (number | bigint)[]): string => {
    find(functions, module, name)(...given);
    return lines.pop() ?? "nothing";
  };
  return { rig, lines, call };
}

test("paths are quoted, flags named, results shown", () => {
  const { rig, call } = start();
  const result = rig.room(8);
  const rest = [9, 66n, 2n ** 40n, 1, result] as const;
  expect(call("path_open", ROOT, 1, ...rig.put('a\n"b'), 1, 66n, 0n, 5, result)).toBe(
    'path_open(3, symlinkFollow, "a\\n\\"b", create, fd_read|fd_write, 0, append|nonBlocking) = 0 4',
  );
  expect(call("path_open", ROOT, 0, ...rig.put("x"), ...rest)).toBe(
    'path_open(3, 0, "x", create|truncate, fd_read|fd_write, 0x10000000000, append) = 76 notcapable',
  );
  expect(call("path_open", ROOT, 0, RIG_BYTES - 1, 9, 0, 0n, 0n, 0, result)).toBe(
    "path_open(3, 0, ?, 0, 0, 0, 0) = 21 fault",
  );
  expect(call("path_symlink", ...rig.put("to"), ROOT, ...rig.put("l"))).toBe(
    'path_symlink("to", 3, "l") = 0',
  );
  expect(call("fd_seek", 4, -1n, 2, result)).toBe("fd_seek(4, -1, end) = 76 notcapable");
  expect(call("fd_fdstat_set_rights", 1, 0x1fn, 15n)).toBe(
    "fd_fdstat_set_rights(1, 0x1f, fd_datasync|fd_read|fd_seek|fd_fdstat_set_flags) = 76 notcapable",
  );
  expect(call("fd_close", -1)).toBe("fd_close(-1) = 8 badf");
});

test("nothing that a terminal obeys is in a line", () => {
  const { rig, call } = start();
  const name = "\u001b[2J\nproc_exit(0) = ?\u202e\u009b31m\u2028";
  expect(call("path_unlink_file", ROOT, ...rig.put(name))).toBe(
    String.raw`path_unlink_file(3, "\u001b[2J\nproc_exit(0) = ?\u202e\u009b31m\u2028") = 44 noent`,
  );
  expect(call("fd_write", 1, ...rig.pieces("\u009b\u007f"), rig.room(4))).toBe(
    String.raw`fd_write(1, ["\u009b\u007f"]) = 0 3`,
  );
});

test("what is written is shown, of what is read how much", () => {
  const { rig, call } = start();
  const result = rig.room(4);
  expect(call("fd_write", 1, ...rig.pieces("hello\n", "x".repeat(40)), result)).toBe(
    `fd_write(1, ["hello\\n", "${"x".repeat(32)}"...]) = 0 46`,
  );
  expect(call("fd_write", 1, ...rig.pieces("a", "b", "c", "d", "e"), result)).toBe(
    'fd_write(1, ["a", "b", "c", "d", ...]) = 0 5',
  );
  expect(call("fd_read", 0, ...rig.pieces("....", ".."), result)).toBe("fd_read(0, [{4}, {2}]) = wait");
  expect(call("fd_read", 0, RIG_BYTES, 1, result)).toBe("fd_read(0, ?) = 21 fault");
  expect(call("fd_prestat_dir_name", ROOT, rig.room(1), 1)).toBe('fd_prestat_dir_name(3) = 0 "/"');
});

test("numbers have names where there are any", () => {
  const { rig, call } = start();
  const at = rig.room(16);
  expect(call("clock_time_get", 1, 0n, at)).toBe("clock_time_get(monotonic, 0) = 0 5000000000");
  expect(call("clock_res_get", 7, at)).toBe("clock_res_get(7) = 28 inval");
  expect(call("args_sizes_get", at, at + 8)).toBe("args_sizes_get() = 0 1 5");
  expect(call("proc_raise", 17)).toBe("proc_raise(cont) = 0");
  expect(call("sched_yield")).toBe("sched_yield() = wait");
  expect(call("fd_advise", 1, 2n ** 64n - 1n, 0n, 3)).toBe(
    "fd_advise(1, 18446744073709551615, 0, willneed) = 70 spipe",
  );
  expect(start(UNSTABLE.module).call("fd_seek", 1, 0n, 2, at)).toBe("fd_seek(1, 0, set) = 70 spipe");
});

test("a call that does not come back has its line too", () => {
  const { lines, call } = start();
  expect(() => call("proc_exit", 3)).toThrow("exit 3");
  expect(lines).toEqual(["proc_exit(3) = ?"]);
});

test("every call has a format for all of its parameters, and answers as without", () => {
  for (const { name, parameters } of CALLS) {
    const given = [...parameters].map((letter) => (letter === "l" ? 0n : 0));
    const [plain, traced] = [makeWasiRig(), start()];
    if (name === "proc_exit") continue;
    const answer = find(plain.wasi.functions, PREVIEW_1.module, name)(...given);
    const line = traced.call(name, ...given);
    expect(line).toMatch(answer === -1 ? / = wait$/ : new RegExp(` = ${answer}( |$)`));
    expect(line.startsWith(`${name}(`)).toBe(true);
  }
});
