/**
 * 02: own a frame.
 *
 * Frames are claimed by number, guarded by a capability, touched through
 * windows, and come to the next owner empty. The windows die with the binding.
 */
import { capSlot, failed, frame, must, type Gate, type Program } from "@exolith/exokernel/abi";
import { makeSingle } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const SEVEN = frame(7);

const outcome = (result: unknown): string =>
  failed(result) ? `refused: ${(result as { name: string }).name}` : "done";

/** A program without a slice never runs; it hands its gate to us, who play it from here. */
function player(take: (gate: Gate) => void): Program {
  return (gate) => {
    take(gate);
    return { sliceBegin: () => {} };
  };
}

const options = readOptions();
const { add, finish } = makeSingle(options);
const gates: Gate[] = [];
for (const name of [1, 2]) add({ name: [1, name], grants: [], program: player((gate) => gates.push(gate)) });
const [alice, bob] = gates as [Gate, Gate];

console.log("Alice claims frame 7:         ", outcome(alice.framesAlloc(SEVEN, 1, own)));
console.log("Bob claims it too:            ", outcome(bob.framesAlloc(SEVEN, 1, own)));
console.log(
  "Its owner, as anybody reads:  ",
  bob.frames.owner(SEVEN) === alice.self ? "Alice" : "somebody else",
);

const window = must(alice.windowBind(SEVEN, 1, true, own));
window.setU32(0, 0xc0ffee);
console.log("Alice writes and reads:       ", window.getU32(0).toString(16));

console.log("Bob binds a window on it:     ", outcome(bob.windowBind(SEVEN, 1, true, own)));
const wanted = { name: [1, 1], rights: 7 };
console.log("Bob forges Alice's capability:", outcome(bob.capabilityForge(own, wanted)));
console.log("Bob frees it:                 ", outcome(bob.framesFree(SEVEN, 1, own)));

console.log("Alice frees it:               ", outcome(alice.framesFree(SEVEN, 1, own)));
try {
  window.getU32(0);
} catch (error) {
  console.log("Alice reads once more:        ", (error as Error).name);
}

must(bob.framesAlloc(SEVEN, 1, own));
const fresh = must(bob.windowBind(SEVEN, 1, true, own));
console.log("Bob claims it and reads:      ", fresh.getU32(0).toString(16));
finish();
