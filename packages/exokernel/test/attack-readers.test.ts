/** What a hostile environment may try with the published tables. */
import { makeSimulatedMachine, MODERN_3GHZ, makeLoopback } from "@exolith/hw-model";
import { expect, test } from "vitest";
import { SYSTEM_WORDS, WELL_KNOWN_SLOT, capSlot, frame, must, type Gate } from "../src/abi/index.ts";
import { boot } from "../src/index.ts";
import { makeRig, placeEnvironment, tableState } from "../src/testing/index.ts";

const own = capSlot(0);

const NAMES = [
  "buffer",
  "constructor",
  "__proto__",
  "length",
  "map",
  "byteOffset",
  "subarray",
  Symbol.iterator,
];
const TABLES = Object.keys({
  system: 0,
  clock: 0,
  capabilities: 0,
  guards: 0,
  environments: 0,
  slices: 0,
  frames: 0,
  regions: 0,
  rings: 0,
  messageRings: 0,
  filters: 0,
  handlers: 0,
  transmits: 0,
  extents: 0,
  streams: 0,
  nics: 0,
  disks: 0,
  displays: 0,
  dma: 0,
  revocations: 0,
  repossessions: 0,
  programs: 0,
  translation: 0,
}) as (keyof Gate)[];

function machineWithEverything(): Gate {
  const { hertz } = MODERN_3GHZ;
  const machine = makeSimulatedMachine({
    frames: 64,
    nics: [makeLoopback({ ends: [{ hertz }, { hertz }] })],
    disks: [{ blocks: 16 }],
    streams: 1,
    displays: [{ width: 32, height: 32 }],
  });
  const { root } = boot(machine);
  return placeEnvironment(root, [1, 1]);
}

/** Every tuple of `count` arguments from numbers that name something and names that lead elsewhere. */
function* tuples(count: number): Generator<unknown[]> {
  if (count === 0) yield [];
  else for (const first of [0, 1, ...NAMES]) for (const rest of tuples(count - 1)) yield [first, ...rest];
}

test("no reader gives anything but numbers and text, whatever it is asked for", () => {
  const gate = machineWithEverything();
  expect(
    Object.keys(gate)
      .filter((key) => typeof gate[key as keyof Gate] === "object")
      .toSorted(),
  ).toEqual(TABLES.toSorted());
  let asked = 0;
  for (const table of TABLES)
    for (const [name, reader] of Object.entries(gate[table])) {
      if (typeof reader !== "function") continue;
      const { length } = reader as { length: number };
      for (const args of tuples(length)) {
        const got: unknown = (reader as (...values: unknown[]) => unknown)(...args);
        expect([table, name, ["number", "string"].includes(typeof got)]).toEqual([table, name, true]);
        asked += 1;
      }
    }
  expect(asked).toBeGreaterThan(1000);
});

test("nobody frees a frame of another by writing into a column", () => {
  const rig = makeRig(64);
  const attacker = rig.environment([1]);
  const victim = rig.environment([2]);
  must(victim.framesAlloc(frame(3), 1, own));
  const before = tableState(rig.root);
  for (const column of [attacker.frames.owner, attacker.frames.pins, attacker.slices.owner]) {
    const leaked: unknown = column("buffer" as never);
    expect(leaked).toBe(0);
  }
  expect(tableState(rig.root)).toBe(before);
});

test("a predicate over the system frame wakes although the last step was before the change", () => {
  const rig = makeRig(64);
  const other = rig.environment([2]);
  let woken = 0;
  rig.environment([1], {
    slices: [0],
    upcalls: (gate) => {
      const window = must(gate.windowBind(gate.system.frame, 1, false, WELL_KNOWN_SLOT));
      const term = { window, at: SYSTEM_WORDS.environments, comparison: "less", value: 3 } as const;
      return {
        sliceBegin: () => {
          woken += 1;
          must(gate.predicateWait([{ tag: 1, terms: [term] }]));
        },
      };
    },
  });
  rig.run(3);
  expect(woken).toBe(1);
  must(rig.root.environmentDestroy(other.self, own));
  expect(rig.kernel.wakeAt()).toBeLessThanOrEqual(rig.machine.clock.now());
});
