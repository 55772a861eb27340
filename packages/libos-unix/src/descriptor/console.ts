/** The console as a stream: output only, until the kernel exports its input. */
import type { CapSlot, Gate, Window } from "@exolith/exokernel/abi";
import { failed } from "@exolith/exokernel/abi";
import { OUTPUT_RIGHTS, type Stream } from "./stream.ts";
import { refuse, refuseAs } from "../errno.ts";
import { FILE_TYPE } from "../wasi/layout.ts";

/**
 * The machine's console, written through `gate` by way of `window`.
 *
 * **Needs** `write` over the console's name in `slot`; without it each write is refused with `notcapable`.
 * **Owner** what `window` holds is overwritten by each write.
 */
export const openConsole = (gate: Gate, slot: CapSlot, window: Window): Stream => ({
  fileType: FILE_TYPE.characterDevice,
  rights: OUTPUT_RIGHTS,
  read: () => refuse("notsup"),
  write: (from, at, length) => {
    const count = Math.min(length, window.length);
    if (count === 0) return length === 0 ? 0 : refuse("io");
    window.write(0, from, at, count);
    const taken = gate.consoleWrite(window, 0, count, slot);
    return failed(taken) ? refuseAs(taken) : taken;
  },
  readable: () => refuse("notsup"),
  writable: () => (window.length === 0 ? refuse("io") : window.length),
  close: () => undefined,
});
