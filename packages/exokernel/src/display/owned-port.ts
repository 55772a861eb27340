/** The port to a display that the kernel hands out: it draws as its owner, and the hardware decides. */
import type { FrameBuffer, Meter } from "@exolith/hw-model";
import type { DisplayPort } from "../abi/display.ts";
import { closeClass } from "../close-class.ts";

/** Bytes that one pixel takes in the frame buffer. */
const PIXEL_BYTES = 4;

/** A port of one environment, by its id; only the kernel can make one. */
export class OwnedPort implements DisplayPort {
  readonly #display: FrameBuffer;
  readonly #owner: number;
  readonly #meter: Meter;

  constructor(display: FrameBuffer, owner: number, meter: Meter) {
    this.#display = display;
    this.#owner = owner;
    this.#meter = meter;
    Object.freeze(this);
  }

  static {
    closeClass(OwnedPort.prototype);
  }

  get width(): number {
    return this.#display.hardware.width;
  }
  get height(): number {
    return this.#display.hardware.height;
  }
  set(x: number, y: number, colour: number): boolean {
    return this.#display.write(this.#owner, x, y, colour);
  }
  fill(x: number, y: number, width: number, height: number, colour: number): number {
    const right = endOf(x, width, this.width);
    const bottom = endOf(y, height, this.height);
    let tried = 0;
    let set = 0;
    for (let row = Math.max(0, y); row < bottom; row++)
      for (let column = Math.max(0, x); column < right; column++, tried++)
        if (this.#display.write(this.#owner, column, row, colour)) set += 1;
    this.#meter.charge("touchByte", tried * PIXEL_BYTES);
    return set;
  }
  get(x: number, y: number): number {
    return this.#display.read(x, y);
  }
}

/** Where a side of `length` pixels from `at` ends on a display of `size`; 0, so that it has none, unless both are whole. */
const endOf = (at: number, length: number, size: number): number =>
  Number.isInteger(at) && Number.isInteger(length) ? Math.min(size, at + length) : 0;
