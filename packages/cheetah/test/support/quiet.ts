/** Whether a program rests: what Linux says it has used, and how often it was woken. */
import { existsSync, readFileSync } from "node:fs";
import { pause } from "./waiting.ts";

/** Why what a program uses cannot be read. */
export const noStatistics: string | undefined = existsSync("/proc/self/stat")
  ? undefined
  : "no /proc on this host";

/** What a program may do in a span of time and still be called quiet. */
export interface Quiet {
  readonly milliseconds: number;
  /** Processor time of all its threads, in ticks of 10 ms. */
  readonly ticks: number;
  /** How often its main thread went to sleep, which is as often as it was woken. */
  readonly wakings: number;
}

const SPANS = 5;

function useOf(id: number): { ticks: number; wakings: number } {
  const statistics = readFileSync(`/proc/${id}/stat`, "utf8");
  const fields = statistics.slice(statistics.lastIndexOf(")") + 2).split(" ");
  const wakings = /^voluntary_ctxt_switches:\s*(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8"));
  return { ticks: Number(fields[11]) + Number(fields[12]), wakings: Number(wakings?.[1]) };
}

/**
 * Undefined as soon as the program `id` was `quiet` for one span, else what it did in each of five.
 *
 * Several spans, because an engine compiles and collects for a while after the work that asked for it, the longer the
 * busier the host is. A program that polls is quiet in none.
 */
export async function unrest(id: number, quiet: Quiet): Promise<string | undefined> {
  const seen: string[] = [];
  for (let span = 0; span < SPANS; span++) {
    const before = useOf(id);
    await pause(quiet.milliseconds);
    const after = useOf(id);
    const ticks = after.ticks - before.ticks;
    const wakings = after.wakings - before.wakings;
    if (ticks <= quiet.ticks && wakings <= quiet.wakings) return undefined;
    seen.push(`${ticks} ticks and ${wakings} wakings`);
  }
  return seen.join(", ");
}
