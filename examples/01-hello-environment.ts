/**
 * 01: an environment that says hello.
 *
 * An environment begins with nothing but a capability for its own name. What
 * else it may touch, its creator grants: here, the console.
 */
import { deviceCapability } from "@exolith/exokernel";
import { NEVER, capSlot, must, rowOf, sliceIndex, type Program, type Window } from "@exolith/exokernel/abi";
import { RIGHTS } from "@exolith/secure-bind";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const terminal = capSlot(1);

/** Writes a line to the console, from memory of its own. */
function say(memory: Window, text: string, print: (length: number) => void): void {
  const bytes = new TextEncoder().encode(`${text}\n`);
  memory.write(0, bytes, 0, bytes.length);
  print(bytes.length);
}

/** Started once with its gate, it returns its entry points; it runs when a slice of its own comes round. */
const hello: Program = (gate) => {
  must(gate.sliceAlloc(sliceIndex(0), own));
  const frame = must(gate.frameAllocAny(own));
  const memory = must(gate.windowBind(frame, 1, true, own));
  return {
    sliceBegin: () => {
      const print = (length: number): void => void must(gate.consoleWrite(memory, 0, length, terminal));
      say(
        memory,
        `Hello. I am environment ${rowOf(gate.self)}, and my name is ${gate.capabilities.name(0)}.`,
        print,
      );
      say(
        memory,
        `I hold ${gate.environments.frames(rowOf(gate.self))} frame; ${gate.frames.free()} are free.`,
        print,
      );
      gate.sleep(gate.environments.events(rowOf(gate.self)), NEVER);
    },
  };
};

const options = readOptions();
const { add, run, finish, machine } = makeSingle(options);
add({ name: [1, 1], grants: [deviceCapability("console", 0, RIGHTS.write)], program: hello });
run();
process.stdout.write(machine.console.text());
finish();
