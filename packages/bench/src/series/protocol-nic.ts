/** Charges the work of the protocols where their packets pass: at the interface, the same for every server. */
import type { Nic, PhysicalGather } from "@exolith/hw-model";
import type { Labour } from "./work.ts";

const ETHER_TYPE = 12;
const IPV4 = 0x0800;
const IP_PROTOCOL = 23;
const IP_LENGTH = 14;
const TCP = 6;
const IP_AT = 14;
const TCP_FLAGS = 13;
const SYN = 2;
const ACK = 16;

/** What a frame is, as far as its work goes. */
type Kind = "other" | "opening" | "segment";

/** The kind of the frame that begins at `at`. */
export function kindOf(memory: Uint8Array, at: number): Kind {
  const u8 = (offset: number): number => memory[at + offset] ?? 0;
  if (u8(ETHER_TYPE) * 256 + u8(ETHER_TYPE + 1) !== IPV4 || u8(IP_PROTOCOL) !== TCP) return "other";
  const flags = u8(IP_AT + (u8(IP_LENGTH) & 15) * 4 + TCP_FLAGS);
  return (flags & (SYN | ACK)) === SYN ? "opening" : "segment";
}

/** Told of every frame, after the work that is the same everywhere. */
export interface PacketWork {
  received(): void;
  sent(): void;
}

function protocols(labour: Labour, kind: Kind): void {
  if (kind === "other") return;
  labour.do("ipPacket");
  labour.do("tcpSegment");
}

/** `nic`, whose frames cost an interrupt each that arrives, and what IP and TCP do with them. */
export function protocolNic(nic: Nic, labour: Labour, also: PacketWork): Nic {
  return {
    ...nic,
    receive: (now, memory, at) => {
      const length = nic.receive(now, memory, at);
      if (length === 0) return 0;
      const kind = kindOf(memory, at);
      labour.do("interrupt");
      protocols(labour, kind);
      if (kind === "opening") labour.do("tcpConnection");
      also.received();
      return length;
    },
    transmit: (clock, memory, gather: PhysicalGather) => {
      if (!nic.transmit(clock, memory, gather)) return false;
      protocols(labour, kindOf(memory, gather.addresses[0] ?? 0));
      also.sent();
      return true;
    },
  };
}
