/** What programs owe: fuel that one instruction takes at once, however late it is asked for. */
import { DEC5000_125 } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { describe, expect, test } from "vitest";
import { EXIT, FRAME_BYTES, frame, must, rowOf, virtualPage, type ProgramHandle } from "../src/abi/index.ts";
import { checkTables } from "../src/testing/index.ts";
import {
  host,
  loadPaged,
  loadSegment,
  makeOwner,
  moduleOf,
  own,
  programRig,
  type Owner,
} from "./program-rig.ts";

/** Bytes that a unit of fuel fills at most. */
const BYTES_PER_FUEL = 16;
/** Bytes of the memory of a paged program here: to fill them takes several slices. */
const MUCH = 2 ** 26;

/** Fills `bytes` bytes again and again, and says so each time if it `tells`. */
const filling = (bytes: number, tells: boolean): Uint8Array =>
  moduleOf(
    (code, { tick = 0 }) => {
      code.open("loop").i32(0).i32(1).i32(bytes).op("memory.fill", 0);
      if (tells) code.op("call", tick).op("drop");
      code.op("br", 0).end().i32(1);
    },
    { pages: Math.max(1, bytes / 65_536), ...(tells ? { imports: [host("tick", () => 0)] } : {}) },
  );

/** Maps all pages that are filled to one frame. */
function bindMuch({ gate, first }: Owner): void {
  must(gate.translationCreate(FRAME_BYTES));
  for (let page = 0; page < MUCH / FRAME_BYTES; page++)
    must(gate.tlbWrite(virtualPage(page), frame(first + 20), 1, RIGHTS.write, own));
}

const KINDS = [
  ["a segment", 65_536, loadSegment],
  ["pages", MUCH, loadPaged],
] as const;

describe.each(KINDS)("a program that fills %s in a loop", (name, bytes, load) => {
  test.each([true, false])("pays for every byte, and time never goes back (it tells: %s)", (tells) => {
    const rig = programRig({}, { profile: DEC5000_125 });
    const owner = makeOwner(rig, 1);
    if (name === "pages") bindMuch(owner);
    const times: number[] = [];
    let fills = 0;
    const look = (): void => void times.push(rig.machine.clock.now());
    const tick = host("tick", () => {
      look();
      return (fills += 1);
    });
    const program = load(owner, filling(bytes, tells), tells ? [tick] : []);
    const fuel = (): number => owner.gate.programs.fuel(rowOf(program.id));
    // The first touch of a page walks its table, in two words.
    const walks = (): number => owner.gate.translation.misses() * 2 * DEC5000_125.primitives.word;
    for (let slice = 0; slice < 6; slice++)
      owner.do(() => {
        const began = [rig.machine.clock.now() - walks(), fuel()] as const;
        look();
        expect(slice === 0 ? program.enter("main") : program.run()).toBe(EXIT.suspended);
        look();
        const ended = [rig.machine.clock.now() - walks(), fuel()] as const;
        expect(ended[0] - began[0]).toBe(ended[1] - began[1]);
        expect(ended[0] + walks()).toBeGreaterThanOrEqual(owner.gate.slices.ends());
        for (let again = 0; again < 9; again++) expect(program.run()).toBe(EXIT.suspended);
        expect([rig.machine.clock.now() - walks(), fuel()]).toEqual(ended);
      });
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    if (tells) expect(fills).toBeGreaterThan(1);
    expect(fuel()).toBeGreaterThanOrEqual((fills * bytes) / BYTES_PER_FUEL);
    if (name === "pages") expect(fuel()).toBeGreaterThan(bytes / BYTES_PER_FUEL);
    checkTables(rig.root);
  });
});

test("fills of one slice are charged in full: so many cycles for each", () => {
  const rig = programRig({}, { profile: DEC5000_125 });
  const owner = makeOwner(rig, 1);
  const module = moduleOf(
    (code) =>
      code
        .open("loop")
        .i32(0)
        .i32(1)
        .i32(65_536)
        .op("memory.fill", 0)
        .get(0)
        .i32(1)
        .op("i32.sub")
        .tee(0)
        .op("br_if", 0)
        .end()
        .i32(7),
    { parameters: ["i32"] },
  );
  const program: ProgramHandle = loadSegment(owner, module);
  const cycles = [1, 11, 21].map((count) =>
    owner.do(() => {
      const before = rig.machine.clock.now();
      expect(program.enter("main", count)).toBe(EXIT.returned);
      return rig.machine.clock.now() - before;
    }),
  );
  const [one = 0, eleven = 0, more = 0] = cycles;
  expect(eleven - one).toBe(more - eleven);
  expect(eleven - one).toBeGreaterThanOrEqual((10 * 65_536) / BYTES_PER_FUEL);
});

test("the debt of one entry is not forgotten when the next begins", () => {
  const rig = programRig({}, { profile: DEC5000_125 });
  const owner = makeOwner(rig, 1);
  bindMuch(owner);
  const module = moduleOf((code) => code.i32(0).i32(1).i32(MUCH).op("memory.fill", 0).i32(1), {
    pages: 1024,
  });
  const program = loadPaged(owner, module);
  const row = rowOf(program.id);
  let entered = 0;
  for (let i = 0; i < 3; i++)
    owner.do(() => {
      const before = rig.machine.clock.now();
      let exit = program.isSuspended() ? program.run() : program.enter("main");
      for (let more = 0; more < 5; more++) {
        if (exit === EXIT.returned) entered += 1;
        exit = program.isSuspended() ? program.run() : program.enter("main");
      }
      expect(rig.machine.clock.now()).toBeGreaterThanOrEqual(before);
    });
  expect(entered).toBeGreaterThan(0);
  expect(owner.gate.programs.fuel(row)).toBeGreaterThanOrEqual((entered * MUCH) / BYTES_PER_FUEL);
});
