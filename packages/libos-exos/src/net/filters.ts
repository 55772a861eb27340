/** The packet filters of a network: what it receives, and what it may send. */
import type { Filter } from "@exolith/exokernel/abi";
import { arpFor, arpFrom, ipv4From, ipv4To } from "@exolith/secure-bind";
import type { HardwareAddress } from "./address.ts";

/**
 * What a host receives: ARP packets whose target is `address`, and IPv4 packets to it.
 *
 * Broadcasts are left to whoever wants them: insert a filter of one's own.
 */
export const receiveFilters = (address: number): readonly Filter[] => [
  arpFor(address),
  ipv4To({ destination: address }),
];

/**
 * The two filters of a sender that cannot lie about who it is: ARP first, then IPv4.
 *
 * A board passes each to `transmitBind`, in this order. The Ethernet source, both
 * addresses of the ARP sender and the IPv4 source are pinned; the rest is free.
 */
export const transmitFilters = (
  hardwareAddress: HardwareAddress,
  address: number,
): readonly [Filter, Filter] => [
  arpFrom({ hardwareAddress, address }),
  ipv4From({ hardwareAddress, address }),
];
