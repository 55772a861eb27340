/** The state of the published tables as text: equal when nothing that is protected has changed. */
import type { Gate } from "../abi/gate.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";

type Column = (row: number) => number | string;

const KINDS = Object.values(RESOURCE_KINDS);

/** Columns that say who holds what. Counters of time, calls and faults are not among them. */
const columnsOf = (gate: Gate): readonly (readonly [number, readonly Column[]])[] => [
  [
    gate.frames.count,
    [
      gate.frames.owner,
      gate.frames.bindings,
      gate.frames.pins,
      gate.frames.guaranteed,
      gate.frames.translations,
    ],
  ],
  [gate.environments.count, environmentColumns(gate)],
  [gate.slices.count, [gate.slices.owner]],
  [gate.rings.count, [gate.rings.owner, gate.rings.slots, gate.rings.next]],
  [gate.filters.count, [gate.filters.owner, gate.filters.ring]],
  [gate.handlers.count, [gate.handlers.id, gate.handlers.owner, gate.handlers.filter, gate.handlers.first]],
  [gate.programs.count, [gate.programs.id, gate.programs.owner]],
  [gate.transmits.count, [gate.transmits.owner, gate.transmits.user, gate.transmits.id]],
  [gate.extents.count, [gate.extents.owner, gate.extents.first, gate.extents.blocks, gate.extents.transfers]],
  [gate.streams.count, [gate.streams.owner]],
  [gate.regions.count, [gate.regions.id, gate.regions.frame, gate.regions.at, gate.regions.length]],
  [gate.messageRings.count, [gate.messageRings.id, gate.messageRings.next, gate.messageRings.delivered]],
  [gate.capabilities.count, [gate.capabilities.rights, gate.capabilities.name]],
  [gate.repossessions.count(), [gate.repossessions.kind, gate.repossessions.what]],
  [1, [gate.translation.pageBytes, gate.translation.count]],
  [1, [gate.dma.pending, gate.revocations.asked, gate.revocations.answered, gate.revocations.aborted]],
];

const environmentColumns = ({ environments, revocations }: Gate): readonly Column[] => [
  environments.id,
  environments.parent,
  environments.frames,
  environments.regions,
  environments.translations,
  environments.allows,
  environments.keptBy,
  ...KINDS.map(
    (kind): Column =>
      (row) =>
        revocations.wanted(row, kind),
  ),
];

/** Guards of a kind, for the ids there are: entries, records in a frame, and who is let in. */
function guardState({ guards }: Gate, kind: number, ids: readonly number[]): string[] {
  return ids
    .filter((id) => guards.entries(kind, id) > 0)
    .map((id) => {
      const entries = Array.from(
        { length: 4 },
        (_, entry) => `${guards.name(kind, id, entry)}:${guards.rights(kind, id, entry)}`,
      );
      return `${kind} ${id} ${guards.list(kind, id)} ${guards.records(kind, id)} ${entries.join(" ")}`;
    });
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const guardsOf = (gate: Gate): string[] => [
  ...guardState(gate, RESOURCE_KINDS.frame, upTo(gate.frames.count)),
  ...guardState(gate, RESOURCE_KINDS.slice, upTo(gate.slices.count)),
  ...guardState(gate, RESOURCE_KINDS.environment, upTo(gate.environments.count).map(gate.environments.id)),
  ...guardState(gate, RESOURCE_KINDS.transmit, upTo(gate.transmits.count).map(gate.transmits.id)),
  ...guardState(gate, RESOURCE_KINDS.region, upTo(gate.regions.count).map(gate.regions.id)),
  ...guardState(gate, RESOURCE_KINDS.messageRing, upTo(gate.messageRings.count).map(gate.messageRings.id)),
];

function tileOwners({ displays }: Gate): number[] {
  return upTo(displays.count).flatMap((display) => {
    const side = displays.tile(display);
    const tiles = Math.ceil(displays.width(display) / side) * Math.ceil(displays.height(display) / side);
    return upTo(tiles).map((tile) => displays.owner(display, tile));
  });
}

/** Every protected column of every table, by rows in which there is anything. O(all tables). */
export function tableState(gate: Gate): string {
  const tables = columnsOf(gate).map(([count, columns]) => {
    const rows: (number | string)[][] = [];
    for (let row = 0; row < count; row++)
      if (columns.some((column) => column(row) !== 0))
        rows.push([row, ...columns.map((column) => column(row))]);
    return rows;
  });
  return JSON.stringify([tables, guardsOf(gate), tileOwners(gate)]);
}
