/** What an environment and its network stack hold, by the tables that everybody may read. */
import type { Stack } from "@exolith/libos-exos";
import type { Booted } from "../../src/board/environments.ts";

const rows = (count: number, holds: (row: number) => boolean): number => {
  let sum = 0;
  for (let row = 0; row < count; row++) if (holds(row)) sum += 1;
  return sum;
};

/** What an environment holds, from the published tables of its kernel. */
export function heldBy({ kernel: { root }, environment }: Booted): Readonly<Record<string, number>> {
  const row = environment & 0xffff;
  const sumOf = (column: (frame: number) => number): number => {
    let sum = 0;
    for (let f = 0; f < root.frames.count; f++) if (root.frames.owner(f) === environment) sum += column(f);
    return sum;
  };
  return {
    alive: root.environments.id(row) === environment ? 1 : 0,
    frames: rows(root.frames.count, (f) => root.frames.owner(f) === environment),
    framesCounted: root.environments.id(row) === environment ? root.environments.frames(row) : 0,
    framesFree: root.frames.free(),
    bindings: sumOf((f) => root.frames.bindings(f)),
    pins: sumOf((f) => root.frames.pins(f)),
    slices: rows(root.slices.count, (s) => root.slices.owner(s) === environment),
    rings: rows(root.rings.count, (r) => root.rings.owner(r) === environment),
    filters: rows(root.filters.count, (f) => root.filters.owner(f) === environment),
    transmits: rows(root.transmits.count, (t) => root.transmits.user(t) === environment),
    extents: rows(root.extents.count, (e) => root.extents.owner(e) === environment),
    transfers: rows(root.extents.count, (e) => root.extents.transfers(e) > 0),
    streams: rows(root.streams.count, (s) => root.streams.owner(s) === environment),
  };
}

/** What a network stack has in use. */
export const usedIn = ({ tcp, pool, memory }: Stack): Readonly<Record<string, number>> => ({
  connections: tcp.use.connections(),
  halfOpen: tcp.use.halfOpen(),
  timeWaits: tcp.use.timeWaits(),
  timers: tcp.use.timers(),
  poolHeld: pool.held,
  poolRuns: pool.runs,
  receiveBuffersFree: memory.free(),
});
