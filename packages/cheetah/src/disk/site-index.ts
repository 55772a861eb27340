/** The names of a site in memory: what a request can ask for, and nothing else. */
import type { SiteFile } from "./site-file.ts";
import type { Step } from "./step.ts";

/** What a name turns out to be. */
export type Found = SiteFile | "directory" | undefined;

/** The file that answers for a directory. */
export const INDEX_NAME = "index.html";

/** One generation of the site. Immutable: a refresh makes another. */
export class SiteIndex {
  readonly generation: number;
  readonly #files: ReadonlyMap<string, SiteFile>;
  readonly #directories: ReadonlySet<string>;

  /** `directories` are those of the files: `directoriesOf`. */
  constructor(files: ReadonlyMap<string, SiteFile>, directories: ReadonlySet<string>, generation: number) {
    this.#files = files;
    this.generation = generation;
    this.#directories = directories;
  }

  /** How many files. */
  get size(): number {
    return this.#files.size;
  }

  /** All files. */
  files(): IterableIterator<SiteFile> {
    return this.#files.values();
  }

  /** The file called exactly `path`. O(1). */
  file(path: string): SiteFile | undefined {
    return this.#files.get(path);
  }

  /**
   * What a request for `path` means: a file, the index of a directory, a directory
   * that was named without its last slash, or nothing. O(1).
   */
  find(path: string): Found {
    if (path === "" || path.endsWith("/")) return this.#files.get(path + INDEX_NAME);
    return this.#files.get(path) ?? (this.#directories.has(path) ? "directory" : undefined);
  }
}

/** The directories that `paths` lie in, without their last slash; a path a step. */
export function* directoriesOf(paths: Iterable<string>): Generator<Step, ReadonlySet<string>> {
  const directories = new Set<string>();
  for (const path of paths) {
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const directory = path.slice(0, slash);
      if (directories.has(directory)) break;
      directories.add(directory);
    }
    yield "brief";
  }
  return directories;
}
