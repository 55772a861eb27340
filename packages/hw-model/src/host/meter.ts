/** The host's meter: time passes by itself. */
import type { Meter } from "../costs.ts";

const charge = (): void => {};

/** Charges nothing: on a host the clock already shows what was spent. */
export const hostMeter: Meter = Object.freeze({ charge });
