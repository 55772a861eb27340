/** The site that is being served: its newest index, and the blocks that responses still read. */
import { BlockMap } from "./block-map.ts";
import type { SiteFile } from "./site-file.ts";
import { fileBlocks } from "./site-file.ts";
import { SiteIndex, directoriesOf } from "./site-index.ts";
import { complete } from "./step.ts";
import type { Step } from "./step.ts";
import type { Superblock } from "./superblock-layout.ts";
import { blocksFor } from "./superblock-layout.ts";

/** The current generation, and the free list that all generations share. */
export class Site {
  #map: BlockMap;
  #index: SiteIndex | undefined;
  #superblock: Superblock | undefined;
  #open = false;

  constructor(blocks: number) {
    this.#map = new BlockMap(blocks);
  }

  /** Free and used blocks. */
  get map(): BlockMap {
    return this.#map;
  }

  /** The index that requests are answered from; `undefined` before `open` and before there is one. */
  get served(): SiteIndex | undefined {
    return this.#open ? this.#index : undefined;
  }

  /** The newest index; `undefined` before there is one. */
  get index(): SiteIndex | undefined {
    return this.#index;
  }

  /** The superblock of that index. */
  get superblock(): Superblock | undefined {
    return this.#superblock;
  }

  /** The site has been compared with its source, as far as that could be done: requests are answered from now on. */
  open(): void {
    this.#open = true;
  }

  /** Takes over what a disk held when the server started; `map` has its runs. */
  restore(files: readonly SiteFile[], superblock: Superblock, map: BlockMap): void {
    this.#map = map;
    this.#superblock = superblock;
    const byPath = new Map(files.map((file) => [file.path, file]));
    this.#index = new SiteIndex(byPath, complete(directoriesOf(byPath.keys())), superblock.generation);
  }

  /** Serves `files`; what only the generation before used is free as soon as nobody reads it. A file a step. */
  *publish(files: ReadonlyMap<string, SiteFile>, superblock: Superblock): Generator<Step, void> {
    const directories = yield* directoriesOf(files.keys());
    const before = this.#index;
    const old = this.#superblock;
    this.#index = new SiteIndex(files, directories, superblock.generation);
    this.#superblock = superblock;
    if (old !== undefined) this.#map.release(old.indexFirst, blocksFor(old.indexBytes));
    for (const file of before?.files() ?? []) {
      if (files.get(file.path) !== file) this.#retire(file);
      yield "brief";
    }
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
