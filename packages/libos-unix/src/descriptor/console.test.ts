import { boot } from "@exolith/exokernel";
import { type Gate, capSlot, must } from "@exolith/exokernel/abi";
import { makeSimulatedMachine } from "@exolith/hw-model";
import { RIGHTS } from "@exolith/secure-bind";
import { expect, test } from "vitest";
import { openConsole } from "./console.ts";
import { DescriptorTable } from "./table.ts";
import { refuse } from "../errno.ts";

const own = capSlot(0);

/** A kernel with a console, and the gate of its first environment, which may write to it. */
function start() {
  const machine = makeSimulatedMachine();
  const { root } = boot(machine);
  return { machine, gate: root };
}

/** A window that begins with `text`. */
function windowWith(gate: Gate, text: string) {
  const window = must(gate.windowBind(must(gate.frameAllocAny(own)), 1, true, own));
  const bytes = new TextEncoder().encode(text);
  window.write(0, bytes, 0, bytes.length);
  return window;
}

test("what is written to descriptor 1 is on the machine's console", () => {
  const { machine, gate } = start();
  const table = new DescriptorTable();
  table.open(openConsole(gate, own));
  const output = table.open(openConsole(gate, own));
  expect(table.write(output, windowWith(gate, "hello, world\n"), 7, 6)).toBe(6);
  expect(machine.console.text()).toBe("world\n");
});

test("the kernel's refusals arrive as error numbers, and nothing is printed", () => {
  const { machine, gate } = start();
  const window = windowWith(gate, "x");
  const weak = must(gate.capabilityForge(own, { name: [9], rights: RIGHTS.all }));
  expect(openConsole(gate, weak).write(window, 0, 1)).toBe(refuse("notcapable"));
  expect(openConsole(gate, own).write(window, window.length, 1)).toBe(refuse("inval"));
  must(gate.windowUnbind(window));
  expect(openConsole(gate, own).write(window, 0, 1)).toBe(refuse("fault"));
  expect(machine.console.text()).toBe("");
});

test("reading the console is refused by name until the kernel exports its input", () => {
  const { gate } = start();
  expect(openConsole(gate, own).read(windowWith(gate, ""), 0, 1)).toBe(refuse("notsup"));
});
