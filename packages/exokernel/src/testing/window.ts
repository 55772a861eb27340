/** A live window over plain memory, for testing code that only needs windows. */
import type { Gather, Window } from "../abi/window.ts";
import { BoundWindow, GatherList } from "../memory/bound-window.ts";

const NO_COST = { charge: (): void => {} };

/** A writable window of `length` zero bytes. */
export const makeWindow = (length: number): Window =>
  new BoundWindow(
    new Uint8Array(length),
    0,
    length,
    { first: 0, count: 1, writable: true, owner: 0 },
    NO_COST,
  );

/** An empty gather list. */
export const makeGather = (): Gather => new GatherList();
