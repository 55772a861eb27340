/** What SOSP'97 shows of these servers, and whether it comes out here. */
import { PENTIUM_PRO_200 } from "@exolith/hw-model";
import type { Goal } from "../kernel/goals.ts";
import type { Invariant } from "../kernel/shape.ts";
import type { SeriesPoint } from "./point.ts";
import type { SeriesTable } from "./table.ts";
import { chargesOf, type WorkName } from "./work.ts";

/** Up to here a document is small. */
const SMALL_BYTES = 1024;
/** Where the links are the limit. */
const LARGE_BYTES = 102_400;
/** Cheetah's multiple of the sockets server on BSD, for small documents. */
const RATIO = 4;
/** Cheetah's idle processor with the large document. */
const IDLE = 0.3;
/** Links with this part of their capacity in use carry nothing more. */
const FULL = 0.93;
/** A processor that is idle for more than this part of the time is not what holds requests up. */
const SPARE = 0.05;

/** Pairs of which the second does at least as well, and strictly better. */
const ORDER: readonly (readonly [worse: string, better: string, isStrict: boolean])[] = [
  ["NCSA/BSD", "Socket/BSD", false],
  ["Harvest/BSD", "Socket/BSD", false],
  ["Socket/BSD", "Socket/Xok", true],
  ["Socket/Xok", "Cheetah", true],
];

/** A server's point. Throws when it was not measured. */
export function pointOf({ rows }: SeriesTable, server: string, size: number): SeriesPoint {
  const found = rows.find((row) => row.server === server)?.points.find((point) => point.size === size);
  if (found === undefined) throw new Error(`${server}, ${size} bytes: not measured`);
  return found;
}

const sizesOf = ({ rows }: SeriesTable): readonly number[] => rows[0]?.points.map(({ size }) => size) ?? [];

/** True when the links or the clients hold a point back, and its rate says nothing of its server. */
export const isHeldBack = ({ idle }: SeriesPoint): boolean => idle > SPARE;

const isOrdered = (worse: number, better: number, isStrict: boolean): boolean =>
  isStrict ? worse < better : worse <= better;

/** At one size: by what a request takes of the processor, and by the rate if the processor decides that. */
function orderAt(table: SeriesTable, size: number): readonly Invariant[] {
  return ORDER.flatMap(([worse, better, isStrict]) => {
    const [a, b] = [pointOf(table, worse, size), pointOf(table, better, size)];
    const sign = isStrict ? "<" : "<=";
    const cycles = {
      id: "W6",
      what: `${size} bytes, requests by processor time: ${worse} ${sign} ${better}`,
      holds: isOrdered(1 / a.cycles, 1 / b.cycles, isStrict),
    };
    if (isHeldBack(a)) return [cycles];
    const rate = {
      id: "W6",
      what: `${size} bytes, requests a second: ${worse} ${sign} ${better}`,
      holds: isOrdered(a.requestsPerSecond, b.requestsPerSecond, isStrict),
    };
    return [cycles, rate];
  });
}

/** What must hold whatever the host, for the sizes that were measured. */
export function checkTable(table: SeriesTable): readonly Invariant[] {
  const order = sizesOf(table).flatMap((size) => orderAt(table, size));
  if (!sizesOf(table).includes(LARGE_BYTES)) return order;
  const large = pointOf(table, "Cheetah", LARGE_BYTES);
  return [
    ...order,
    {
      id: "W6",
      what: `${LARGE_BYTES} bytes, Cheetah: links full, ${percent(large.link)} >= ${percent(FULL)}`,
      holds: large.link >= FULL,
    },
    {
      id: "W6",
      what: `${LARGE_BYTES} bytes, Cheetah: processor idle, ${percent(large.idle)} >= ${percent(IDLE)}`,
      holds: large.idle >= IDLE,
    },
  ];
}

const percent = (part: number): string => `${(part * 100).toFixed(0)} %`;

/** What Cheetah does without: sockets, and what a monolithic kernel has of its own. */
const SPARED: readonly WorkName[] = [
  "systemCall",
  "processSwitch",
  "wakeup",
  "softInterrupt",
  "buffer",
  "socketMade",
  "socketCall",
  "select",
  "selectDescriptor",
];

/** Cycles a request that a point spent on what Cheetah does without. */
export function sparedCycles({ work }: SeriesPoint): number {
  const { primitives } = PENTIUM_PRO_200;
  let sum = 0;
  for (const name of SPARED)
    for (const [primitive, units] of chargesOf(name))
      sum += (work[name] ?? 0) * units * primitives[primitive];
  return sum;
}

/** How many times as large every count of `SPARED` would have to be for Cheetah to take a `RATIO`-th of the processor. */
function multiple(sockets: SeriesPoint, cheetah: SeriesPoint): number {
  const spared = sparedCycles(sockets);
  return (RATIO * cheetah.cycles - (sockets.cycles - spared)) / spared;
}

/** The paper's factor; not an invariant, because it is not reached. */
export const goalsOf = (table: SeriesTable): readonly Goal[] =>
  sizesOf(table)
    .filter((size) => size <= SMALL_BYTES)
    .map((size) => {
      const cheetah = pointOf(table, "Cheetah", size);
      const sockets = pointOf(table, "Socket/BSD", size);
      const rate = cheetah.requestsPerSecond / sockets.requestsPerSecond;
      const time = sockets.cycles / cheetah.cycles;
      return {
        what: `${size} bytes: Cheetah >= ${RATIO}x Socket/BSD`,
        measured:
          `${rate.toFixed(2)}x, by processor time ${time.toFixed(2)}x; ` +
          `${RATIO}x if what it does without took ${multiple(sockets, cheetah).toFixed(1)} times as much`,
        reached: rate >= RATIO,
      };
    });
