/** Watching a directory: tells when something below it may have changed. */
import { watch, type FSWatcher } from "node:fs";

/** A watch that goes on until it is closed. */
export interface DirectoryWatch {
  close(): void;
}

/** Milliseconds of quiet after a change before it is told: an editor's several writes are one change. */
const QUIET_MILLISECONDS = 60;
/** Milliseconds between looks when the host cannot watch. */
const LOOK_MILLISECONDS = 2000;

/**
 * Calls `changed` soon after anything below `directory` changes, and never twice for one burst.
 *
 * Where the host offers no watch, or takes it away, `changed` is called every two seconds instead.
 */
export function watchDirectory(directory: string, changed: () => void): DirectoryWatch {
  let quiet: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  const soon = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(changed, QUIET_MILLISECONDS);
  };
  const look = (): void => {
    watcher?.close();
    watcher = undefined;
    looking ??= setInterval(changed, LOOK_MILLISECONDS);
  };
  try {
    watcher = watch(directory, { recursive: true, persistent: false }, soon);
    watcher.on("error", look);
  } catch {
    look();
  }
  return {
    close: () => {
      clearTimeout(quiet);
      clearInterval(looking);
      watcher?.close();
    },
  };
}
