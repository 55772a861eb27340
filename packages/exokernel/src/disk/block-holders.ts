/**
 * Whose bytes each block of a disk contains, so that nobody reads another's.
 *
 *     value   the block contains
 *     0       what the disk came with: nobody has written it since boot
 *     EnvId   what an environment that is alive wrote as an extent's owner
 *     STALE   what nobody may see: somebody else's, or a dead environment's
 *
 * Kept by pages of blocks that were written since boot; all other blocks are 0.
 */

/** Holders of the blocks of one disk. */
export interface BlockHolders {
  readonly pages: Map<number, Uint32Array>;
  /** Environments alive that are in the pages. */
  readonly writers: Set<number>;
}

/** A block whose bytes nobody may see; no environment has this id. */
export const STALE = 0xffff_ffff;

/** Blocks of one page: a block that lies alone costs 1 KiB of the kernel's memory, and 4 bytes among others. */
const PAGE = 256;

/** Nobody has written anything. */
export const makeBlockHolders = (): BlockHolders => ({ pages: new Map(), writers: new Set() });

/** Whose bytes a block contains. O(1). */
export const holderOf = ({ pages }: BlockHolders, block: number): number =>
  pages.get(Math.floor(block / PAGE))?.[block % PAGE] ?? 0;

/** Notes that blocks from `first` up to `end` contain the bytes of `holder`. O(blocks). */
export function setHolder(holders: BlockHolders, first: number, end: number, holder: number): void {
  if (holder !== STALE) holders.writers.add(holder);
  for (let at = first; at < end;) {
    const number = Math.floor(at / PAGE);
    const next = Math.min(end, (number + 1) * PAGE);
    let page = holders.pages.get(number);
    if (page === undefined) holders.pages.set(number, (page = new Uint32Array(PAGE)));
    page.fill(holder, at - number * PAGE, next - number * PAGE);
    at = next;
  }
}

/**
 * Gives the blocks from `first` up to `end` to `owner`: what others left there is stale from now on.
 *
 * Returns how many are stale. O(blocks written since boot in the pages of the run).
 */
export function claimBlocks(holders: BlockHolders, first: number, end: number, owner: number): number {
  let stale = 0;
  for (const number of pagesWithin(holders, first, end)) {
    const page = holders.pages.get(number);
    if (page === undefined) continue;
    const last = Math.min(PAGE, end - number * PAGE);
    for (let i = Math.max(0, first - number * PAGE); i < last; i++) {
      if (page[i] === 0 || page[i] === owner) continue;
      page[i] = STALE;
      stale += 1;
    }
  }
  return stale;
}

/** Numbers of the pages that exist for blocks from `first` up to `end`. O(the fewer of them and of all pages). */
function pagesWithin({ pages }: BlockHolders, first: number, end: number): number[] {
  const low = Math.floor(first / PAGE);
  const high = Math.floor((end - 1) / PAGE);
  const found: number[] = [];
  if (high - low < pages.size) {
    for (let number = low; number <= high; number++) if (pages.has(number)) found.push(number);
    return found;
  }
  for (const number of pages.keys()) if (number >= low && number <= high) found.push(number);
  return found;
}

/** Makes stale what an environment that ends has left anywhere. O(blocks written since boot), if it wrote any. */
export function forgetHolder(holders: BlockHolders, id: number): void {
  if (!holders.writers.delete(id)) return;
  for (const page of holders.pages.values())
    for (let i = 0; i < PAGE; i++) if (page[i] === id) page[i] = STALE;
}
