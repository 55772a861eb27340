/** Packet filters from the expressions that people know from tcpdump. */
import type { Filter } from "../filter/term.ts";
import { filterOf } from "./conjunction.ts";
import { ExpressionError } from "./expression-error.ts";
import { EXPRESSION_FILTERS, parseExpression } from "./parse.ts";

/**
 * The packet filters of a tcpdump expression, such as `tcp port 80 and host 10.0.0.1`.
 *
 * A frame satisfies the expression if and only if one of the filters accepts it:
 * `or` comes to several filters, and so does a primitive that looks at both
 * ends or at IPv4 and IPv6. The empty expression accepts every frame; one that
 * nothing satisfies comes to no filter at all. The words that are supported:
 * `ether ip ip6 arp rarp tcp udp sctp icmp icmp6 igmp gre esp ah vlan`, `src dst`,
 * `host net port portrange proto mask broadcast multicast`, `and or ( )`, with
 * numbers and addresses.
 *
 * They mean what they mean to tcpdump. `tcp`, `port` and the like are about IPv4
 * and IPv6 both; `ip and tcp port 80` is about one. Ports are those of whole
 * packets and first fragments over IPv4, behind a header of any length, and of
 * packets without extension headers over IPv6. `vlan` takes frames with a tag of
 * any kind, and all that follows it in the text, `or` and parentheses or not, is
 * about what stands behind the tag; so what is about plain frames goes first.
 *
 * **Fails** throws an `ExpressionError` that names the first word which is not
 * supported: `not`, lengths, byte offsets in brackets, names of hosts and ports;
 * or the whole of one that looks behind two headers at once, or comes to too much.
 * **Cost** at most `EXPRESSION_FILTERS` filters.
 */
export function compileExpression(text: string): readonly Filter[] {
  const filters: Filter[] = [];
  for (const conjunction of parseExpression(text)) {
    const filter = filterOf(conjunction);
    if (filter === undefined) throw new ExpressionError("looks behind two headers at once", text, 0);
    filters.push(filter);
  }
  if (filters.length > EXPRESSION_FILTERS) throw new ExpressionError("comes to too many filters", text, 0);
  return Object.freeze(filters);
}
