/** A host on a packet socket that sends any frame, and is at as many addresses as it likes. */
import { makePhysicalGather, type Cycles } from "@exolith/hw-model";
import { openPacketNic, type PacketNic } from "@exolith/hw-model/host";
import { addressOf, makeFrame, putArp, TYPE_ARP, type Frame, type Octets } from "./frames.ts";

/** Addresses of a raw host that answers for them: a whole range, where there is no Linux. */
export const RAW_FIRST: number = addressOf("10.9.3.1");
export const RAW_COUNT = 1000;
/** The router that the server is told of: a raw host as well. */
export const RAW_ROUTER: number = addressOf("10.9.3.1");

const ROOM = 65_600;
const REPLY = 2;

/** Sends and receives frames. */
export class RawHost {
  readonly nic: PacketNic;
  /** Its own Ethernet address. */
  readonly octets: Octets;
  /** The frame that is being written. */
  readonly out: Frame = makeFrame(ROOM);
  /** Frames sent, and frames that the interface had no room for. */
  sent = 0;
  refused = 0;
  /** Frames received. */
  received = 0;
  readonly #in: Frame = makeFrame(ROOM);
  readonly #gather = makePhysicalGather(1);

  private constructor(nic: PacketNic) {
    this.nic = nic;
    this.octets = nic.hardware.address;
    this.#gather.count = 1;
  }

  /** Opens the interface `name`, whose frames have at most `frameBytes` bytes. */
  static async open(name: string, frameBytes: number): Promise<RawHost> {
    return new RawHost(await openPacketNic({ interface: name, frameBytes, receiveSlots: 4096 }));
  }

  /** Sends the frame that was written; it goes out with the next `flush` at the latest. */
  send(): boolean {
    this.#gather.lengths[0] = this.out.length;
    this.#gather.length = this.out.length;
    for (let tries = 0; tries < 3; tries++) {
      if (this.nic.transmit({ now: () => 0 as Cycles }, this.out.bytes, this.#gather)) {
        this.sent += 1;
        return true;
      }
      this.flush();
    }
    this.refused += 1;
    return false;
  }

  /** Lets everything go out that waits. */
  flush(): void {
    this.nic.flush(0 as Cycles);
  }

  /** Hands at most `limit` frames to `heard`; answers who asks for its addresses. How many came. */
  poll(limit: number, heard: (frame: Frame) => void): number {
    let taken = 0;
    for (; taken < limit; taken++) {
      const length = this.nic.receive(Infinity as Cycles, this.#in.bytes, 0);
      if (length === 0) break;
      this.#in.length = length;
      if (this.#in.view.getUint16(12) === TYPE_ARP) this.#answer();
      else heard(this.#in);
    }
    this.received += taken;
    return taken;
  }

  /** Lets this thread stand still for a moment. */
  pause(): void {
    this.nic.coalesce();
  }

  #answer(): void {
    const { view, bytes, length } = this.#in;
    const wanted = view.getUint32(38);
    if (length < 42 || view.getUint16(20) !== 1 || wanted < RAW_FIRST || wanted >= RAW_FIRST + RAW_COUNT)
      return;
    const asker = [...bytes.subarray(22, 28)];
    const claim = { operation: REPLY, senderOctets: this.octets, sender: wanted };
    putArp(this.out, asker, this.octets, { ...claim, targetOctets: asker, target: view.getUint32(28) });
    this.send();
  }
}
