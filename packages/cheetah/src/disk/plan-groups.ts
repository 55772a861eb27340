/**
 * In which order files come onto the disk: a page together with what it embeds.
 *
 * A file is in one group at most, that of the first page, in the order of names,
 * which embeds it; what a page in a group embeds joins it. What is in no group comes behind the groups, large files last.
 */
import { CHUNK_BLOCKS } from "../cache/chunk-cache.ts";
import { mediaTypeOf } from "../http/media-types.ts";
import type { ListedFile } from "./import-task.ts";
import { referencesOf } from "./page-references.ts";
import { readWhole } from "./read-source.ts";
import { GROUP_BLOCKS, fileBlocks } from "./site-file.ts";
import type { SiteSource } from "./site-source.ts";
import type { Step } from "./step.ts";

/** Bytes of the longest page that is looked into. */
export const PAGE_BYTES = 524_288;

const PAGE_TYPE = /^(?:text\/html|application\/xhtml\+xml)(?:;|$)/;

/** Files that are to lie next to each other, in this order; alone ones are groups of one. */
export type Group = readonly ListedFile[];

/** A group that may grow. */
interface Growing {
  readonly files: ListedFile[];
  blocks: number;
}

/** Every file of `wanted` in one group; a bounded piece of work a step. */
export function* planGroups(source: SiteSource, wanted: readonly ListedFile[]): Generator<Step, Group[]> {
  const waiting = new Map<string, ListedFile>();
  const pages: ListedFile[] = [];
  for (const file of wanted) {
    waiting.set(file.path, file);
    if (isPage(file)) pages.push(file);
    yield "brief";
  }
  const groups = new Set<Growing>();
  const groupOf = new Map<string, Growing>();
  for (const page of pages.toSorted(byPath)) {
    const names = yield* embeddedBy(source, page);
    const group = grow(groupOf.get(page.path), [page.path, ...names], waiting);
    if (group === undefined) continue;
    groups.add(group);
    for (const { path } of group.files) groupOf.set(path, group);
  }
  return [...groups].map(({ files }): Group => files).concat(yield* alone(waiting.values()));
}

const isPage = (file: ListedFile): boolean =>
  file.size > 0 && file.size <= PAGE_BYTES && PAGE_TYPE.test(mediaTypeOf(file.path));

const byPath = (a: ListedFile, b: ListedFile): number => (a.path < b.path ? -1 : 1);

function* embeddedBy(source: SiteSource, page: ListedFile): Generator<Step, readonly string[]> {
  const bytes = yield* readWhole(source, page);
  if (bytes === undefined) return [];
  return yield* referencesOf(new TextDecoder().decode(bytes), page.path);
}

/**
 * Takes those of `names` that still wait, are small and fit: into the group of a page
 * that another page embeds, or into one of their own unless that is only one.
 */
function grow(
  group: Growing | undefined,
  names: readonly string[],
  waiting: Map<string, ListedFile>,
): Growing | undefined {
  const taken = new Set<ListedFile>();
  let blocks = group?.blocks ?? 0;
  for (const name of names) {
    const file = waiting.get(name);
    if (file === undefined || file.size === 0 || isLarge(file) || taken.has(file)) continue;
    if (blocks + fileBlocks(file) > GROUP_BLOCKS) continue;
    blocks += fileBlocks(file);
    taken.add(file);
  }
  if (group === undefined && taken.size < 2) return undefined;
  for (const { path } of taken) waiting.delete(path);
  const grown = group ?? { files: [], blocks };
  grown.files.push(...taken);
  grown.blocks = blocks;
  return grown;
}

const isLarge = (file: ListedFile): boolean => fileBlocks(file) > CHUNK_BLOCKS;

function* alone(files: Iterable<ListedFile>): Generator<Step, Group[]> {
  const small: Group[] = [];
  const large: Group[] = [];
  for (const file of files) {
    (isLarge(file) ? large : small).push([file]);
    yield "brief";
  }
  return small.concat(large);
}
