/** A frame buffer whose hardware keeps an owner tag per tile (SOSP'95 section 3.2). */

/** What a frame buffer is. */
export interface FrameBufferHardware {
  /** Size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels of one side of a tile; tiles are counted row by row from 0. */
  readonly tile: number;
}

/** A display that checks every write against the tag of the tile: no software stands between. */
export interface FrameBuffer {
  readonly hardware: FrameBufferHardware;
  /** Sets the owner tag of one tile, 32 bits; 0 is nobody. For a tile that does not exist nothing happens. Privileged. O(1). */
  tag(tile: number, owner: number): void;
  /** Owner tag of a tile; 0 for one that does not exist. O(1). */
  owner(tile: number): number;
  /** Sets a pixel, 0xRRGGBB, as `owner`; false, and counted, when the tile is not its or the pixel does not exist. 0 draws nowhere. O(1). */
  write(owner: number, x: number, y: number, colour: number): boolean;
  /** The colour of a pixel; -1 outside. O(1). */
  read(x: number, y: number): number;
  /** Writes that were ignored. O(1). */
  ignored(): number;
}
