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
 * **Fails** throws an `ExpressionError` that names the first word which is not
 * supported: `not`, lengths, byte offsets in brackets, names of hosts and ports.
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
