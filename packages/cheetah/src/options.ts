/** What a server is made of: options as data, with their defaults. */
import type { CapSlot, Cycles } from "@exolith/exokernel/abi";
import type { DiskPart } from "./disk/block-store.ts";
import type { ImportProgress } from "./disk/import-progress.ts";
import type { SiteSource } from "./disk/site-source.ts";
import type { Limits } from "./limits.ts";
import type { LogSink } from "./server/access-log.ts";

/** What makes it fast beyond a plain server on the same primitives; each can be turned off to see what it is worth. */
export interface Techniques {
  /** An import lays a page and what it embeds next to each other, and they are read together. */
  readonly grouping: boolean;
  /** Checksums of bodies come from the import; without it TCP reads every byte that it sends. */
  readonly precomputedChecksums: boolean;
  /** Heads of whole files are kept and patched; without it they are made for each response. */
  readonly preformattedHeads: boolean;
  /** A request is acknowledged by its response, and FIN goes with the last bytes; without it both are packets of their own. */
  readonly packetMerging: boolean;
  /** Requests that came before, byte for byte, are not parsed again. */
  readonly rememberedRequests: boolean;
  /** What the interface does by itself is left to it: checksums, and cutting what is sent into segments. */
  readonly offloads: boolean;
}

/** All of them. */
export const DEFAULT_TECHNIQUES: Techniques = Object.freeze({
  grouping: true,
  precomputedChecksums: true,
  preformattedHeads: true,
  packetMerging: true,
  rememberedRequests: true,
  offloads: true,
});

const TECHNIQUE_NAMES = Object.keys(DEFAULT_TECHNIQUES) as (keyof Techniques)[];

/** Those that `chosen` says, and the defaults for the others; whatever else is in `chosen` is left out. */
export function techniquesOf(chosen: Partial<Techniques>): Techniques {
  const techniques: { -readonly [T in keyof Techniques]: boolean } = { ...DEFAULT_TECHNIQUES };
  for (const name of TECHNIQUE_NAMES) techniques[name] = chosen[name] ?? techniques[name];
  return techniques;
}

/** How to make a server. Techniques that it does not name are used. */
export interface CheetahOptions extends Partial<Techniques> {
  /** The slot whose capability guards the server's frames and its extent. */
  readonly slot: CapSlot;
  /** Where on the disk the site lives. */
  readonly disk: DiskPart;
  /** Where the site comes from. */
  readonly source: SiteSource;
  /** Hears of every import that has ended, well or not. */
  readonly imported?: ((progress: ImportProgress) => void) | undefined;
  /** When what is being served began, if that is known without reading the clock; it may be as old as a turn of the event loop. */
  readonly now?: (() => Cycles) | undefined;
  /** False when the interface computes every checksum. */
  readonly sumsNeeded?: boolean | undefined;
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
