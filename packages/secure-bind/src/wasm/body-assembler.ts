/** Puts a rewritten function body together. */
import { ByteWriter } from "./byte-writer.ts";
import type { LocalGroups } from "./local-groups.ts";
import { refuse } from "./module-refusal.ts";
import type { ScratchLocals } from "./scratch-locals.ts";

/** The longest function body that engines take. */
export const ENGINE_BODY_BYTES = 7_654_321;
/** The most locals of one function that engines take. */
const ENGINE_LOCALS = 50_000;

/** What a body is made of. */
export interface BodyParts {
  /** Offset of the original body, for refusals. */
  readonly from: number;
  /** The function's own locals, and those that were added. */
  readonly locals: LocalGroups;
  readonly scratch: ScratchLocals;
  /** What is done on entry, and the rest of the code with its end. */
  readonly entry: ByteWriter;
  readonly code: ByteWriter;
}

/** Assembles the bodies of one module, one after another. */
export class BodyAssembler {
  readonly #head: ByteWriter = new ByteWriter(256);

  /** Writes a body behind its size. Refuses what no engine would take, with nothing written. */
  write({ from, locals, scratch, entry, code }: BodyParts, to: ByteWriter): void {
    const head = this.#head;
    head.clear();
    locals.write(head, scratch.count);
    scratch.declare(head);
    const size = head.length + entry.length + code.length;
    if (size > ENGINE_BODY_BYTES) refuse("TooLarge", from, "bodyBytes");
    if (locals.count + scratch.count > ENGINE_LOCALS) refuse("TooLarge", from, "locals");
    to.u32(size);
    to.append(head);
    to.append(entry);
    to.append(code);
  }
}
