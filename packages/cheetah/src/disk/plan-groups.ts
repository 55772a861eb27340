/**
 * In which order files come onto the disk: a page together with what it embeds.
 *
 * A file is in one group at most, that of the first page, in the order of names,
 * which embeds it. What is in no group comes behind the groups, large files last.
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

/** Every file of `wanted` in one group; a bounded piece of work a step. */
export function* planGroups(source: SiteSource, wanted: readonly ListedFile[]): Generator<Step, Group[]> {
  const waiting = new Map<string, ListedFile>();
  const pages: ListedFile[] = [];
  for (const file of wanted) {
    waiting.set(file.path, file);
    if (isPage(file)) pages.push(file);
    yield "brief";
  }
  const groups: Group[] = [];
  for (const page of pages.sort(byPath)) {
    const names = yield* embeddedBy(source, page);
    const group = takeGroup([page.path, ...names], waiting);
    if (group.length > 0) groups.push(group);
  }
  return groups.concat(yield* alone(waiting.values()));
}

const isPage = (file: ListedFile): boolean =>
  file.size > 0 && file.size <= PAGE_BYTES && PAGE_TYPE.test(mediaTypeOf(file.path));

const byPath = (a: ListedFile, b: ListedFile): number => (a.path < b.path ? -1 : 1);

function* embeddedBy(source: SiteSource, page: ListedFile): Generator<Step, readonly string[]> {
  const bytes = yield* readWhole(source, page);
  if (bytes === undefined) return [];
  return yield* referencesOf(new TextDecoder().decode(bytes), page.path);
}

/** Takes those of `names` that still wait, are small and fit together; none when that is only one. */
function takeGroup(names: readonly string[], waiting: Map<string, ListedFile>): Group {
  const group = new Set<ListedFile>();
  let blocks = 0;
  for (const name of names) {
    const file = waiting.get(name);
    if (file === undefined || file.size === 0 || isLarge(file) || group.has(file)) continue;
    if (blocks + fileBlocks(file) > GROUP_BLOCKS) continue;
    blocks += fileBlocks(file);
    group.add(file);
  }
  if (group.size < 2) return [];
  for (const { path } of group) waiting.delete(path);
  return [...group];
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
