/** The table: five servers, five sizes. */
import { PENTIUM_PRO_200 } from "@exolith/hw-model";
import { SIZES } from "./documents.ts";
import { measurePoint, type SeriesPoint } from "./point.ts";
import { SERVERS } from "./servers.ts";

/** How it is measured. */
export interface SeriesOptions {
  /** Clients on each of the three links. */
  readonly clients: number;
  /** Answers that every client gets, on the average. */
  readonly rounds: number;
  readonly seed: number;
  /** Bytes of the documents; those of the figure when absent. */
  readonly sizes?: readonly number[];
}

/** One server's row. */
export interface SeriesRow {
  readonly server: string;
  readonly points: readonly SeriesPoint[];
}

/** All of them, in the figure's order. */
export interface SeriesTable {
  readonly machine: string;
  readonly rows: readonly SeriesRow[];
}

/** Measures the table. Deterministic. */
export function measureTable(options: SeriesOptions, say: (line: string) => void = () => {}): SeriesTable {
  const { clients, rounds, seed, sizes = SIZES } = options;
  const rows = SERVERS.map((server): SeriesRow => {
    const points = sizes.map((size) => {
      say(`${server.name}, ${size} bytes`);
      return measurePoint({ profile: PENTIUM_PRO_200, server, size, clients, rounds, seed });
    });
    return { server: server.name, points };
  });
  return { machine: PENTIUM_PRO_200.name, rows };
}
