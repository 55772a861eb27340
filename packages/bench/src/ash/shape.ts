/** S9: with a handler the round trip does not depend on who else runs, without one it does. */
import type { Invariant } from "../kernel/shape.ts";
import type { Series } from "./series.ts";

/** Largest figure against the smallest, over the numbers of environments. */
const FLAT = 1.1;
/** Environments up to which that goes for the mean too, as in the paper's figure. */
const FEW = 10;
/** Distance of a point from the line, as a part of the point. */
const STRAIGHT = 0.05;
/** Slope of the line, in round trips with nobody else about. */
const SLOPE = { least: 0.9, most: 1.3 };

/** Largest against the smallest. */
const spread = (figures: readonly number[]): number => Math.max(...figures) / Math.min(...figures);

/** How far the round trips with a handler differ between the numbers of environments: medians, and means of few. */
export const spreadOf = ({ handler }: Pick<Series, "handler">): { medians: number; means: number } => ({
  medians: spread(handler.map(({ median }) => median)),
  means: spread(handler.filter(({ busy }) => busy <= FEW).map(({ mean }) => mean)),
});

/** How much later than idle an answer is on the average, at most, where each has a share that does for it; microseconds. */
export const latenessOf = ({ idle, handler }: Pick<Series, "idle" | "handler">): number =>
  Math.max(...handler.filter(({ busy }) => busy <= FEW).map(({ mean }) => mean)) - idle.handler.mean;

/** What must hold in a setting, whatever the host. */
export function checkSeries(series: Series): readonly Invariant[] {
  const { machine, line, idle, ring, handler, work } = series;
  const late = latenessOf(series);
  const { medians, means } = spreadOf(series);
  const slope = line.slope / idle.ring.mean;
  const rising = ring.every((one, i) => i === 0 || one.mean >= (ring[i - 1]?.mean ?? 0) * (1 - STRAIGHT));
  const slower = ring.every((one, i) => one.mean > (handler[i]?.mean ?? Infinity));
  const about = `${machine}: `;
  return [
    {
      id: "S9",
      what: `${about}with a handler flat: medians differ ${medians.toFixed(3)}-fold <= ${FLAT}`,
      holds: medians <= FLAT,
    },
    {
      id: "S9",
      what: `${about}with a handler flat: means up to ${FEW} differ ${means.toFixed(3)}-fold <= ${FLAT}`,
      holds: means <= FLAT,
    },
    {
      id: "S9",
      what: `${about}with a handler no later than the slice that runs: ${late.toFixed(1)} µs <= ${work.toFixed(1)} µs`,
      holds: late <= work,
    },
    {
      id: "S9",
      what: `${about}without, linear from 2 on: off the line by ${(line.worst * 100).toFixed(2)} % <= ${STRAIGHT * 100} %`,
      holds: line.worst <= STRAIGHT && rising,
    },
    {
      id: "S9",
      what: `${about}without, an environment adds ${slope.toFixed(2)} idle round trips, ${SLOPE.least} to ${SLOPE.most}`,
      holds: slope >= SLOPE.least && slope <= SLOPE.most,
    },
    { id: "S9", what: `${about}without, slower than with a handler at every number`, holds: slower },
  ];
}
