/** What each technique is for: the figure that it lessens, the part of the cycles that it spares, and where. */
import type { Techniques } from "@exolith/cheetah";
import type { Invariant } from "../kernel/shape.ts";
import { TECHNIQUES } from "../cheetah/techniques.ts";
import type { AblationTable } from "./bench-ablation.ts";
import { INTERFACES, type AblationFigures, type InterfaceName, type ShownPart } from "./measure.ts";

/** A purpose. */
export interface Purpose {
  readonly figure: Exclude<keyof AblationFigures, "parts" | "cycles" | "requests">;
  readonly part: ShownPart;
  /** Without it there is more, and at least this many times as much. */
  readonly least: number;
  /** Interfaces on which it does something; on others it makes no difference at all. */
  readonly on: readonly InterfaceName[];
}

/** Every technique; one without a purpose does not compile. */
export const PURPOSES: Readonly<Record<keyof Techniques, Purpose>> = {
  grouping: { figure: "diskRequests", part: "kernel", least: 4, on: INTERFACES },
  precomputedChecksums: { figure: "bytesSummed", part: "bytes", least: 5, on: ["plain"] },
  preformattedHeads: { figure: "headsMade", part: "HTTP", least: 1, on: INTERFACES },
  packetMerging: { figure: "packetsOut", part: "protocols", least: 1.2, on: INTERFACES },
  rememberedRequests: { figure: "requestsParsed", part: "HTTP", least: 1.4, on: INTERFACES },
  offloads: { figure: "framesOut", part: "protocols", least: 2.5, on: ["offloading"] },
};

/** The figures of one row. Throws when it was not measured. */
export function figuresOf(
  { rows }: AblationTable,
  kind: InterfaceName,
  without: keyof Techniques | undefined,
): AblationFigures {
  const found = rows.find((row) => row.kind === kind && row.without === without);
  if (found === undefined) throw new Error(`${without ?? "all techniques"} on ${kind}: not measured`);
  return found.figures;
}

/** One technique on one interface: how much there is of what it lessens. */
export interface Effect {
  readonly key: keyof Techniques;
  readonly kind: InterfaceName;
  readonly figure: Purpose["figure"];
  readonly withAll: number;
  readonly without: number;
}

/** Every technique on every interface on which it does something. */
export const effectsOf = (table: AblationTable): readonly Effect[] =>
  TECHNIQUES.flatMap(({ key }) =>
    PURPOSES[key].on.map((kind) => {
      const { figure } = PURPOSES[key];
      const [whole, lacking] = [figuresOf(table, kind, undefined), figuresOf(table, kind, key)];
      return { key, kind, figure, withAll: whole[figure], without: lacking[figure] };
    }),
  );

function checksOf(
  table: AblationTable,
  { key, kind, figure, withAll, without }: Effect,
): readonly Invariant[] {
  const { part, least } = PURPOSES[key];
  const [whole, lacking] = [figuresOf(table, kind, undefined), figuresOf(table, kind, key)];
  const what = (words: string): string => `${kind} interface, without ${key}: ${words}`;
  return [
    {
      id: "W9",
      what: what(`${figure} from ${withAll} to ${without}, at least ${least} times`),
      holds: without > withAll && without >= least * withAll,
    },
    {
      id: "W9",
      what: what(`more cycles in all, and for ${part}`),
      holds: lacking.cycles > whole.cycles && lacking.parts[part] > whole.parts[part],
    },
  ];
}

/** Where a technique has nothing to do, its row is the first row again. */
function idleOf(table: AblationTable): readonly Invariant[] {
  const isSame = (key: keyof Techniques, kind: InterfaceName): boolean =>
    JSON.stringify(figuresOf(table, kind, key)) === JSON.stringify(figuresOf(table, kind, undefined));
  return INTERFACES.flatMap((kind) =>
    TECHNIQUES.filter(({ key }) => !PURPOSES[key].on.includes(kind)).map(({ key }) => ({
      id: "W9",
      what: `${kind} interface, without ${key}: no difference`,
      holds: isSame(key, kind),
    })),
  );
}

/** What must hold: each technique does what it is for, where it can, and the client sees no difference. */
export const checkAblation = (table: AblationTable): readonly Invariant[] => [
  ...effectsOf(table).flatMap((effect) => checksOf(table, effect)),
  ...idleOf(table),
  { id: "W9", what: "the same answers in every row, dates apart", holds: table.isSameToClients },
];
