import { expect, test } from "vitest";
import { CALLS, SIGNATURES } from "./calls.ts";
import { PREVIEW_1, UNSTABLE } from "./layout.ts";
import { callCounts, makeWasi, makeWasiLedger } from "./wasi.ts";
import { makeWasiRig } from "../testing/wasi-rig.ts";

/** The names in the interface definitions. */
const NAMES = `args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise
  fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get
  fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read
  fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get
  path_filestat_set_times path_link path_open path_readlink path_remove_directory path_rename path_symlink
  path_unlink_file poll_oneoff proc_exit proc_raise random_get sched_yield sock_accept sock_recv sock_send
  sock_shutdown`.split(/\s+/);

test("every function of both interfaces is there, with its type", () => {
  const { functions, signatures } = makeWasiRig().wasi;
  expect(Object.keys(functions)).toEqual(["wasi_snapshot_preview1", "wasi_unstable"]);
  expect(Object.keys(functions[PREVIEW_1.module] ?? {}).toSorted()).toEqual(NAMES);
  const older = NAMES.filter((name) => name !== "sock_accept");
  expect(Object.keys(functions[UNSTABLE.module] ?? {}).toSorted()).toEqual(older);
  for (const module of [PREVIEW_1.module, UNSTABLE.module]) {
    const named = signatures.filter((each) => each.module === module).map(({ name }) => name);
    expect(named.toSorted()).toEqual(Object.keys(functions[module] ?? {}).toSorted());
  }
  const typeOf = (name: string) => SIGNATURES.find((each) => each.name === name);
  expect(typeOf("fd_seek")).toMatchObject({ parameters: ["i32", "i64", "i32", "i32"], results: ["i32"] });
  expect(typeOf("proc_exit")).toMatchObject({ parameters: ["i32"], results: [] });
});

test("a module that imports all of them links, and calls them", () => {
  const { functions } = makeWasiRig().wasi;
  const bytes = moduleImporting(PREVIEW_1.module);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), functions);
  // A call with zeros everywhere: what matters is that 64-bit parameters arrive as such.
  const run = instance.exports["run"] as (index: number) => number;
  const skipped = ["proc_exit", "sched_yield"];
  for (const [index, { name }] of CALLS.entries())
    if (!skipped.includes(name)) expect([name, run(index) >= -1 && run(index) <= 76]).toEqual([name, true]);
});

/** A module with all imports, and `run(index)` that calls one of them with zeros. */
function moduleImporting(module: string): Uint8Array<ArrayBuffer> {
  const imports = SIGNATURES.filter((each) => each.module === module);
  const u = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...u(value >> 7)]);
  const list = (items: readonly number[][]): number[] => [...u(items.length), ...items.flat()];
  const name = (text: string): number[] => list([...text].map((letter) => [letter.charCodeAt(0)]));
  const section = (id: number, body: number[]): number[] => [id, ...u(body.length), ...body];
  const type = (parameters: readonly string[], results: readonly string[]): number[] => [
    0x60,
    ...list(parameters.map((each) => [each === "i64" ? 0x7e : 0x7f])),
    ...list(results.map(() => [0x7f])),
  ];
  const call = ({ parameters, results }: (typeof imports)[number], index: number): number[] => [
    0x20,
    0,
    0x41,
    ...u(index),
    0x46,
    0x04,
    0x40,
    ...parameters.flatMap((each) => [each === "i64" ? 0x42 : 0x41, 0]),
    0x10,
    ...u(index),
    ...(results.length === 0 ? [] : [0x0f]),
    0x0b,
  ];
  const body = [0, ...imports.flatMap(call), 0x41, 0x7f, 0x0b];
  return Uint8Array.from([
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(
      1,
      list([...imports.map(({ parameters, results }) => type(parameters, results)), type(["i32"], ["i32"])]),
    ),
    ...section(2, list(imports.map((each, index) => [...name(module), ...name(each.name), 0, ...u(index)]))),
    ...section(3, list([u(imports.length)])),
    ...section(7, list([[...name("run"), 0, ...u(imports.length)]])),
    ...section(10, list([[...u(body.length), ...body]])),
  ]);
}

test("the ledger counts what was answered, and goes on where it was", () => {
  const rig = makeWasiRig();
  const place = rig.room(8);
  rig.call("clock_res_get", 0, place);
  rig.call("clock_res_get", 9, place);
  rig.call("clock_res_get", 0, -1);
  expect(rig.call("fd_read", 0, ...rig.pieces("x"), place)).toBe("wait");
  expect(callCounts(rig.wasi.ledger)).toEqual({ clock_res_get: 3 });
  const ledger = makeWasiLedger();
  ledger.bytesRead = 5;
  const wasi = makeWasi({
    memory: () => rig.memory,
    clocks: {} as never,
    random: () => undefined,
    descriptors: rig.table,
    ledger,
  });
  expect(wasi.ledger).toBe(ledger);
});

test("what the memory throws besides faults stops the program", () => {
  const rig = makeWasiRig();
  const memory = {
    ...rig.memory,
    demand: () => {
      throw new Error("no frame left");
    },
  };
  const wasi = makeWasi({
    memory: () => memory,
    clocks: {} as never,
    random: () => undefined,
    descriptors: rig.table,
  });
  const call = wasi.functions[PREVIEW_1.module]?.["fd_fdstat_get"] as (fd: number, at: number) => number;
  expect(() => call(0, 0)).toThrow("no frame left");
});
