/** Sorts a source's files into those that are on the disk already and those that are wanted. */
import { identityOf } from "./identity.ts";
import { isSame, listed } from "./import-task.ts";
import type { Draft, ImportTask, ListedFile } from "./import-task.ts";
import type { Site } from "./site.ts";
import { isSitePath } from "./site-file.ts";
import type { ListingProblem, SiteSource, SourceFile } from "./site-source.ts";
import type { Step } from "./step.ts";

/** Lists the source into `draft`, a file a step; false when that cannot be done, and nothing is known. */
export function* listFiles(task: ImportTask, draft: Draft): Generator<Step, boolean> {
  const seen = new Set<string>();
  const unreadable = new Set<string>();
  const next = iterate(task.source);
  for (let found = next(); found !== "end"; found = next()) {
    if (found === "failed") return false;
    if ("reason" in found) {
      task.skipped(found.path, found.reason);
      if (found.reason === "Unreadable") unreadable.add(found.path);
    } else if (!isSitePath(found.path)) task.skipped(found.path, "BadName");
    else if (seen.has(found.path)) task.skipped(found.path, "Duplicate");
    else {
      seen.add(found.path);
      sortFile(task.site, draft, listed(found));
    }
    yield "brief";
  }
  draft.identity = identityOf(task.source.identity);
  if (unreadable.size > 0) yield* keepUnreadable(task.site, draft, seen, unreadable);
  return true;
}

/** The next file of a source at each call; what it throws ends it. */
function iterate(source: SiteSource): () => SourceFile | ListingProblem | "end" | "failed" {
  let iterator: Iterator<SourceFile | ListingProblem> | undefined;
  return () => {
    try {
      iterator ??= source.list()[Symbol.iterator]();
      const next = iterator.next();
      return next.done === true ? "end" : next.value;
    } catch {
      return "failed";
    }
  };
}

function sortFile(site: Site, draft: Draft, file: ListedFile): void {
  const old = site.index?.file(file.path);
  if (old !== undefined && isSame(old, file)) {
    draft.files.set(old.path, old);
    return;
  }
  draft.wanted.push(file);
  draft.wantedBytes += file.size;
}

/** What the source could not tell about stays as it was. */
function* keepUnreadable(
  site: Site,
  draft: Draft,
  seen: ReadonlySet<string>,
  unreadable: ReadonlySet<string>,
): Generator<Step> {
  for (const file of site.index?.files() ?? []) {
    if (!seen.has(file.path) && isBelow(file.path, unreadable)) draft.files.set(file.path, file);
    yield "brief";
  }
}

/** True when `path` or a directory that it lies in is among `places`. */
function isBelow(path: string, places: ReadonlySet<string>): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1))
    if (places.has(path.slice(0, end))) return true;
  return false;
}
