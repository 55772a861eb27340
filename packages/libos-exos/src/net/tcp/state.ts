/** The states of a connection and the ways between them (RFC 9293 section 3.3.2). */

/** A state, by its name in the RFC. TIME-WAIT lives in a table of its own. */
export type State =
  | "CLOSED"
  | "LISTEN"
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT";

/** Where each state may lead. Every state may also end in CLOSED: by reset, abort or timeout. */
export const TRANSITIONS: { readonly [S in State]: readonly State[] } = {
  CLOSED: ["LISTEN", "SYN-SENT"],
  LISTEN: ["SYN-RECEIVED", "SYN-SENT"],
  "SYN-SENT": ["SYN-RECEIVED", "ESTABLISHED"],
  "SYN-RECEIVED": ["ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT"],
  ESTABLISHED: ["FIN-WAIT-1", "CLOSE-WAIT"],
  "FIN-WAIT-1": ["FIN-WAIT-2", "CLOSING", "TIME-WAIT"],
  "FIN-WAIT-2": ["TIME-WAIT"],
  "CLOSE-WAIT": ["LAST-ACK"],
  CLOSING: ["TIME-WAIT"],
  "LAST-ACK": [],
  "TIME-WAIT": [],
};

/** True when a connection may go from `from` to `to`. */
export const mayEnter = (from: State, to: State): boolean =>
  to === "CLOSED" || TRANSITIONS[from].includes(to);

/** True in the states in which the peer may still send bytes. */
export const mayReceive = (state: State): boolean =>
  state === "ESTABLISHED" || state === "FIN-WAIT-1" || state === "FIN-WAIT-2";

/** True in the states in which the application may still queue bytes. */
export const maySend = (state: State): boolean =>
  state === "ESTABLISHED" || state === "CLOSE-WAIT" || state === "SYN-SENT" || state === "SYN-RECEIVED";

/** The states of a handshake: SYN is not acknowledged. */
export const SYN_STATES: readonly State[] = ["SYN-SENT", "SYN-RECEIVED"];

/** True once the peer's FIN has come in order: it has said all it had to say. */
export const hasPeerEnded = (state: State): boolean =>
  state === "CLOSE-WAIT" || state === "CLOSING" || state === "LAST-ACK" || state === "TIME-WAIT";

/** True while our FIN is queued or sent, and not acknowledged. */
export const owesFin = (state: State): boolean =>
  state === "FIN-WAIT-1" || state === "CLOSING" || state === "LAST-ACK";
