/** A frame buffer in plain memory, with the check of the tag that the hardware makes. */
import type { FrameBuffer, FrameBufferHardware } from "../frame-buffer.ts";

/** What a frame buffer is made of. */
export interface FrameBufferOptions {
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels of one side of a tile; default 16. */
  readonly tile?: number;
}

const isSize = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 0x4000;

const sized = ({ width, height, tile = 16 }: FrameBufferOptions): FrameBufferHardware => {
  if (isSize(width) && isSize(height) && isSize(tile)) return Object.freeze({ width, height, tile });
  throw new RangeError("a frame buffer has sides of 1 to 16384 pixels, and tiles likewise");
};

/** A black frame buffer whose tiles are nobody's. Throws a `RangeError` for a size that cannot be. */
export function makeFrameBuffer(options: FrameBufferOptions): FrameBuffer {
  const hardware = sized(options);
  const { width, height, tile } = hardware;
  const columns = Math.ceil(width / tile);
  const tags = new Uint32Array(columns * Math.ceil(height / tile));
  const pixels = new Uint32Array(width * height);
  let ignored = 0;
  const isPixel = (x: number, y: number): boolean =>
    Number.isInteger(x) && Number.isInteger(y) && x >= 0 && y >= 0 && x < width && y < height;
  const ownerAt = (x: number, y: number): number =>
    tags[Math.floor(y / tile) * columns + Math.floor(x / tile)] ?? 0;
  return Object.freeze({
    hardware,
    tag: (number: number, owner: number) => {
      if (number in tags) tags[number] = owner;
    },
    owner: (number: number) => tags[number] ?? 0,
    write: (owner: number, x: number, y: number, colour: number) => {
      if (owner === 0 || !isPixel(x, y) || ownerAt(x, y) !== owner) {
        ignored += 1;
        return false;
      }
      pixels[y * width + x] = colour & 0xff_ffff;
      return true;
    },
    read: (x: number, y: number) => (isPixel(x, y) ? (pixels[y * width + x] ?? 0) : -1),
    ignored: () => ignored,
  });
}
