import { DEC5000_125, makeSimulatedMachine } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { GETPID, makeMonolith } from "./monolithic-model.ts";

const makeModel = () => {
  const machine = makeSimulatedMachine({ profile: DEC5000_125, frames: 16 });
  return { machine, model: makeMonolith(machine) };
};

test("the call returns its result in a register and leaves all others as they were", () => {
  const { model } = makeModel();
  const kept = Array.from({ length: 32 }, (_, r) => r).filter((r) => ![0, 2, 3, 7, 26, 27, 29].includes(r));
  for (const r of kept) model.registers[r] = 0x1000 + r;
  for (let i = 0; i < 3; i++) {
    expect(model.call(GETPID)).toBe(1234);
    expect(model.registers[3]).toBe(1);
    expect(model.registers[7]).toBe(0);
    for (const r of kept) expect(model.registers[r]).toBe(0x1000 + r);
  }
});

test("registers lie in the kernel's frame, and arguments come from the caller's memory", () => {
  const { machine, model } = makeModel();
  const { view, bytes } = machine.memory;
  for (let r = 8; r < 26; r++) model.registers[r] = 0xabcd0000 + r;
  const stack = model.registers[29] ?? 0;
  view.setUint32(stack + 16, 0xfeed0001);
  view.setUint32(stack + 20, 0xfeed0002);
  model.call(GETPID);
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
  for (let r = 8; r < 26; r++)
    expect(words.filter((word) => word === 0xabcd0000 + r).length).toBeGreaterThan(0);
  expect(words.filter((word) => word === 0xfeed0001)).toHaveLength(2);
  expect(words.filter((word) => word === 0xfeed0002)).toHaveLength(2);
});

test("what is charged is what its stages took, with more than 32 words saved and as many restored", () => {
  const { machine, model } = makeModel();
  const before = machine.clock.now();
  model.call(GETPID);
  const spent = machine.clock.now() - before;
  const { primitives } = DEC5000_125;
  const stages = model.stages();
  const counted = stages.reduce(
    (sum, stage) =>
      sum +
      stage.trap * primitives.trap +
      stage.instruction * primitives.instruction +
      stage.word * primitives.word,
    0,
  );
  expect(spent).toBe(counted);
  const wordsOf = (what: string): number => stages.find((stage) => stage.what === what)?.word ?? 0;
  expect(wordsOf("every register saved")).toBeGreaterThan(32);
  expect(wordsOf("every register restored")).toBe(wordsOf("every register saved"));
  expect(wordsOf("arguments copied in")).toBeGreaterThan(8);
});

test("an argument outside the caller's memory, or a call that is not there, is refused", () => {
  const { model } = makeModel();
  expect(() => model.call(150)).toThrow("no such call");
  const { model: other } = makeModel();
  other.registers[29] = 4090;
  expect(() => other.call(GETPID)).toThrow("outside");
});
