/** Listening ports, and the bounded queue of half-open connections behind each. */
import type { Connection, ConnectionHandler } from "./application.ts";
import type { ControlBlock } from "./control-block.ts";

/** Makes the handler of a connection whose handshake is done; `opened` of it is called next. */
export type MakeHandler = (connection: Connection) => ConnectionHandler;

/** A listening port. */
export interface Listener {
  readonly port: number;
  readonly makeHandler: MakeHandler;
  /** Half-open connections it may have. */
  readonly backlog: number;
  halfOpen: number;
  oldest: ControlBlock | undefined;
  newest: ControlBlock | undefined;
}

/** A listener with nothing behind it. */
export const makeListener = (port: number, makeHandler: MakeHandler, backlog: number): Listener => ({
  port,
  makeHandler,
  backlog,
  halfOpen: 0,
  oldest: undefined,
  newest: undefined,
});

/** Counts `block` among the half-open ones, as the newest. O(1). */
export function joinHalfOpen(listener: Listener, block: ControlBlock): void {
  block.listener = listener;
  block.older = listener.newest;
  block.newer = undefined;
  if (listener.newest === undefined) listener.oldest = block;
  else listener.newest.newer = block;
  listener.newest = block;
  listener.halfOpen += 1;
}

/** `block` is no longer half-open. O(1). */
export function leaveHalfOpen(block: ControlBlock): void {
  const { listener, older, newer } = block;
  if (listener === undefined) return;
  if (older === undefined) listener.oldest = newer;
  else older.newer = newer;
  if (newer === undefined) listener.newest = older;
  else newer.older = older;
  listener.halfOpen -= 1;
  block.listener = undefined;
  block.older = undefined;
  block.newer = undefined;
}
