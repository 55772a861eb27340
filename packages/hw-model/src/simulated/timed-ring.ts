/** A bounded queue of numbers in order of time, without allocation. */

/** Numbers and their times, earliest first; of equal times, the first inserted comes first. */
export interface TimedRing {
  /** Inserts `item` at `time`; O(1) in order, else O(items overtaken). The caller keeps to the capacity. */
  insert(item: number, time: number): void;
  /** Removes the earliest item and returns it; -1 when there is none. O(1). */
  shift(): number;
  /** The time of the earliest item, `Infinity` when there is none. O(1). */
  firstTime(): number;
  /** Items held. O(1). */
  size(): number;
}

/** An empty ring for `capacity` items. */
export function makeTimedRing(capacity: number): TimedRing {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(1, capacity)));
  const mask = slots - 1;
  const items = new Int32Array(slots);
  const times = new Float64Array(slots);
  let head = 0;
  let size = 0;
  const insert = (item: number, time: number): void => {
    let at = (head + size) & mask;
    size++;
    for (let before = (at - 1) & mask; at !== head && (times[before] ?? 0) > time; before = (at - 1) & mask) {
      items[at] = items[before] ?? 0;
      times[at] = times[before] ?? 0;
      at = before;
    }
    items[at] = item;
    times[at] = time;
  };
  const shift = (): number => {
    if (size === 0) return -1;
    const item = items[head] ?? -1;
    head = (head + 1) & mask;
    size--;
    return item;
  };
  return {
    insert,
    shift,
    firstTime: () => (size === 0 ? Infinity : (times[head] ?? Infinity)),
    size: () => size,
  };
}
