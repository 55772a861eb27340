/**
 * 04: share the processor.
 *
 * The processor is a vector of slices, claimed by position. Positions far apart
 * mean short waits, positions in a row mean few switches: the choice is the
 * environment's, not the scheduler's.
 */
import { capSlot, must, rowOf, sliceIndex, type EnvId, type Program } from "@exolith/exokernel/abi";
import { makeSingle, milliseconds } from "./support/machines.ts";
import { readOptions } from "./support/options.ts";

const own = capSlot(0);
const QUANTUM_SECONDS = 10e-6;
/** What happened to each environment. */
interface Diary {
  readonly begun: number[];
  ended: number;
}

/** Uses every slice to its end, and notes when it began. */
const spinner =
  (positions: readonly number[], diary: Diary): Program =>
  (gate) => {
    for (const position of positions) must(gate.sliceAlloc(sliceIndex(position), own));
    return {
      sliceBegin: () => {
        const begun = gate.clock.now();
        diary.begun.push(begun);
        while (gate.clock.now() < begun + gate.slices.quantum()) gate.nullCall();
      },
      sliceEnd: () => {
        diary.ended += 1;
      },
    };
  };

const longestWait = ({ begun }: Diary): number =>
  begun.reduce((most, time, i) => Math.max(most, i === 0 ? 0 : time - (begun[i - 1] ?? 0)), 0);

const SHARES: readonly (readonly [name: string, positions: readonly number[]])[] = [
  ["spread: four positions, far apart", [0, 32, 64, 96]],
  ["block: four positions in a row", [1, 2, 3, 4]],
  ["crowd: all the others", [...Array(128).keys()].filter((i) => i > 4 && i % 32 !== 0)],
];

const options = readOptions();
const { add, run, finish, kernel } = makeSingle(options, QUANTUM_SECONDS);
const diaries = SHARES.map((): Diary => ({ begun: [], ended: 0 }));
const ids: EnvId[] = SHARES.map(([, positions], i) =>
  add({ name: [1, i + 1], grants: [], program: spinner(positions, diaries[i] as Diary) }),
);
run({ steps: 128 * 4 });

const { environments } = kernel.root;
for (const [i, [name]] of SHARES.entries()) {
  const row = rowOf(ids[i] as EnvId);
  const diary = diaries[i] as Diary;
  const { length } = diary.begun;
  console.log(name);
  console.log(`  slices begun ${environments.slicesBegun(row)}, ended ${diary.ended}, heard of ${length}`);
  console.log(
    `  processor time ${milliseconds(environments.cyclesUsed(row))}, longest wait ${milliseconds(longestWait(diary))}`,
  );
}
finish();
