/** What one more filter costs: verified, checked against theft, inserted, and the next frame classified. */
import type { Subject } from "../kernel/measure.ts";
import { processorTimed } from "./clock.ts";
import { expressionOf, makeEndpoints, type Endpoint } from "./endpoint.ts";
import { makeLargeDemultiplexer } from "./matchers.ts";
import { verifiedFilterOf, type Scene } from "./scene.ts";

/** Filters that come and go in a round. */
const FILTERS = 64;
const SEED = 77;

/** Endpoints of the usual kinds that the scene does not have. */
function newcomers(scene: Scene): readonly Endpoint[] {
  const known = new Set(scene.endpoints.map(expressionOf));
  return makeEndpoints(scene.endpoints.length + 4 * FILTERS, SEED)
    .filter((endpoint) => endpoint.kind === "connection" && !known.has(expressionOf(endpoint)))
    .slice(0, FILTERS);
}

/** Two subjects: coming and going, each with the frame after it, so that no work is put off unseen. */
export function bindingSubjects(scene: Scene): { readonly insert: Subject; readonly remove: Subject } {
  const { memory, at, length } = scene.trace;
  const demultiplexer = makeLargeDemultiplexer();
  const classify = (): number => demultiplexer.classify(memory, at[0] ?? 0, length[0] ?? 0);
  for (const [tag, filter] of scene.filters.entries()) demultiplexer.insert(filter, tag);
  for (let i = 0; i < at.length; i++) demultiplexer.classify(memory, at[i] ?? 0, length[i] ?? 0);
  const coming = newcomers(scene);
  const indices: number[] = [];
  const insert = (): void => {
    for (const [i, endpoint] of coming.entries()) {
      const filter = verifiedFilterOf(endpoint);
      demultiplexer.lessSpecific(filter);
      const index = demultiplexer.insert(filter, scene.filters.length + i);
      if (typeof index === "string") throw new Error(`newcomer ${i}: ${index}`);
      indices.push(index);
      classify();
    }
  };
  const remove = (): void => {
    for (const index of indices.splice(0)) {
      if (!demultiplexer.remove(index)) throw new Error(`newcomer at ${index} is gone`);
      classify();
    }
  };
  const subject = (name: string, run: () => void): Subject => ({
    name: `${name} ${scene.filters.length}`,
    round: () => processorTimed(run, coming.length),
  });
  return { insert: subject("insert", insert), remove: subject("remove", remove) };
}
