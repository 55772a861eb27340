/** The site of a soak: files that change, come and go, and what each of them may be answered with. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { FileState } from "./soak-messages.ts";
import { digest, noise } from "./scratch.ts";

/** One file: how long it is at first, and how it is asked for. */
export interface SoakFile {
  readonly path: string;
  readonly bytes: number;
}

const many = (count: number, name: string, bytes: (index: number) => number): SoakFile[] =>
  Array.from({ length: count }, (_, index) => ({ path: `${name}/${index}.bin`, bytes: bytes(index) }));

/** Around every edge of segments, blocks and chunks; more than the cache holds, all together. */
export const SMALL: readonly SoakFile[] = many(
  96,
  "small",
  (i) => [0, 1, 100, 1447, 1449, 4096, 4097][i] ?? (i * 7919) % 40_000,
);
export const MEDIUM: readonly SoakFile[] = many(24, "medium", (i) => 65_535 + i * 14_000);
export const LARGE: readonly SoakFile[] = many(3, "large", (i) => 6_000_000 + i);
/** Files that are there in some versions of the site. */
export const PASSING: readonly SoakFile[] = many(8, "passing", (i) => 500 + i * 3000);

/** What will be there, and what makes it so. */
export interface SoakChange {
  readonly states: readonly FileState[];
  readonly make: () => void;
}

/** A site on disk that its owner changes. */
export interface SoakSite {
  /** What is there. */
  readonly states: () => readonly FileState[];
  next(): SoakChange;
  /** The change that makes everything as it was at first. */
  first(): SoakChange;
}

interface Change {
  readonly path: string;
  /** Nothing removes the file. */
  readonly content: Buffer | undefined;
}

/** Makes the site in `directory`, in its first version. */
export function makeSoakSite(directory: string, aside: string): SoakSite {
  const now = new Map<string, FileState>();
  const apply = (changes: readonly Change[]): void => {
    for (const { path, content } of changes) {
      if (content === undefined) rmSync(join(directory, path));
      else put(join(directory, path), content, join(aside, "next"));
      now.set(path, stateOf(path, content));
    }
  };
  const plan = (changes: readonly Change[]): SoakChange => ({
    states: changes.map(({ path, content }) => stateOf(path, content)),
    make: () => apply(changes),
  });
  const firstOnes = (): Change[] => [
    ...[...SMALL, ...MEDIUM, ...LARGE].map(({ path, bytes }) => ({
      path,
      content: versionOf(path, bytes, 0),
    })),
    ...PASSING.filter(({ path }) => isThere(now, path)).map(({ path }) => ({ path, content: undefined })),
  ];
  for (const { path } of PASSING) now.set(path, { path, digest: "absent" });
  apply(firstOnes());
  let version = 0;
  return {
    states: () => [...now.values()],
    next: () => plan(changesOf(++version, now)),
    first: () =>
      plan(
        firstOnes().filter(({ path, content }) => now.get(path)?.digest !== stateOf(path, content).digest),
      ),
  };
}

const isThere = (now: ReadonlyMap<string, FileState>, path: string): boolean =>
  now.get(path)?.digest !== "absent";

const stateOf = (path: string, content: Buffer | undefined): FileState => ({
  path,
  digest: content === undefined ? "absent" : digest(content),
});

/** Content that follows from path and version; lengths move by a few bytes, so that pieces of two versions never fit together. */
function versionOf(path: string, bytes: number, version: number): Buffer {
  let seed = version + 1;
  for (const letter of path) seed = (seed * 31 + letter.charCodeAt(0)) % 1_000_003;
  return noise(bytes + (version % 5), seed);
}

/** Some pages, a larger file, now and then a very large one; one that comes or goes. */
function changesOf(version: number, now: ReadonlyMap<string, FileState>): readonly Change[] {
  const pick = (files: readonly SoakFile[], index: number): SoakFile =>
    files[index % files.length] as SoakFile;
  const changed = [
    pick(SMALL, version * 5),
    pick(SMALL, version * 5 + 1),
    pick(SMALL, version * 5 + 2),
    pick(MEDIUM, version * 7),
    ...(version % 8 === 0 ? [pick(LARGE, version / 8)] : []),
  ].map(({ path, bytes }) => ({ path, content: versionOf(path, bytes, version) }));
  const passing = pick(PASSING, version * 3);
  const content = isThere(now, passing.path) ? undefined : versionOf(passing.path, passing.bytes, version);
  return [...changed, { path: passing.path, content }];
}

/** In one step, as careful editors do: nobody sees half a file. */
function put(path: string, content: Buffer, aside: string): void {
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(dirname(aside), { recursive: true });
  writeFileSync(aside, content);
  renameSync(aside, path);
}
