/** What stands at a point, where a program that was suspended there finds that it is back. */
import type { ByteWriter } from "./byte-writer.ts";
import { writeOne } from "./charges.ts";
import { INSTRUCTIONS } from "./instructions.ts";
import { goOn, openUnlikely, writeConstant } from "./program-frame.ts";
import type { ProgramLabels } from "./program-labels.ts";
import { GLOBALS, PROGRAM_GLOBALS } from "./runtime.ts";

const GLOBAL_GET = INSTRUCTIONS["global.get"];
const END = INSTRUCTIONS.end;

/** In front of a call of what is imported: the program is where it was, if it was on its way back. */
export function arrive(code: ByteWriter): void {
  writeOne(code, GLOBAL_GET, PROGRAM_GLOBALS.state);
  openUnlikely(code);
  goOn(code);
  code.u8(END);
}

/**
 * The same for a call through a table, which may have reached either kind.
 *
 * A function of the program's own would have saved its frame before this one's:
 * without any left, it was one that is imported.
 */
export function arriveIndirectly(code: ByteWriter): void {
  writeOne(code, GLOBAL_GET, PROGRAM_GLOBALS.state);
  openUnlikely(code);
  writeOne(code, GLOBAL_GET, PROGRAM_GLOBALS.context);
  writeOne(code, GLOBAL_GET, PROGRAM_GLOBALS.contextStart);
  code.u8(INSTRUCTIONS["i32.eq"]);
  openUnlikely(code);
  goOn(code);
  code.bytes([END, END]);
}

/** In front of an operation that may take long: what was used before is paid for first. */
export function arriveInFront(code: ByteWriter, labels: ProgramLabels, point: number): void {
  arrive(code);
  writeOne(code, GLOBAL_GET, GLOBALS.fuel);
  writeConstant(code, 0);
  code.u8(INSTRUCTIONS["i32.lt_s"]);
  openUnlikely(code);
  labels.unwindTo(point, 1);
  code.u8(END);
}
