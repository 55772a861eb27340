/** All builders of packet filters: what each protocol looks like to somebody or from somebody. */
export { type HardwareAddress, VLAN_TAG, etherType, inVlan } from "./builders/ethernet.ts";
export { arp, arpFor, arpFrom } from "./builders/arp.ts";
export {
  type IcmpMatch,
  type Ipv4Match,
  type PortMatch,
  type SenderMatch,
  icmpTo,
  ipv4From,
  ipv4To,
  tcpTo,
  udpTo,
} from "./builders/ipv4.ts";
export {
  EXTENSION_CHAINS,
  type ExtensionHeader,
  type ExtensionMatch,
  type Icmp6Match,
  type Ipv6Address,
  type Ipv6Match,
  type Port6Match,
  type Sender6Match,
  icmp6To,
  ipv6From,
  ipv6To,
  tcp6To,
  udp6To,
} from "./builders/ipv6.ts";
export { neighbourFrom, solicitationFor, solicitedNode } from "./builders/neighbour.ts";
