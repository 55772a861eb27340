import { boot } from "@exolith/exokernel";
import { type Gate, capSlot, must } from "@exolith/exokernel/abi";
import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { openConsole } from "./console.ts";
import { refuse } from "../errno.ts";

const own = capSlot(0);

/** A kernel with a console, and the gate of its first environment, which may write to it. */
function start() {
  const machine = makeSimulatedMachine();
  const { root } = boot(machine);
  return { machine, gate: root, window: makeWindow(root) };
}

const makeWindow = (gate: Gate) => must(gate.windowBind(must(gate.frameAllocAny(own)), 1, true, own));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("what is written is on the machine's console", () => {
  const { machine, gate, window } = start();
  const output = openConsole(gate, own, window);
  expect(output.write(bytes("hello, world\n"), 7, 6)).toBe(6);
  expect(output.write(bytes(""), 0, 0)).toBe(0);
  expect(machine.console.text()).toBe("world\n");
});

test("more than the window holds is written as far as it goes", () => {
  const { machine, gate, window } = start();
  const long = "x".repeat(window.length + 5);
  const taken = openConsole(gate, own, window).write(bytes(long), 0, long.length);
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThanOrEqual(window.length);
  expect(machine.console.text()).toBe("x".repeat(taken));
  expect(openConsole(gate, own, window).writable()).toBe(window.length);
});

test("the kernel's refusals arrive as error numbers, and nothing is printed", () => {
  const { machine, gate, window } = start();
  const weak = must(gate.capabilityForge(own, { name: [9], rights: RIGHTS.all }));
  expect(openConsole(gate, weak, window).write(bytes("x"), 0, 1)).toBe(refuse("notcapable"));
  must(gate.windowUnbind(window));
  expect(openConsole(gate, own, window).write(bytes("x"), 0, 1)).toBe(refuse("io"));
  expect(openConsole(gate, own, window).writable()).toBe(refuse("io"));
  expect(machine.console.text()).toBe("");
});

test("reading the console is refused by name until the kernel exports its input", () => {
  const { gate, window } = start();
  const stream = openConsole(gate, own, window);
  expect([stream.read(new Uint8Array(1), 0, 1), stream.readable()]).toEqual([
    refuse("notsup"),
    refuse("notsup"),
  ]);
});
