/** The null device: takes everything, gives nothing. */
import type { OpenThing } from "./open-thing.ts";
import { refuse } from "../errno.ts";
import { FILE_TYPE, rights } from "../wasi/layout.ts";

/** A null device: a read is at the end at once, a write succeeds in full and is forgotten. */
export const openNull = (): OpenThing => ({
  fileType: FILE_TYPE.characterDevice,
  rights: rights("fd_read", "fd_write", "poll_fd_readwrite"),
  read: () => 0,
  write: (window, at, length) =>
    at < 0 || length < 0 || at + length > window.length ? refuse("fault") : length,
  close: () => undefined,
});
