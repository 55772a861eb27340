/** How much V8 puts into one compiled function. */
import { setFlagsFromString } from "node:v8";

/**
 * Lets V8 inline more than it does by itself, for the whole process: to be called by a command, not by a library.
 *
 * On its way through kernel, TCP and server a request passes some two hundred
 * short functions, each written and tested by itself. V8 stops inlining at 920
 * bytes of bytecode, which is a fraction of that way. With more, compiling takes
 * a second longer, once, and a request a tenth less (docs/decisions/0022-hot-path.md).
 */
export const inlineMore = (): void => {
  setFlagsFromString("--max-inlined-bytecode-size=1000");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=4000");
};
