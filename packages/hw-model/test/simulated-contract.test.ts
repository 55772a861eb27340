/** The simulated devices, and the wrappers around them, keep the contracts of their interfaces. */
import {
  clockContract,
  consoleContract,
  diskContract,
  dmaContract,
  frameBufferContract,
  memoryContract,
  nicContract,
  nicPeer,
  processorContract,
  randomContract,
  streamContract,
  timerContract,
  type NicHarness,
} from "../src/contract/index.ts";
import {
  DEC5000_125,
  after,
  faultyNic,
  makeDiskLog,
  makeLoopback,
  makeSimulatedMachine,
  makeSimulatedPair,
  makeSimulatedStreamDevice,
  makeTraceHash,
  makeWire,
  tracedDisk,
  tracedNic,
  type Cycles,
  type Disk,
  type Nic,
  type SimulatedMachine,
  type WireOptions,
} from "../src/index.ts";

const tick = (machine: SimulatedMachine) => (): void =>
  machine.clock.advance(after(machine.clock.now(), machine.clock.hertz / 1000));

const machineHarness = () => {
  const machine = makeSimulatedMachine({ frames: 16, profile: DEC5000_125 });
  return { ...machine, settle: tick(machine) };
};

clockContract("the simulated clock", machineHarness);
timerContract("the simulated interval timer", machineHarness);
processorContract("the simulated processor", machineHarness);
memoryContract("the simulated memory", machineHarness);
memoryContract("a memory with an arena", () => ({
  memory: makeSimulatedMachine({ frames: 33, arenaBytes: 5000 }).memory,
  settle: () => {},
}));
randomContract("the simulated random device", machineHarness);

consoleContract("the simulated console", () => {
  const { console } = makeSimulatedMachine({ frames: 1 });
  return {
    console,
    peer: { type: (bytes) => console.type(bytes), printed: () => console.printed() },
    settle: () => {},
  };
});

const diskHarness = (wrap: (disk: Disk) => Disk) => () => {
  const machine = makeSimulatedMachine({ frames: 64, disks: [{ blocks: 1000, queueSlots: 8 }] });
  const [disk] = machine.disks;
  if (disk === undefined) throw new Error("the machine has a disk");
  return {
    disk: wrap(disk),
    memory: machine.memory.bytes,
    now: () => machine.clock.now(),
    settle: tick(machine),
  };
};

diskContract(
  "the simulated disk",
  diskHarness((disk) => disk),
);
diskContract(
  "a traced disk",
  diskHarness((disk) => tracedDisk(disk, makeDiskLog())),
);

dmaContract("the simulated DMA engine", () => {
  const machine = makeSimulatedMachine({ frames: 16, profile: DEC5000_125, dma: { queueSlots: 8 } });
  const { dma } = machine;
  if (dma === undefined) throw new Error("the machine has an engine");
  return { dma, memory: machine.memory.bytes, now: () => machine.clock.now(), settle: tick(machine) };
});

for (const size of [
  { width: 40, height: 33 },
  { width: 8, height: 6, tile: 3 },
])
  frameBufferContract(`a display of ${size.width} by ${size.height} pixels`, () => {
    const [display] = makeSimulatedMachine({ frames: 1, displays: [size] }).displays;
    if (display === undefined) throw new Error("the machine has a display");
    return { display, settle: () => {} };
  });

const pairHarness =
  (wire: WireOptions, wrap: (nic: Nic) => Nic, offloads = false) =>
  (): NicHarness => {
    const end = { receiveSlots: 16, transmitSlots: 8, offloads };
    const { left, right } = makeSimulatedPair({
      wire,
      left: { frames: 16, profile: DEC5000_125, end, wrapNic: wrap },
      right: { frames: 16, end: { receiveSlots: 64, transmitSlots: 64 } },
    });
    const [nic] = left.nics;
    const [far] = right.nics;
    if (nic === undefined || far === undefined) throw new Error("both ends have an interface");
    return {
      nic,
      peer: nicPeer(far, () => right.clock.now()),
      now: () => left.clock.now(),
      settle: () => {
        tick(left)();
        tick(right)();
      },
    };
  };

const same = (nic: Nic): Nic => nic;
nicContract("a wire without limits", pairHarness({}, same));
nicContract("a wire of 10 Mb/s and 2 ms", pairHarness({ bitsPerSecond: 1e7, delaySeconds: 0.002 }, same));
nicContract("a wire between interfaces with offloads", pairHarness({}, same, true));
nicContract(
  "a traced interface with offloads",
  pairHarness({}, (nic) => tracedNic(nic, makeTraceHash().nic("0")), true),
);
nicContract(
  "a faulty interface with offloads",
  pairHarness({}, (nic) => faultyNic(nic, {}, 1), true),
);
nicContract(
  "a traced interface",
  pairHarness({ bitsPerSecond: 1e8 }, (nic) => tracedNic(nic, makeTraceHash().nic("0"))),
);
nicContract(
  "a faulty interface without faults",
  pairHarness({}, (nic) => faultyNic(nic, {}, 1)),
);

nicContract("a wire with clocks of its owner's", () => {
  let now = 0;
  const clock = (): Cycles => now as Cycles;
  const { nics } = makeWire({ ends: [{ receiveSlots: 16, transmitSlots: 8 }, { transmitSlots: 64 }] });
  return { nic: nics[0], peer: nicPeer(nics[1], clock), now: clock, settle: () => void (now += 1000) };
});

nicContract(
  "a loopback",
  () => {
    let now = 0;
    const clock = (): Cycles => now as Cycles;
    const nic = makeLoopback({ delaySeconds: 1e-6, ends: [{ receiveSlots: 4, transmitSlots: 64 }, {}] });
    return { nic, peer: nicPeer(nic, clock), now: clock, settle: () => void (now += 1000) };
  },
  [{ reason: "the peer is the interface itself", cases: ["counts frames and bytes both ways"] }],
);

streamContract("the simulated stream device", () => {
  const device = makeSimulatedStreamDevice(8, 4096);
  return { device, peer: device.world, settle: () => {} };
});
