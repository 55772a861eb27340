/**
 * What a handler may import, and what it must export.
 *
 * The name of this file is the name of the module that the functions come from.
 * A handler exports `handle(message: usize, length: usize): i32`: not 0, and the
 * message is consumed; 0, and it goes to the ring as if there were no handler.
 */

/** Adds a piece of the segment or the message to the message being built; 0, or -1 when it cannot. */
export declare function append(address: usize, length: usize): i32;

/** Ends that message; it goes out if the run consumes; 0, or -1 when there is nothing to send or no room. */
export declare function send(): i32;

/** The owner is told that something happened for it, if the run does not abort. */
export declare function wake(): void;

/** Runs a pipe from the segment or the message into the segment: the sum of its first checksum, or -1 when it cannot. */
export declare function pipe(index: u32, to: usize, from: usize, length: usize): i32;

/** The sum that the checksum at a stage of a pipe took in its last run of this message; -1 for no such stage. */
export declare function sum(index: u32, stage: u32): i32;
