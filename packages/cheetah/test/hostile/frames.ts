/** Frames as bytes, written by hand: right ones, of which a test makes wrong ones. */

/** An Ethernet address, six octets. */
export type Octets = readonly number[];

/** Offsets in a frame: IPv4 behind Ethernet, the transport behind an IPv4 header without options. */
export const IP_AT = 14,
  TRANSPORT_AT = 34;

/** Bits of a TCP header. */
export const FIN = 1,
  SYN = 2,
  RST = 4,
  PSH = 8,
  ACK = 16,
  URG = 32;

/** IPv4's protocols. */
export const ICMP = 1,
  TCP = 6,
  UDP = 17;

/** Ethernet's types. */
export const TYPE_IPV4 = 0x0800,
  TYPE_ARP = 0x0806;

/** One frame that is being written or was received. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  length: number;
}

/** Room for a frame. */
export function makeFrame(bytes: number): Frame {
  const buffer = new ArrayBuffer(bytes);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer), length: 0 };
}

/** An IPv4 address as a number, from its words. */
export const addressOf = (text: string): number =>
  text.split(".").reduce((sum, word) => sum * 256 + Number(word), 0);

/** An Ethernet address from its words. */
export const octetsOf = (text: string): Octets => text.split(":").map((word) => Number.parseInt(word, 16));

/** The Internet checksum of bytes that were summed to `start` before. */
export function checksum({ view }: Frame, at: number, length: number, start: number): number {
  let sum = start;
  for (let i = 0; i + 1 < length; i += 2) sum += view.getUint16(at + i);
  if (length % 2 === 1) sum += view.getUint8(at + length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** Writes an Ethernet header. */
export function putEthernet({ bytes, view }: Frame, to: Octets, from: Octets, type: number): void {
  bytes.set(to, 0);
  bytes.set(from, 6);
  view.setUint16(12, type);
}

/** What an IPv4 header says. */
export interface Ip {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  /** Bytes behind the header. */
  readonly length: number;
  readonly identification?: number;
  /** Flags and offset of a fragment. */
  readonly fragment?: number;
  readonly hops?: number;
}

/** Writes an IPv4 header without options, its checksum with it. */
export function putIp(frame: Frame, ip: Ip): void {
  const { view } = frame;
  view.setUint16(IP_AT, 0x4500);
  view.setUint16(IP_AT + 2, 20 + ip.length);
  view.setUint16(IP_AT + 4, ip.identification ?? 0);
  view.setUint16(IP_AT + 6, ip.fragment ?? 0);
  view.setUint8(IP_AT + 8, ip.hops ?? 64);
  view.setUint8(IP_AT + 9, ip.protocol);
  view.setUint32(IP_AT + 12, ip.source);
  view.setUint32(IP_AT + 16, ip.destination);
  sumIp(frame, 20);
}

/** Makes the checksum of an IPv4 header of so many bytes right. */
export function sumIp(frame: Frame, headerBytes: number): void {
  frame.view.setUint16(IP_AT + 10, 0);
  frame.view.setUint16(IP_AT + 10, checksum(frame, IP_AT, headerBytes, 0));
}

/** Makes the checksum of a transport right that lies at `at + TRANSPORT_AT` and is `length` bytes long. */
export function sumTransport(frame: Frame, protocol: number, at: number, length: number): void {
  const { view } = frame;
  const place = TRANSPORT_AT + at;
  view.setUint16(place, 0);
  let pseudo = protocol + length;
  for (let i = 12; i < 20; i += 2) pseudo += view.getUint16(IP_AT + i);
  view.setUint16(place, checksum(frame, TRANSPORT_AT, length, protocol === ICMP ? 0 : pseudo));
}

/** Where a transport's checksum is in its header. */
export const sumPlace = (protocol: number): number => (protocol === TCP ? 16 : protocol === UDP ? 6 : 2);

/** Who speaks to whom on which port. */
export interface Ends {
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** A TCP segment. */
export interface Segment extends Ends {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  /** A multiple of four. */
  readonly options?: readonly number[];
  readonly text?: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Writes a whole frame with a TCP segment in it. */
export function putSegment(frame: Frame, to: Octets, from: Octets, segment: Segment): void {
  const { bytes, view } = frame;
  const { options = [], text = NOTHING } = segment;
  const header = 20 + options.length;
  putEthernet(frame, to, from, TYPE_IPV4);
  putIp(frame, { ...segment, protocol: TCP, length: header + text.length });
  view.setUint16(TRANSPORT_AT, segment.sourcePort);
  view.setUint16(TRANSPORT_AT + 2, segment.destinationPort);
  view.setUint32(TRANSPORT_AT + 4, segment.sequence);
  view.setUint32(TRANSPORT_AT + 8, segment.acknowledgment);
  view.setUint16(TRANSPORT_AT + 12, (header << 10) | segment.flags);
  view.setUint16(TRANSPORT_AT + 14, segment.window);
  view.setUint32(TRANSPORT_AT + 16, 0);
  bytes.set(options, TRANSPORT_AT + 20);
  bytes.set(text, TRANSPORT_AT + header);
  frame.length = TRANSPORT_AT + header + text.length;
  sumTransport(frame, TCP, 16, header + text.length);
}

/** An ARP packet: who says that he is where. */
export interface Claim {
  readonly operation: number;
  readonly senderOctets: Octets;
  readonly sender: number;
  readonly targetOctets: Octets;
  readonly target: number;
}

/** Writes a whole frame with an ARP packet in it. */
export function putArp(frame: Frame, to: Octets, from: Octets, claim: Claim): void {
  const { bytes, view } = frame;
  putEthernet(frame, to, from, TYPE_ARP);
  view.setUint32(14, 0x0001_0800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, claim.operation);
  bytes.set(claim.senderOctets, 22);
  view.setUint32(28, claim.sender);
  bytes.set(claim.targetOctets, 32);
  view.setUint32(38, claim.target);
  frame.length = 42;
}

/** What a received frame says, if it is a TCP segment; its text is not copied. */
export interface Heard extends Ends {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly textLength: number;
  /** The sender's timestamp, 0 without one. */
  readonly timestamp: number;
}

/** Reads a TCP segment of the server, which never has options of IPv4; undefined for anything else. */
export function readSegment({ view, length }: Frame): Heard | undefined {
  if (length < TRANSPORT_AT + 20 || view.getUint16(12) !== TYPE_IPV4 || view.getUint8(IP_AT + 9) !== TCP)
    return undefined;
  const header = (view.getUint8(TRANSPORT_AT + 12) >> 4) * 4;
  return {
    source: view.getUint32(IP_AT + 12),
    destination: view.getUint32(IP_AT + 16),
    sourcePort: view.getUint16(TRANSPORT_AT),
    destinationPort: view.getUint16(TRANSPORT_AT + 2),
    sequence: view.getUint32(TRANSPORT_AT + 4),
    acknowledgment: view.getUint32(TRANSPORT_AT + 8),
    flags: view.getUint8(TRANSPORT_AT + 13),
    textLength: view.getUint16(IP_AT + 2) - 20 - header,
    timestamp: timestampIn(view, header),
  };
}

// Our own server writes timestamps first, or right behind the segment size of a SYN.
function timestampIn(view: DataView, header: number): number {
  for (let at = TRANSPORT_AT + 20; at + 12 <= TRANSPORT_AT + header; at += 4)
    if ((view.getUint32(at) & 0xffff) === 0x080a) return view.getUint32(at + 4);
  return 0;
}
