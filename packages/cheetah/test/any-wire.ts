/** A wire, a cache and clients that follow from a seed: whatever they are, every byte arrives. */
import { makeRandomSequence } from "@exolith/hw-model";
import { expect } from "vitest";
import { makeManyFiles } from "./generated-source.ts";
import {
  allOver,
  everythingHeld,
  expectAllRight,
  fetchAll,
  makeSimulatedRig,
  nothingLeft,
  settle,
  type SimulatedRig,
} from "./simulated-rig.ts";

/** Limits that no timer of TCP reaches, however much is lost: what fails then is not for want of patience. */
const PATIENT = { idleSeconds: 100, lingerSeconds: 100, stallSeconds: 100 };

interface AnyRig {
  readonly rig: SimulatedRig;
  readonly connections: number;
  readonly depth: number;
}

function makeAnyRig(seed: number): AnyRig {
  const { below } = makeRandomSequence(seed);
  const pick = <T>(choices: readonly [T, ...T[]]): T => choices[below(choices.length)] ?? choices[0];
  const faults = {
    loss: pick([0, 0.01, 0.03]),
    duplicate: pick([0, 0.05]),
    reorder: pick([0, 0.05, 0.2]),
    corrupt: pick([0, 0.01]),
  };
  const wire = {
    faults,
    bitsPerSecond: pick([1e7, 1e8, 1e9, Infinity]),
    delaySeconds: pick([0, 0.0001, 0.005, 0.05]),
  };
  const files = makeManyFiles(100, seed, pick([5000, 200_000, 800_000]));
  const rig = makeSimulatedRig({
    seed,
    files,
    wire,
    cacheFrames: pick([16, 64, 256, 6144]),
    limits: PATIENT,
  });
  return { rig, connections: pick([1, 20, 100, 250]), depth: pick([1, 4, 20]) };
}

/** Fetches two files on each of as many connections as `seed` says, and looks for what is left. */
export function expectAllOverAnyWire(seed: number): void {
  const { rig, connections, depth } = makeAnyRig(seed);
  const all = [...rig.source.files.keys()];
  const paths = Array.from({ length: 2 * connections }, (_, index) => all[index % all.length] ?? "");
  const fetched = fetchAll(rig, paths, { connections, depth });
  rig.until(() => allOver(fetched), 1000);
  expectAllRight(fetched, paths.length);
  settle(rig);
  expect(everythingHeld(rig)).toMatchObject(nothingLeft(rig));
}
