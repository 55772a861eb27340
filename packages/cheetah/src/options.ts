/** What a server is made of: options as data, with their defaults. */
import type { CapSlot } from "@exolith/exokernel/abi";
import type { DiskPart } from "./disk/block-store.ts";
import type { ImportProgress } from "./disk/import-progress.ts";
import type { SiteSource } from "./disk/site-source.ts";
import type { Limits } from "./limits.ts";
import type { LogSink } from "./server/access-log.ts";

/** How to make a server. */
export interface CheetahOptions {
  /** The slot whose capability guards the server's frames and its extent. */
  readonly slot: CapSlot;
  /** Where on the disk the site lives. */
  readonly disk: DiskPart;
  /** Where the site comes from. */
  readonly source: SiteSource;
  /** Hears of every import that has ended, well or not. */
  readonly imported?: ((progress: ImportProgress) => void) | undefined;
  /** Takes the access log; without it there is none. */
  readonly log?: LogSink | undefined;
  /** Frames of the file cache, in whole chunks of 16. Default `DEFAULT_FRAMES.cache`: 24 MiB. */
  readonly cacheFrames?: number | undefined;
  /** Frames for response heads, four slots each. Default 256: 1 MiB. */
  readonly headFrames?: number | undefined;
  /** Frames for imports under way, in whole slots of 16. Default 256: 1 MiB. */
  readonly stagingFrames?: number | undefined;
  /** Frames of the access log's buffer. Default 16: 64 KiB. */
  readonly logFrames?: number | undefined;
  /** Limits other than the defaults. */
  readonly limits?: Partial<Limits> | undefined;
}

/** Frames that a server claims unless an option says otherwise. */
export const DEFAULT_FRAMES: {
  readonly cache: number;
  readonly head: number;
  readonly staging: number;
  readonly log: number;
} = Object.freeze({ cache: 6144, head: 256, staging: 256, log: 16 });
