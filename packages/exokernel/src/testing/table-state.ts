/** The state of the published tables as text: equal when nothing that is protected has changed. */
import type { Gate } from "../abi/gate.ts";

type Column = (row: number) => number;

/** Columns that say who holds what. Counters of time, calls and faults are not among them. */
const columnsOf = (gate: Gate): readonly (readonly [number, readonly Column[]])[] => [
  [gate.frames.count, [gate.frames.owner, gate.frames.bindings, gate.frames.pins]],
  [gate.environments.count, [gate.environments.id, gate.environments.parent, gate.environments.frames]],
  [gate.slices.count, [gate.slices.owner]],
  [gate.rings.count, [gate.rings.owner, gate.rings.slots, gate.rings.next]],
  [gate.filters.count, [gate.filters.owner, gate.filters.ring]],
  [gate.transmits.count, [gate.transmits.user, gate.transmits.id]],
  [gate.extents.count, [gate.extents.owner, gate.extents.first, gate.extents.blocks]],
  [gate.streams.count, [gate.streams.owner]],
];

/** Every protected column of every table, row by row. O(all tables). */
export function tableState(gate: Gate): string {
  const rows: number[][] = [];
  for (const [count, columns] of columnsOf(gate))
    for (let row = 0; row < count; row++) rows.push(columns.map((column) => column(row)));
  return JSON.stringify(rows);
}
