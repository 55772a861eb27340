/** Kinds of resources, for the calls that concern any of them: guards and revocation. */

/** What can be guarded, revoked and accounted for; part of the interface, never renumbered. */
export const RESOURCE_KINDS = {
  /** A page frame, named by its number. */
  frame: 1,
  /** A position of the slice vector, named by its index. */
  slice: 2,
  /** An environment, named by its id; guarded, never revoked. */
  environment: 3,
  /** A packet filter, named by its id. */
  filter: 4,
  /** A transmit binding, named by its id; guarded, never revoked. */
  transmit: 5,
  /** An extent of disk blocks, named by its id. */
  extent: 6,
  /** A software region, named by its id. */
  region: 7,
  /** A packet ring, named by its id; its owner's alone, so it has no guard of its own. */
  ring: 8,
  /** A message ring, named by its id. */
  messageRing: 9,
  /** A handler, named by its id; its owner's alone, and taken only with its filter or its frames. */
  handler: 10,
  /** A program, named by its id; its owner's alone, and taken only with its frames. */
  program: 11,
} as const;

/** A value of `RESOURCE_KINDS`. */
export type ResourceKind = (typeof RESOURCE_KINDS)[keyof typeof RESOURCE_KINDS];
