/** `bench series`: the five web servers of SOSP'97's Figure 3, in simulated time. */
import type { Goal } from "../kernel/goals.ts";
import type { Invariant } from "../kernel/shape.ts";
import { checkTable, goalsOf } from "./shape.ts";
import { measureTable, type SeriesOptions, type SeriesTable } from "./table.ts";

/** A whole run. It names no host: none has a part in it. */
export interface SeriesBenchReport {
  readonly options: SeriesOptions;
  readonly table: SeriesTable;
  readonly invariants: readonly Invariant[];
  readonly goals: readonly Goal[];
}

/** One run. */
export function benchSeries(options: SeriesOptions, say: (line: string) => void): SeriesBenchReport {
  const table = measureTable(options, say);
  return { options, table, invariants: checkTable(table), goals: goalsOf(table) };
}
