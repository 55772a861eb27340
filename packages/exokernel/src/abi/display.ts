/** Displays: frame buffers whose hardware knows who may draw where. */

/**
 * One environment's port to a display; not a kernel call.
 *
 * The hardware compares the tag of the tile with the port's owner: a write to
 * another's tile is ignored and counted.
 */
export interface DisplayPort {
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Sets a pixel to a colour, 0xRRGGBB; false when the tile is not the port owner's or the pixel does not exist. O(1). */
  set(x: number, y: number, colour: number): boolean;
  /** Sets a rectangle; returns the pixels that were set. O(pixels). */
  fill(x: number, y: number, width: number, height: number, colour: number): number;
  /** The colour of a pixel, -1 outside: everybody may look. O(1). */
  get(x: number, y: number): number;
}
