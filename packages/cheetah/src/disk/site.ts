/** The site that is being served: its newest index, and the blocks that responses still read. */
import { BlockMap } from "./block-map.ts";
import type { SiteFile } from "./site-file.ts";
import { fileBlocks } from "./site-file.ts";
import { SiteIndex } from "./site-index.ts";
import type { Superblock } from "./superblock-layout.ts";
import { blocksFor } from "./superblock-layout.ts";

/** The current generation, and the free list that all generations share. */
export class Site {
  #map: BlockMap;
  #index: SiteIndex | undefined;
  #superblock: Superblock | undefined;

  constructor(blocks: number) {
    this.#map = new BlockMap(blocks);
  }

  /** Free and used blocks. */
  get map(): BlockMap {
    return this.#map;
  }

  /** The index that requests are answered from; `undefined` before there is one. */
  get index(): SiteIndex | undefined {
    return this.#index;
  }

  /** The superblock of that index. */
  get superblock(): Superblock | undefined {
    return this.#superblock;
  }

  /** Takes over what a disk held when the server started; `map` has its runs. */
  restore(files: readonly SiteFile[], superblock: Superblock, map: BlockMap): void {
    this.#map = map;
    this.#superblock = superblock;
    this.#index = new SiteIndex(new Map(files.map((file) => [file.path, file])), superblock.generation);
  }

  /** Serves `files` from now on; what only the generation before used is free as soon as nobody reads it. O(files). */
  publish(files: ReadonlyMap<string, SiteFile>, superblock: Superblock): void {
    const before = this.#index;
    const old = this.#superblock;
    this.#index = new SiteIndex(files, superblock.generation);
    this.#superblock = superblock;
    if (old !== undefined) this.#map.release(old.indexFirst, blocksFor(old.indexBytes));
    for (const file of before?.files() ?? []) if (files.get(file.path) !== file) this.#retire(file);
  }

  /** A response begins to read `file`. */
  beginReading(file: SiteFile): void {
    file.references += 1;
  }

  /** A response has read what it wanted. */
  endReading(file: SiteFile): void {
    file.references -= 1;
    if (file.retired && file.references === 0) this.#map.release(file.first, fileBlocks(file));
  }

  #retire(file: SiteFile): void {
    file.retired = true;
    if (file.references === 0) this.#map.release(file.first, fileBlocks(file));
  }
}
