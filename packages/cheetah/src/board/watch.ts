/** Watching a directory: tells when something below it may have changed. */
import { statSync, watch, type FSWatcher } from "node:fs";

/** A watch that goes on until it is closed. */
export interface DirectoryWatch {
  close(): void;
}

/** Milliseconds of quiet after a change before it is told: an editor's several writes are one change. */
const QUIET_MILLISECONDS = 60;
/** Milliseconds after which a change is told even if there is no quiet. */
const LONGEST_MILLISECONDS = 1000;
/** Milliseconds between looks at where the directory is, and at all of it when the host cannot watch. */
const LOOK_MILLISECONDS = 2000;

/**
 * Calls `changed` soon after anything below `directory` changes: once for a burst, once a second when it does not end.
 *
 * A link that leads to another directory, or another one of that name, is a change within two seconds.
 * Where the host offers no watch, or takes it away, `changed` is called every two seconds instead.
 */
export function watchDirectory(directory: string, changed: () => void): DirectoryWatch {
  let watcher: FSWatcher | undefined;
  let place = placeOf(directory);
  const burst = makeBurst(changed);
  const disarm = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const arm = (): void => {
    disarm();
    try {
      watcher = watch(directory, { recursive: true, persistent: false }, burst.note);
      watcher.on("error", disarm);
    } catch {
      disarm();
    }
  };
  const look = (): void => {
    const now = placeOf(directory);
    if (now !== place) arm();
    if (now !== place || watcher === undefined) burst.note();
    place = now;
  };
  arm();
  const looking = setInterval(look, LOOK_MILLISECONDS).unref();
  return {
    close: () => {
      burst.forget();
      clearInterval(looking);
      disarm();
    },
  };
}

/** Calls `changed` when no note has come for a while, or when the first is old. */
function makeBurst(changed: () => void): { note(): void; forget(): void } {
  let timer: NodeJS.Timeout | undefined;
  let first: number | undefined;
  const tell = (): void => {
    first = undefined;
    changed();
  };
  const note = (): void => {
    const now = performance.now();
    first ??= now;
    clearTimeout(timer);
    timer = setTimeout(tell, Math.max(0, Math.min(QUIET_MILLISECONDS, first + LONGEST_MILLISECONDS - now)));
  };
  return { note, forget: () => clearTimeout(timer) };
}

/** Device and inode of the directory, links followed; empty when there is none. */
function placeOf(directory: string): string {
  try {
    const { dev, ino } = statSync(directory, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return "";
  }
}
