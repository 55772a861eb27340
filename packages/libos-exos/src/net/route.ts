/** Routing of a host: on the link by prefix, else through one router. */
import { BROADCAST, isGroupAddress, isLoopback, isThisNetwork } from "./address.ts";

/** Where a host stands: its address, the link's prefix, and who else forwards. */
export interface RouteOptions {
  /** Our address, 32 bits. */
  readonly address: number;
  /** Leading bits that every address of the link shares, 0 to 32. */
  readonly prefixLength: number;
  /** Address of the router, on the link; absent when there is none. */
  readonly router?: number;
}

/** The routing table of a host with one interface (RFC 1122 section 3.3.1). */
export interface Route {
  readonly address: number;
  /** The broadcast address of the link's prefix; 255.255.255.255 where the prefix leaves none. */
  readonly broadcast: number;
  /** True for addresses that are reached without a router. O(1). */
  onLink(address: number): boolean;
  /** True for both broadcast addresses. O(1). */
  isBroadcast(address: number): boolean;
  /** The next hop's address, itself for a broadcast; 0 when there is no route. O(1). */
  nextHop(destination: number): number;
  /** True for an address that no datagram may come from (RFC 1122 section 3.2.1.3). O(1). */
  isMartian(source: number): boolean;
}

const maskOf = (prefixLength: number): number =>
  prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;

/** The routing table for `options`. Throws a `RangeError` for a prefix that is not 0 to 32. */
export function makeRoute(options: RouteOptions): Route {
  const { address, prefixLength, router = 0 } = options;
  if (!(prefixLength >= 0 && prefixLength <= 32)) throw new RangeError("prefix length is 0 to 32");
  const mask = maskOf(prefixLength);
  const prefix = (address & mask) >>> 0;
  const broadcast = prefixLength < 31 ? (prefix | ~mask) >>> 0 : BROADCAST;
  const onLink = (other: number): boolean => (other & mask) >>> 0 === prefix;
  const isBroadcast = (other: number): boolean => other === BROADCAST || other === broadcast;
  const neverFrom = (other: number): boolean =>
    isThisNetwork(other) || isLoopback(other) || isGroupAddress(other);
  const isMartian = (source: number): boolean =>
    neverFrom(source) || source === broadcast || source === address;
  const nextHop = (destination: number): number => {
    if (isBroadcast(destination)) return destination;
    if (neverFrom(destination) || destination === address) return 0;
    return onLink(destination) ? destination : router;
  };
  return Object.freeze({ address, broadcast, onLink, isBroadcast, nextHop, isMartian });
}
