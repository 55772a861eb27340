/** The published tables in words, for a board's `--tables` and `--calls`. What any environment may read, and no more. */
import { CALLS } from "../abi/calls.ts";
import type { Gate } from "../abi/gate.ts";
import { rowOf } from "../abi/ids.ts";
import { RESOURCE_KINDS } from "../abi/resources.ts";

/** A column: its head, and its cell for a row. */
type Column = readonly [head: string, cell: (row: number) => string | number];

const who = (id: number): string => (id === 0 ? "-" : `${rowOf(id)}`);

/** Columns in line; nothing at all when there are no rows. */
function grid(title: string, columns: readonly Column[], rows: readonly number[]): string[] {
  if (rows.length === 0) return [];
  const cells = [
    columns.map(([head]) => head),
    ...rows.map((row) => columns.map(([, cell]) => `${cell(row)}`)),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((each) => each[i]?.length ?? 0)));
  const shown = cells.map((each) =>
    each
      .map((cell, i) => cell.padStart(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [title, ...shown.map((each) => `  ${each}`), ""];
}

/** The rows of a table that somebody holds. */
const held = (count: number, owner: (row: number) => number): number[] =>
  Array.from({ length: count }, (_, row) => row).filter((row) => owner(row) !== 0);

const all = (count: number): number[] => Array.from({ length: count }, (_, row) => row);

function environmentLines(gate: Gate): string[] {
  const { environments, guards, clock } = gate;
  const seconds = (cycles: number): string => (cycles / clock.hertz).toFixed(6);
  const nameOf = (row: number): string =>
    guards.name(RESOURCE_KINDS.environment, environments.id(row), 0) || "root";
  const columns: readonly Column[] = [
    ["row", (row) => row],
    ["guard", nameOf],
    ["parent", (row) => who(environments.parent(row))],
    ["runs", environments.runnable],
    ["slices", environments.slicesBegun],
    ["seconds", (row) => seconds(environments.cyclesUsed(row))],
    ["frames", environments.frames],
    ["regions", environments.regions],
    ["pages", environments.translations],
    ["calls", environments.calls],
    ["events", environments.events],
    ["faults", environments.faults],
    ["excess", environments.excess],
    ["forfeited", environments.forfeited],
    ["handlers", environments.handlerCycles],
    ["tag", environments.tag],
    ["allows", environments.allows],
    ["kept by", (row) => who(environments.keptBy(row))],
    ["asid", environments.asid],
  ];
  return grid("Environments", columns, held(environments.count, environments.id));
}

function processorLines({ slices }: Gate): string[] {
  const positions = new Map<number, number[]>();
  for (const index of held(slices.count, slices.owner)) {
    const owner = slices.owner(index);
    positions.set(owner, [...(positions.get(owner) ?? []), index]);
  }
  const rows = [...positions].map(([owner, indices]) => `  environment ${who(owner)}: ${indices.join(" ")}`);
  return [
    `Slices (${slices.count}, of ${slices.quantum()} cycles; ${slices.current()} ran last)`,
    ...rows,
    "",
  ];
}

function memoryLines({ frames, system, regions }: Gate): string[] {
  const count = (is: (frame: number) => number): number =>
    all(frames.count).filter((f) => is(f) !== 0).length;
  const columns: readonly Column[] = [
    ["row", (row) => row],
    ["owner", (row) => who(regions.owner(row))],
    ["frame", regions.frame],
    ["at", regions.at],
    ["bytes", regions.length],
  ];
  return [
    `Frames (${frames.count})`,
    `  ${frames.free()} free, ${count(frames.bindings)} bound, ${count(frames.pins)} pinned, ` +
      `${count(frames.guaranteed)} guaranteed; the system frame is ${system.frame}`,
    "",
    ...grid("Regions", columns, held(regions.count, regions.owner)),
  ];
}

const ROW: Column = ["row", (each) => each];
const ownerBy = (of: (each: number) => number): Column => ["owner", (each) => who(of(each))];

function networkLines({ rings, filters, nics }: Gate): string[] {
  return [
    ...grid(
      "Network interfaces",
      [
        ["interface", (nic) => nic],
        ["received", nics.received],
        ["transmitted", nics.transmitted],
        ["dropped", nics.receiveDropped],
        ["unclaimed", filters.unclaimed],
        ["atoms", filters.atoms],
      ],
      all(nics.count),
    ),
    ...grid(
      "Packet rings",
      [
        ROW,
        ownerBy(rings.owner),
        ["slots", rings.slots],
        ["next", rings.next],
        ["delivered", rings.delivered],
        ["dropped", rings.dropped],
      ],
      held(rings.count, rings.owner),
    ),
    ...grid(
      "Filters",
      [
        ROW,
        ownerBy(filters.owner),
        ["ring", (each) => rowOf(filters.ring(each))],
        ["matched", filters.matched],
      ],
      held(filters.count, filters.owner),
    ),
  ];
}

function handlerLines({ handlers }: Gate): string[] {
  return grid(
    "Handlers",
    [
      ROW,
      ownerBy(handlers.owner),
      ["filter", (each) => rowOf(handlers.filter(each))],
      ["first", handlers.first],
      ["frames", handlers.frames],
      ["consumed", handlers.consumed],
      ["deferred", handlers.deferred],
      ["aborted", handlers.aborted],
      ["skipped", handlers.skipped],
      ["sent", handlers.sent],
      ["refused", handlers.refused],
      ["fuel", handlers.fuel],
    ],
    held(handlers.count, handlers.owner),
  );
}

function programLines({ programs }: Gate): string[] {
  return grid(
    "Programs",
    [
      ROW,
      ownerBy(programs.owner),
      ["fuel", programs.fuel],
      ["faults", programs.faults],
      ["calls out", programs.hostCalls],
      ["kernel calls", programs.gateCalls],
      ["suspensions", programs.suspensions],
    ],
    held(programs.count, programs.owner),
  );
}

function transmitLines({ transmits }: Gate): string[] {
  return grid(
    "Transmit bindings",
    [
      ROW,
      ownerBy(transmits.owner),
      ["user", (each) => who(transmits.user(each))],
      ["interface", transmits.nic],
      ["sent", transmits.sent],
      ["refused", transmits.refused],
    ],
    held(transmits.count, transmits.owner),
  );
}

function messageLines({ messageRings }: Gate): string[] {
  return grid(
    "Message rings",
    [
      ["row", (row) => row],
      ["owner", (row) => who(messageRings.owner(row))],
      ["slots", messageRings.slots],
      ["next", messageRings.next],
      ["delivered", messageRings.delivered],
      ["refused", messageRings.refused],
    ],
    held(messageRings.count, messageRings.owner),
  );
}

function deviceLines({ disks, extents, streams, displays, dma }: Gate): string[] {
  return [
    ...grid(
      "Disks",
      [
        ["disk", (disk) => disk],
        ["blocks", disks.blocks],
        ["arm", disks.armPosition],
      ],
      all(disks.count),
    ),
    ...grid(
      "Extents",
      [
        ["row", (row) => row],
        ["owner", (row) => who(extents.owner(row))],
        ["disk", extents.disk],
        ["first", extents.first],
        ["blocks", extents.blocks],
        ["transfers", extents.transfers],
      ],
      held(extents.count, extents.owner),
    ),
    ...grid(
      "Streams",
      [
        ["row", (row) => row],
        ["owner", (row) => who(streams.owner(row))],
        ["state", streams.state],
      ],
      held(streams.count, streams.owner),
    ),
    ...grid(
      "Displays",
      [
        ["display", (display) => display],
        ["width", displays.width],
        ["height", displays.height],
        ["tile", displays.tile],
        ["ignored", displays.ignored],
      ],
      all(displays.count),
    ),
    `DMA: ${dma.pending()} pending, ${dma.done()} done, ${dma.cancelled()} cancelled`,
    "",
  ];
}

function revocationLines({ revocations, environments }: Gate): string[] {
  const wanted = held(environments.count, environments.id).flatMap((row) =>
    Object.entries(RESOURCE_KINDS)
      .filter(([, kind]) => revocations.wanted(row, kind) > 0)
      .map(([name, kind]) => `  environment ${row}: ${revocations.wanted(row, kind)} of kind ${name} wanted`),
  );
  return [
    `Revocation: ${revocations.asked()} asked, ${revocations.answered()} answered, ` +
      `${revocations.aborted()} aborted, ${revocations.reserve()} frames in reserve`,
    ...wanted,
  ];
}

/** The state of the published tables as `gate` reads it, one line for each row that somebody holds. O(all tables). */
export function tableLines(gate: Gate): string[] {
  const { clock, abiVersion, tableVersion } = gate;
  return [
    `Tables ${tableVersion} of interface ${abiVersion}, at ${(clock.now() / clock.hertz).toFixed(6)} s`,
    "",
    ...environmentLines(gate),
    ...processorLines(gate),
    ...memoryLines(gate),
    ...networkLines(gate),
    ...handlerLines(gate),
    ...programLines(gate),
    ...transmitLines(gate),
    ...messageLines(gate),
    ...deviceLines(gate),
    ...revocationLines(gate),
  ];
}

const CALL_NUMBERS = Object.entries(CALLS).map(([name, { number }]) => ({ name, number }));

/** The kernel calls that each environment has made, by name, most frequent first. O(environments x calls). */
export function callSummary(gate: Gate): string[] {
  const { environments } = gate;
  return held(environments.count, environments.id).flatMap((row) => {
    const made = CALL_NUMBERS.map(({ name, number }) => ({ name, count: environments.callsOf(row, number) }))
      .filter(({ count }) => count > 0)
      .toSorted((a, b) => b.count - a.count);
    return [
      `Environment ${row}: ${environments.calls(row)} calls`,
      ...made.map(({ name, count }) => `  ${String(count).padStart(10)}  ${name}`),
    ];
  });
}
