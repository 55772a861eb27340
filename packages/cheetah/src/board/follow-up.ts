/** What follows an import: a report of what went wrong, and another try where waiting may help. */
import type { ImportError, ImportProgress } from "../disk/import-progress.ts";
import { printable } from "./printable.ts";

/** Hears of every import that has ended. */
export interface FollowUp {
  imported(progress: ImportProgress): void;
  close(): void;
}

/** What an error means to whoever runs the server. */
export const IMPORT_ERRORS: Readonly<Record<ImportError, string>> = {
  SourceFailed: "the directory cannot be read",
  DiskFailed: "the site's disk cannot be read or written",
  NoSpace: "the site's disk has no room",
};

/** Milliseconds until an import is tried again: the first time, and at most, doubled in between. */
const FIRST_MILLISECONDS = 1000;
const LONGEST_MILLISECONDS = 60_000;

/** Reasons that may pass without a change that a watch would see. */
const PASSING: readonly string[] = ["Unreadable", "Changed", "DiskFailed"];

const isToBeTriedAgain = ({ error, skippedFiles }: ImportProgress): boolean =>
  error !== undefined || skippedFiles.some(({ reason }) => PASSING.includes(reason));

/** Says once what every import found wrong, a line each, and calls `again` later while that may help. */
export function makeFollowUp(say: (line: string) => void, again: () => void): FollowUp {
  let said: ReadonlySet<string> = new Set();
  let timer: NodeJS.Timeout | undefined;
  let delay = FIRST_MILLISECONDS;
  const imported = (progress: ImportProgress): void => {
    const lines = linesOf(progress);
    for (const line of lines) if (!said.has(line)) say(line);
    said = new Set(lines);
    clearTimeout(timer);
    if (!isToBeTriedAgain(progress)) {
      delay = FIRST_MILLISECONDS;
      return;
    }
    timer = setTimeout(again, delay).unref();
    delay = Math.min(2 * delay, LONGEST_MILLISECONDS);
  };
  return { imported, close: () => clearTimeout(timer) };
}

function linesOf({ error, skipped, skippedFiles }: ImportProgress): string[] {
  const lines = skippedFiles.map(({ path, reason }) => `not served: ${printable(path)} (${reason})`);
  if (skipped > skippedFiles.length) lines.push(`not served: ${skipped - skippedFiles.length} more`);
  if (error !== undefined) lines.push(`not imported: ${IMPORT_ERRORS[error]} (${error})`);
  return lines;
}
