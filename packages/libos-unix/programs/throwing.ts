/** Gives a module code that unwinds its frames, for programs whose errors go to an earlier call. */
import binaryen from "binaryen";

const ADDED = ["start_unwind", "stop_unwind", "start_rewind", "stop_rewind", "get_state"];

/** `module` with code in every function that may be unwound, up to the function named `end`. */
export function withUnwinding(module: Uint8Array, end: string): Uint8Array {
  const program = binaryen.readBinary(module);
  try {
    program.setFeatures(binaryen.Features.MVP | binaryen.Features.MutableGlobals | binaryen.Features.SignExt);
    binaryen.setPassArgument("asyncify-removelist", end);
    binaryen.setPassArgument("asyncify-ignore-imports", "1");
    binaryen.setOptimizeLevel(1);
    binaryen.setShrinkLevel(0);
    program.runPasses(["asyncify"]);
    for (const name of ADDED) program.removeExport(`asyncify_${name}`);
    program.optimize();
    return program.emitBinary();
  } finally {
    binaryen.setPassArgument("asyncify-removelist", null);
    binaryen.setPassArgument("asyncify-ignore-imports", null);
    program.dispose();
  }
}
