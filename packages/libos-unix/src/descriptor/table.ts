/** The descriptor table: small integers to open things, with the rights each integer carries. */
import type { Window } from "@exolith/exokernel/abi";
import type { OpenThing } from "./open-thing.ts";
import type { Outcome } from "../errno.ts";
import { refuse } from "../errno.ts";
import type { RightSet } from "../wasi/layout.ts";
import { FDSTAT, FDSTAT_BYTES, includesRights, rights } from "../wasi/layout.ts";

/** Descriptors of one table unless told otherwise; who opens pays with an error, not with memory. */
export const DESCRIPTORS = 1024;

const READ = rights("fd_read");
const WRITE = rights("fd_write");

/**
 * Descriptors of one program.
 *
 * The lowest free integer is taken, as POSIX requires. Each descriptor's rights
 * are a subset of what its thing can do, and never grow.
 */
export class DescriptorTable {
  readonly #things: (OpenThing | undefined)[];
  readonly #rights: Uint32Array;

  constructor(size: number = DESCRIPTORS) {
    this.#things = Array.from({ length: size }, () => undefined);
    this.#rights = new Uint32Array(size);
  }

  /** Opens `thing` with at most `allowed` at the lowest free descriptor; `mfile` when there is none. O(size). */
  open(thing: OpenThing, allowed: RightSet = thing.rights): Outcome {
    const descriptor = this.#things.indexOf(undefined);
    if (descriptor < 0) return refuse("mfile");
    this.#things[descriptor] = thing;
    this.#rights[descriptor] = thing.rights & allowed;
    return descriptor;
  }

  /** Closes `descriptor` and what is behind it; `badf` when it is not open. */
  close(descriptor: number): Outcome {
    const thing = this.#things[descriptor];
    if (thing === undefined) return refuse("badf");
    this.#clear(descriptor);
    thing.close();
    return 0;
  }

  /** Moves `from` to `to`, whose thing is closed; both must be open, else `badf`. */
  renumber(from: number, to: number): Outcome {
    const moved = this.#things[from];
    const replaced = this.#things[to];
    if (moved === undefined || replaced === undefined) return refuse("badf");
    if (from === to) return 0;
    this.#things[to] = moved;
    this.#rights[to] = this.#rights[from] ?? 0;
    this.#clear(from);
    replaced.close();
    return 0;
  }

  /** Reads through `descriptor`; `badf` when it is not open, `notcapable` without `fd_read`. O(length). */
  read(descriptor: number, window: Window, at: number, length: number): Outcome {
    const thing = this.#things[descriptor];
    if (thing === undefined) return refuse("badf");
    if (!this.#may(descriptor, READ)) return refuse("notcapable");
    return thing.read(window, at, length);
  }

  /** Writes through `descriptor`; `badf` when it is not open, `notcapable` without `fd_write`. O(length). */
  write(descriptor: number, window: Window, at: number, length: number): Outcome {
    const thing = this.#things[descriptor];
    if (thing === undefined) return refuse("badf");
    if (!this.#may(descriptor, WRITE)) return refuse("notcapable");
    return thing.write(window, at, length);
  }

  /** Drops every right of `descriptor` outside `kept`; `notcapable` if `kept` has one it lacks. */
  narrow(descriptor: number, kept: RightSet): Outcome {
    if (this.#things[descriptor] === undefined) return refuse("badf");
    if (!this.#may(descriptor, kept)) return refuse("notcapable");
    this.#rights[descriptor] = kept;
    return 0;
  }

  /** Writes the `fdstat` record of `descriptor` to `window` at `at`; `badf`, or `fault` if it does not fit there. */
  describe(descriptor: number, window: Window, at: number): Outcome {
    const thing = this.#things[descriptor];
    if (thing === undefined) return refuse("badf");
    if (at < 0 || at + FDSTAT_BYTES > window.length) return refuse("fault");
    window.fill(at, FDSTAT_BYTES, 0);
    window.setU8(at + FDSTAT.fileType, thing.fileType);
    window.setU32LE(at + FDSTAT.rightsBase, this.#rights[descriptor] ?? 0);
    return 0;
  }

  /** Closes everything that is open; a program's end. O(size). */
  closeAll(): void {
    for (let descriptor = 0; descriptor < this.#things.length; descriptor++) this.close(descriptor);
  }

  #may(descriptor: number, wanted: RightSet): boolean {
    return includesRights(this.#rights[descriptor] ?? 0, wanted);
  }

  #clear(descriptor: number): void {
    this.#things[descriptor] = undefined;
    this.#rights[descriptor] = 0;
  }
}
