/** Who waits for what: the rows of connections in lists, and the list of those that may go on. */
import { IndexLists } from "./index-lists.ts";

/** Lists of waiting rows; a row waits for one thing at a time. */
export interface WaitLists {
  readonly lists: IndexLists;
  /** Rows that may go on. */
  readonly runnable: number;
  /** Rows that wait for room for a response head. */
  readonly heads: number;
  /** Rows that wait for a chunk that nobody holds, and whose clients have taken something before. */
  readonly free: number;
  /** The same of newcomers, whose clients have taken nothing yet. */
  readonly freeNewcomers: number;
  /** Rows that wait for the contents of chunk `n`: list `chunk + n`. */
  readonly chunk: number;
}

/** Lists for `rows` connections and `chunks` chunks. */
export const makeWaitLists = (rows: number, chunks: number): WaitLists => ({
  lists: new IndexLists(rows, 4 + chunks),
  runnable: 0,
  heads: 1,
  free: 2,
  freeNewcomers: 3,
  chunk: 4,
});

/** Rows that wait for a chunk that nobody holds. O(1). */
export const awaitingAny = ({ lists, free, freeNewcomers }: WaitLists): number =>
  lists.count(free) + lists.count(freeNewcomers);
