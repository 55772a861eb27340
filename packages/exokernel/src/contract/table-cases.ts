/** Published tables, and what holds for every call: what a kernel must keep. */
import type { ContractCase } from "@exolith/hw-model/contract";
import { expect } from "vitest";
import { CALLS } from "../abi/calls.ts";
import { failed, must } from "../abi/errors.ts";
import type { Gate, GateCalls } from "../abi/gate.ts";
import { frame } from "../abi/ids.ts";
import { ABI_VERSION, TABLE_VERSION } from "../abi/version.ts";
import { placeEnvironment } from "../testing/rig.ts";
import { checkTables } from "../testing/check-tables.ts";
import { NO_NUMBERS, own, type KernelHarness } from "./harness.ts";

const TABLES = [
  "clock",
  "capabilities",
  "environments",
  "slices",
  "frames",
  "rings",
  "filters",
  "transmits",
  "extents",
  "streams",
  "nics",
  "disks",
  "system",
  "guards",
  "regions",
  "messageRings",
  "displays",
  "dma",
  "revocations",
  "repossessions",
  "handlers",
  "programs",
  "translation",
] as const;

const readOnly = ({ root }: KernelHarness): void => {
  const gate = placeEnvironment(root, [1, 1]);
  expect(Object.isFrozen(gate)).toBe(true);
  for (const name of TABLES) {
    const table = gate[name] as unknown as Record<string, unknown>;
    expect([name, Object.isFrozen(table)]).toEqual([name, true]);
    for (const [column, reader] of Object.entries(table)) {
      expect(() => Reflect.set(table, column, () => 7) && fail(name, column)).not.toThrow();
      if (typeof reader === "function")
        expect([name, column, Object.isFrozen(reader)]).toEqual([name, column, true]);
      else expect(typeof reader).toBe("number");
    }
  }
};

const fail = (table: string, column: string): never => {
  throw new Error(`${table}.${column} was replaced`);
};

const missingRows = ({ root }: KernelHarness): void => {
  for (const row of [-1, 1e9, 0.5, Number.NaN]) {
    expect(root.frames.owner(row)).toBe(0);
    expect(root.environments.id(row)).toBe(0);
    expect(root.slices.owner(row)).toBe(0);
    expect(root.rings.owner(row)).toBe(0);
    expect(root.filters.owner(row)).toBe(0);
    expect(root.transmits.user(row)).toBe(0);
    expect(root.extents.owner(row)).toBe(0);
    expect(root.streams.owner(row)).toBe(0);
    expect(root.nics.received(row)).toBe(0);
    expect(root.disks.blocks(row)).toBe(0);
    expect(root.regions.owner(row)).toBe(0);
    expect(root.messageRings.owner(row)).toBe(0);
    expect(root.displays.owner(row, row)).toBe(0);
    expect(root.revocations.wanted(row, row)).toBe(0);
    expect(root.repossessions.kind(row)).toBe(0);
    expect(root.guards.entries(1, row)).toBe(0);
    expect([root.guards.list(1, row), root.guards.rights(1, row, 0)]).toEqual([-1, -1]);
  }
};

const consistent = ({ root }: KernelHarness): void => {
  checkTables(root);
  const gates = [1, 2, 3].map((name) => placeEnvironment(root, [1, name], { slices: [name] }));
  for (const [i, gate] of gates.entries()) {
    must(gate.framesAlloc(frame(10 + i * 10), 4, own));
    must(gate.windowBind(frame(10 + i * 10), 2, true, own));
    must(gate.ringBind(frame(10 + i * 10), 3, own));
    checkTables(root);
  }
  for (const gate of gates) {
    must(root.environmentDestroy(gate.self, own));
    checkTables(root);
  }
};

const versions = ({ root }: KernelHarness): void => {
  expect([root.abiVersion, root.tableVersion]).toEqual([ABI_VERSION, TABLE_VERSION]);
};

/** Calls `name` with `value` as every argument; `environmentCreate` and others run no code that way. */
const callWith = (gate: Gate, name: keyof GateCalls, value: unknown): unknown =>
  (gate[name] as (...values: unknown[]) => unknown)(value, value, value, value, value);

const namedRefusals = ({ root }: KernelHarness): void => {
  const gate = placeEnvironment(root, [1, 1]);
  for (const name of Object.keys(CALLS) as (keyof GateCalls)[])
    for (const value of [0, 1, ...NO_NUMBERS]) {
      const result = callWith(gate, name, value);
      if (!failed(result)) continue;
      const fails: readonly string[] = CALLS[name].fails;
      const refusal: string = (result as { name: string }).name;
      expect([name, fails.includes(refusal), refusal]).toEqual([name, true, refusal]);
    }
  checkTables(root);
};

/** The cases of this part. */
export const TABLE_CASES: readonly ContractCase<KernelHarness>[] = [
  ["says which interface and tables it has", versions],
  ["publishes tables that nobody can change", readOnly],
  ["shows 0 for rows that do not exist", missingRows],
  ["keeps its tables consistent with each other", consistent],
  ["refuses with the refusals that its call table names, and throws nothing", namedRefusals],
];
