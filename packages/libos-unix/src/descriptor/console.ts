/** The console as an open thing: output only, until the kernel exports its input. */
import type { CapSlot, Gate } from "@exolith/exokernel/abi";
import { failed } from "@exolith/exokernel/abi";
import type { OpenThing } from "./open-thing.ts";
import { refuse, refuseAs } from "../errno.ts";
import { FILE_TYPE, rights } from "../wasi/layout.ts";

/**
 * The machine's console, written through `gate`.
 *
 * **Needs** `write` over the console's name in `slot`; without it each write is refused with `notcapable`.
 */
export const openConsole = (gate: Gate, slot: CapSlot): OpenThing => ({
  fileType: FILE_TYPE.characterDevice,
  rights: rights("fd_write", "poll_fd_readwrite"),
  read: () => refuse("notsup"),
  write: (window, at, length) => {
    const taken = gate.consoleWrite(window, at, length, slot);
    return failed(taken) ? refuseAs(taken) : taken;
  },
  close: () => undefined,
});
