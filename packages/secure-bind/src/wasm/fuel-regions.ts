/**
 * What the regions of a program's function cost: see charges.ts for what a region is.
 *
 * Only at a function's beginning and at the head of a loop it is asked whether
 * there was enough; the others just pay.
 */
import type { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { GLOBALS } from "./runtime.ts";

/** Where fuel is counted: in its global. */
const NO_LOCAL = -1;

/** Regions of one function after another. */
export class FuelRegions {
  /** The local in which fuel is counted meanwhile, or -1: see `enter`. */
  #local = NO_LOCAL;
  /** The region that pays. */
  current = 0;
  #count = 0;
  readonly #counts: number[] = [];
  readonly #patches: number[] = [];

  /** A new function, whose region 0 is paid on entry. */
  begin(): void {
    this.current = 0;
    this.#local = NO_LOCAL;
    this.#count = 0;
    this.#counts.length = 0;
    this.#patches.length = 0;
    this.#counts.push(0);
  }

  /** What follows pays so much more. */
  add(fuel: number): void {
    this.#count += fuel;
  }

  /**
   * From here on fuel is counted in `local`, until `leave`: in a loop in which nothing else looks at it.
   *
   * A loop that goes through memory in every turn waits for it.
   */
  enter(code: ByteWriter, local: number): void {
    this.#local = local;
    this.load(code);
  }

  /** Fuel is counted in its global again, which has to be put there first: by `store`, wherever the loop is left. */
  leave(): void {
    this.#local = NO_LOCAL;
  }

  /** Whether it is counted in a local. */
  get isLocal(): boolean {
    return this.#local !== NO_LOCAL;
  }

  /** Takes it from its global, and puts it there. */
  load(code: ByteWriter): void {
    writeOne(code, INSTRUCTIONS["global.get"], GLOBALS.fuel);
    writeOne(code, INSTRUCTIONS["local.set"], this.#local);
  }

  store(code: ByteWriter): void {
    writeOne(code, INSTRUCTIONS["local.get"], this.#local);
    writeOne(code, INSTRUCTIONS["global.set"], GLOBALS.fuel);
  }

  /** A new region pays from here on. */
  open(code: ByteWriter): void {
    this.#open(code);
    if (this.isLocal) writeOne(code, INSTRUCTIONS["local.set"], this.#local);
    else writeOne(code, INSTRUCTIONS["global.set"], GLOBALS.fuel);
  }

  /** The same, with what is left on the machine's stack as well; `scratch` is a local that is free. */
  openChecked(code: ByteWriter, scratch: number): void {
    this.#open(code);
    if (this.isLocal) {
      writeOne(code, INSTRUCTIONS["local.tee"], this.#local);
      return;
    }
    writeOne(code, INSTRUCTIONS["local.tee"], scratch);
    writeOne(code, INSTRUCTIONS["global.set"], GLOBALS.fuel);
    writeOne(code, INSTRUCTIONS["local.get"], scratch);
  }

  #open(code: ByteWriter): void {
    this.#counts[this.current] = this.#count;
    // A loop pays for every turn, even if there is nothing in it.
    this.#count = 1;
    this.current = this.#counts.push(1) - 1;
    if (this.isLocal) writeOne(code, INSTRUCTIONS["local.get"], this.#local);
    else writeOne(code, INSTRUCTIONS["global.get"], GLOBALS.fuel);
    code.u8(INSTRUCTIONS["i32.const"]);
    this.#patches[this.current] = code.length;
    code.paddedS32(0);
    code.u8(INSTRUCTIONS["i32.sub"]);
  }

  /** Region `region` pays again. */
  resume(region: number): void {
    this.#counts[this.current] = this.#count;
    this.current = region;
    this.#count = this.#counts[region] ?? 0;
  }

  /** Writes what the regions cost where they pay; what the first one costs. */
  finish(code: ByteWriter): number {
    this.#counts[this.current] = this.#count;
    for (let region = 1; region < this.#counts.length; region++)
      code.patchS32(this.#patches[region] ?? 0, this.#counts[region] ?? 0);
    return this.#counts[0] ?? 0;
  }
}
