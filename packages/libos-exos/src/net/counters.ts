/** Counters: plain numbers for their one writer, read-only for everybody else. */

/** Running totals that only grow; one plain number a name. */
export type Counters = Record<string, number>;

/**
 * A frozen view of `counters`: reading a name gives the current number, and there is nothing to write.
 *
 * **Cost** one function call a read; nothing for the writer.
 */
export function publishCounters<T extends { [K in keyof T]: number }>(counters: T): Readonly<T> {
  const view = {};
  for (const name of Object.keys(counters) as (keyof T & string)[])
    Object.defineProperty(view, name, { enumerable: true, get: () => counters[name] });
  return Object.freeze(view) as Readonly<T>;
}
