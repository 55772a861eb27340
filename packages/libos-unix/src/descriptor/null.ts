/** The null device: takes everything, gives nothing. */
import { STREAM_RIGHTS, type Stream } from "./stream.ts";
import { FILE_TYPE } from "../wasi/layout.ts";

/** What it says it has room for; it has room for any amount. */
const ROOM = 65_536;

/** A null device: a read is at the end at once, a write succeeds in full and is forgotten. */
export const openNull = (): Stream => ({
  fileType: FILE_TYPE.characterDevice,
  rights: STREAM_RIGHTS,
  forgets: true,
  read: () => 0,
  write: (_from, _at, length) => length,
  readable: () => 0,
  writable: () => ROOM,
  close: () => undefined,
});
