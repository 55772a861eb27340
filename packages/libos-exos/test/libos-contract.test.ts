/** ExOS keeps the contract of a library operating system. */
import { libosContract, makeEchoPeer } from "@exolith/exokernel/contract";
import { eventProgram, makeFramePool, makeStack, transmitFilters } from "../src/index.ts";

const ADDRESS = 0x0a00_0001;
const PEER_ADDRESS = 0x0a00_0002;

libosContract("ExOS with its whole network", ({ slots, hardware, peerHardware }) => ({
  program: eventProgram(4, (gate) => {
    const stack = makeStack(gate, {
      nic: 0,
      address: ADDRESS,
      prefixLength: 24,
      slots: { device: slots.nic, guard: slots.guard },
      pool: makeFramePool(gate, slots.guard),
      receiveBytes: 16_384,
    });
    return [stack.network];
  }),
  transmits: transmitFilters(hardware, ADDRESS),
  peer: makeEchoPeer({ hardware, address: ADDRESS, peerHardware, peerAddress: PEER_ADDRESS }),
}));
