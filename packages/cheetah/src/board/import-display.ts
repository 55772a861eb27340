/** The progress bar of an import that takes a while. */
import type { WriteStream } from "node:tty";
import { progress } from "@clack/prompts";
import type { ImportProgress } from "../disk/import-progress.ts";

/** Shows how an import is coming along, once it has gone on long enough to be wondered about. */
export interface ImportDisplay {
  readonly show: (progress: ImportProgress) => void;
  /** Takes the bar away. */
  readonly end: () => void;
}

/** Milliseconds of import before a bar appears, and between two looks at it. */
const PATIENCE_MILLISECONDS = 300;
const FRAME_MILLISECONDS = 100;
const STEPS = 100;

/** A display on `output`: a bar on a terminal, nothing elsewhere. */
export function makeImportDisplay(output: WriteStream): ImportDisplay {
  const begun = performance.now();
  let bar: ReturnType<typeof progress> | undefined;
  let shown = 0;
  let last = 0;
  const show = (now: ImportProgress): void => {
    const time = performance.now();
    if (output.isTTY !== true || time - begun < PATIENCE_MILLISECONDS || time - last < FRAME_MILLISECONDS)
      return;
    last = time;
    const message = `importing: ${now.filesDone} of ${now.files} files`;
    if (bar === undefined) {
      bar = progress({ max: STEPS, output });
      bar.start(message);
    }
    const done = now.bytes === 0 ? 0 : Math.floor((STEPS * now.bytesDone) / now.bytes);
    bar.advance(Math.max(0, done - shown), message);
    shown = Math.max(shown, done);
  };
  const end = (): void => bar?.stop("imported");
  return { show, end };
}
