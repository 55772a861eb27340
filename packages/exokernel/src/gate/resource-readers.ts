/** The published tables of guards, regions, message rings, displays, DMA and revocation. */
import { RIGHTS, printName } from "@exolith/secure-bind";
import { NEVER, type EnvId, type FrameNumber } from "../abi/ids.ts";
import type { ProgramReaders, TranslationReaders } from "../abi/program-tables.ts";
import type {
  DisplayReaders,
  DmaReaders,
  GuardReaders,
  HandlerReaders,
  MessageRingReaders,
  RegionReaders,
  RevocationReaders,
} from "../abi/tables.ts";
import { guardOf } from "../capability/guard-calls.ts";
import type { Environment } from "../environment/environment.ts";
import type { Kernel } from "../kernel.ts";
import { stillWanted } from "../revocation/holdings.ts";
import { ENTRY, frameIn, has, markIn } from "../translation/page-entry.ts";
import type { Space } from "../translation/space-table.ts";
import { columnAt, publish, rowAt } from "./publish.ts";

const NOBODY = 0 as EnvId;

/** Guards. */
export const guardReaders = (kernel: Kernel): GuardReaders =>
  publish({
    entries: (kind: number, id: number) =>
      guardOf(kernel, kind, id)?.entries.filter((entry) => entry !== undefined).length ?? 0,
    name: (kind: number, id: number, entry: number) =>
      printName(rowAt(guardOf(kernel, kind, id)?.entries ?? [], entry)?.name ?? []),
    rights: (kind: number, id: number, entry: number) =>
      rowAt(guardOf(kernel, kind, id)?.entries ?? [], entry)?.rights ?? -1,
    list: (kind: number, id: number) => guardOf(kernel, kind, id)?.list ?? -1,
    records: (kind: number, id: number) => guardOf(kernel, kind, id)?.records ?? 0,
  });

/** Software regions. */
export const regionReaders = ({ regions: { rows, ids } }: Kernel): RegionReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    id: (row: number) => (rowAt(rows, row) === undefined ? 0 : ids.idOf(row)),
    frame: (row: number) => rowAt(rows, row)?.frame ?? 0,
    at: (row: number) => rowAt(rows, row)?.at ?? 0,
    length: (row: number) => rowAt(rows, row)?.length ?? 0,
  });

/** Message rings. */
export const messageRingReaders = ({ messageRings: { rows, ids } }: Kernel): MessageRingReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    id: (row: number) => (rowAt(rows, row) === undefined ? 0 : ids.idOf(row)),
    slots: (row: number) => rowAt(rows, row)?.slots ?? 0,
    next: (row: number) => rowAt(rows, row)?.next ?? 0,
    delivered: (row: number) => rowAt(rows, row)?.delivered ?? 0,
    refused: (row: number) => rowAt(rows, row)?.refused ?? 0,
  });

/** Handlers. */
export const handlerReaders = ({ handlers: { rows, ids } }: Kernel): HandlerReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    id: (row: number) => (rowAt(rows, row) === undefined ? 0 : ids.idOf(row)),
    filter: (row: number) => rowAt(rows, row)?.filterId ?? 0,
    first: (row: number) => rowAt(rows, row)?.first ?? 0,
    frames: (row: number) => rowAt(rows, row)?.frames ?? 0,
    consumed: (row: number) => rowAt(rows, row)?.consumed ?? 0,
    deferred: (row: number) => rowAt(rows, row)?.deferred ?? 0,
    aborted: (row: number) => rowAt(rows, row)?.aborted ?? 0,
    skipped: (row: number) => rowAt(rows, row)?.skipped ?? 0,
    sent: (row: number) => rowAt(rows, row)?.sent ?? 0,
    refused: (row: number) => rowAt(rows, row)?.refused ?? 0,
    fuel: (row: number) => rowAt(rows, row)?.fuel ?? 0,
  });

/** Programs. */
export const programReaders = ({ programs: { rows, ids } }: Kernel): ProgramReaders =>
  publish({
    count: ids.rows,
    owner: (row: number) => rowAt(rows, row)?.owner.id ?? NOBODY,
    id: (row: number) => (rowAt(rows, row) === undefined ? 0 : ids.idOf(row)),
    fuel: (row: number) => rowAt(rows, row)?.fuel ?? 0,
    faults: (row: number) => rowAt(rows, row)?.faults ?? 0,
    hostCalls: (row: number) => rowAt(rows, row)?.hostCalls ?? 0,
    gateCalls: (row: number) => rowAt(rows, row)?.gateCalls ?? 0,
    suspensions: (row: number) => rowAt(rows, row)?.suspensions ?? 0,
  });

/** An environment's view of its own address space. */
export function translationReaders(kernel: Kernel, { row, id }: Environment): TranslationReaders {
  const space = (): Space | undefined =>
    kernel.environments.rows[row]?.id === id ? kernel.spaces.rows[row] : undefined;
  const entryAt = (page: number): number => columnAt(space()?.entries ?? [], page);
  const isSet = (page: number, bit: number): number =>
    has(entryAt(page), ENTRY.present) && has(entryAt(page), bit) ? 1 : 0;
  return publish({
    pageBytes: () => 2 ** (space()?.bits ?? -Infinity),
    count: () => space()?.count ?? 0,
    frame: (page: number) => (isSet(page, ENTRY.present) * frameIn(entryAt(page))) as FrameNumber,
    rights: (page: number) => {
      if (isSet(page, ENTRY.present) === 0) return -1;
      return isSet(page, ENTRY.writable) === 1 ? RIGHTS.write : RIGHTS.none;
    },
    accessed: (page: number) => isSet(page, ENTRY.accessed),
    dirty: (page: number) => isSet(page, ENTRY.dirty),
    mark: (page: number) => markIn(entryAt(page)),
    misses: () => space()?.misses ?? 0,
    refills: () => space()?.refills ?? 0,
  });
}

/** Displays. */
export const displayReaders = ({ machine: { displays } }: Kernel): DisplayReaders =>
  publish({
    count: displays.length,
    width: (display: number) => rowAt(displays, display)?.hardware.width ?? 0,
    height: (display: number) => rowAt(displays, display)?.hardware.height ?? 0,
    tile: (display: number) => rowAt(displays, display)?.hardware.tile ?? 0,
    owner: (display: number, tile: number) =>
      (typeof tile === "number" ? (rowAt(displays, display)?.owner(tile) ?? 0) : 0) as EnvId,
    ignored: (display: number) => rowAt(displays, display)?.ignored() ?? 0,
  });

/** The DMA engine. */
export const dmaReaders = ({ dma }: Kernel): DmaReaders =>
  publish({ pending: () => dma.copies.size, done: () => dma.done, cancelled: () => dma.cancelled });

/** When a demand falls due, or `NEVER`. */
const deadlineAt = (environment: Environment | undefined, kind: unknown): number =>
  rowAt(environment?.revocation.deadline ?? [], kind) ?? NEVER;

/** Revocations. */
export const revocationReaders = (kernel: Kernel): RevocationReaders => {
  const { rows } = kernel.environments;
  const { revocations } = kernel;
  const wanted = (row: number, kind: number): number => {
    const environment = rowAt(rows, row);
    return environment === undefined || typeof kind !== "number" ? 0 : stillWanted(kernel, environment, kind);
  };
  return publish({
    wanted,
    deadline: (row: number, kind: number) => deadlineAt(rowAt(rows, row), kind),
    asked: () => revocations.asked,
    answered: () => revocations.answered,
    aborted: () => revocations.aborted,
    reserve: () => kernel.reserveFrames,
  });
};
