/** A handler as its owner claims it: read once, before any state is looked at. */
import { HANDLER_MODULE_BYTES, HANDLER_PIPES, PIPE_STAGES } from "@exolith/secure-bind";
import { copyList } from "../check.ts";
import { passPanic } from "../panic.ts";

/** What a request says. Nothing of it is checked, but to look at it runs nobody's code any more. */
export interface ClaimedHandler {
  readonly program: { readonly module: unknown; readonly fuel: unknown; readonly pipes: unknown };
  /** Bytes of the module that somebody will look at: 0 when it is no module. */
  readonly bytes: number;
  /** The transmit binding that it names, 0 for none. */
  readonly transmit: unknown;
}

/** Captured: what an array or a buffer says of itself is not asked. */
const byteLengths: readonly ((of: unknown) => number)[] = [
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  ArrayBuffer.prototype,
].map((of) =>
  Function.prototype.call.bind(Object.getOwnPropertyDescriptor(of, "byteLength")?.get as () => number),
);

/** A copy of an alien request, bounded; `undefined` when it cannot be read. Only a panic goes on. O(stages of its pipes). */
export function copyRequest(request: unknown): ClaimedHandler | undefined {
  try {
    const { module, fuel, pipes, transmit } = request as Record<string, unknown>;
    const program = { module, fuel, pipes: copyPipes(pipes) };
    return { program, bytes: bytesOf(module), transmit: transmit ?? 0 };
  } catch (reason) {
    passPanic(reason);
    return undefined;
  }
}

/** Pipes with their stages as they came; what is no list is nothing that would verify. */
function copyPipes(alien: unknown): unknown {
  if (alien === undefined) return undefined;
  const pipes = copyList(alien, HANDLER_PIPES);
  return pipes === undefined ? null : pipes.map((pipe) => copyList(pipe, PIPE_STAGES)?.map(copyStage));
}

function copyStage(stage: unknown): unknown {
  const { kind, bytes, word } = stage as Record<string, unknown>;
  return { kind, bytes, word };
}

function bytesOf(module: unknown): number {
  for (const byteLength of byteLengths)
    try {
      return Math.min(byteLength(module), HANDLER_MODULE_BYTES);
    } catch {
      // Not of that kind.
    }
  return 0;
}
