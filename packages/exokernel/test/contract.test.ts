/** The kernel keeps its own contract. */
import { MODERN_3GHZ, makeLoopback, makeSimulatedMachine, runSimulated, spaceBytes } from "@exolith/hw-model";
import { kernelContract, type KernelHarness } from "../src/contract/index.ts";
import { boot } from "../src/index.ts";

const FAST_DISK = {
  blocks: 64,
  seekSeconds: 1e-5,
  fullSeekSeconds: 2e-5,
  overheadSeconds: 1e-6,
  bytesPerSecond: 1e9,
};

function makeHarness(): KernelHarness {
  const { hertz } = MODERN_3GHZ;
  const machine = makeSimulatedMachine({
    frames: 128,
    arenaBytes: spaceBytes(16),
    nics: [makeLoopback({ ends: [{ hertz }, { hertz }] })],
    disks: [FAST_DISK],
    streams: 1,
    displays: [{ width: 64, height: 32 }],
  });
  const kernel = boot(machine, { revocationSeconds: 2e-4 });
  return {
    root: kernel.root,
    settle: () => void runSimulated([{ clock: machine.clock, steppable: kernel }], { seconds: 0.001 }),
    openStream: (text) => {
      const { world } = machine.streams[0] as (typeof machine.streams)[number];
      world.send(world.open(), new TextEncoder().encode(text));
    },
  };
}

kernelContract("the kernel on a simulated machine", makeHarness);
