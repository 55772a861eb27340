/** Translation buffers: of few entries, which the oldest leaves first, or of as many as there are pages. */
import { ENTRY_BYTES, tableBytes } from "../processor.ts";
import type { PhysicalMemory } from "../memory.ts";
import type {
  TranslationBuffer,
  TranslationCounters,
  TranslationHardware,
  TranslationTables,
} from "../translation-buffer.ts";

/** A buffer that never misses what was written to it: the tables themselves. */
export const WHOLE_TABLES: TranslationHardware = { entries: Infinity, refill: "hardware" };
/** The R3000 of the DECstations: 64 entries, which the kernel fills (SOSP'95 section 5.4). */
export const R3000_TRANSLATION: TranslationHardware = { entries: 64, refill: "software" };
/** The Pentium Pro: 64 entries for data, filled by a walk of the page tables. */
export const PENTIUM_PRO_TRANSLATION: TranslationHardware = { entries: 64, refill: "hardware" };

/** An access needs at most a few pages at once: with fewer entries it would never have all. */
const ENTRIES_MIN = 8;

/** What is in no place. */
const NOWHERE = -1;

/** The places of a buffer with few entries, in a ring: the oldest is overwritten. One without tables is empty. */
interface Places {
  readonly asids: Int32Array;
  readonly pages: Int32Array;
  readonly tables: (TranslationTables | undefined)[];
  next: number;
}

const makePlaces = (entries: number): Places => ({
  asids: new Int32Array(entries),
  pages: new Int32Array(entries),
  tables: new Array<TranslationTables | undefined>(entries).fill(undefined),
  next: 0,
});

const find = (places: Places, base: number, page: number): number => {
  for (let i = 0; i < places.asids.length; i++)
    if (places.tables[i]?.base === base && places.pages[i] === page) return i;
  return NOWHERE;
};

/** A translation buffer over the tables in `memory`. Throws a `RangeError` for fewer than 8 entries. */
export function makeTranslationBuffer(
  { view }: Pick<PhysicalMemory, "view">,
  { entries, refill }: TranslationHardware = WHOLE_TABLES,
): TranslationBuffer {
  const isWhole = entries === Infinity;
  if (!isWhole && !(Number.isInteger(entries) && entries >= ENTRIES_MIN))
    throw new RangeError(`a translation buffer has at least ${ENTRIES_MIN} entries`);
  const places = isWhole ? undefined : makePlaces(entries);
  const counters: TranslationCounters = { written: 0, displaced: 0, flushed: 0 };
  const set = ({ base, bits }: TranslationTables, page: number, read: number, write: number): void => {
    const at = base + page * ENTRY_BYTES;
    view.setUint32(at, read, true);
    view.setUint32(at + tableBytes(bits), write, true);
  };
  const drop = (held: Places, place: number): void => {
    const tables = held.tables[place];
    if (tables !== undefined) set(tables, held.pages[place] ?? 0, 0, 0);
    held.tables[place] = undefined;
  };
  const enter = (held: Places, asid: number, tables: TranslationTables, page: number): void => {
    let place = find(held, tables.base, page);
    if (place === NOWHERE) {
      place = held.next;
      held.next = (place + 1) % entries;
      if (held.tables[place] !== undefined) counters.displaced += 1;
      drop(held, place);
    }
    held.asids[place] = asid;
    held.pages[place] = page;
    held.tables[place] = tables;
  };
  return Object.freeze({
    hardware: Object.freeze({ entries, refill }),
    counters,
    write: (asid: number, tables: TranslationTables, page: number, physical: number, isWritable: boolean) => {
      if (!(asid >= 0)) throw new RangeError("an entry has the id of an address space");
      counters.written += 1;
      if (places !== undefined) enter(places, asid, tables, page);
      set(tables, page, physical, isWritable ? physical : 0);
    },
    invalidate: (tables: TranslationTables, page: number) => {
      if (places === undefined) return set(tables, page, 0, 0);
      const place = find(places, tables.base, page);
      if (place !== NOWHERE) drop(places, place);
    },
    flush: (asid: number) => {
      if (places === undefined) return;
      for (let i = 0; i < entries; i++)
        if (places.tables[i] !== undefined && places.asids[i] === asid) {
          counters.flushed += 1;
          drop(places, i);
        }
    },
  });
}
