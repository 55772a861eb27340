/** The parser of filter expressions: words in, alternatives out. */
import {
  hardwareOctetsOf,
  ipv6WordsOf,
  numberOf,
  octetsOf,
  packOctets,
  prefixMask,
  rangeMasks,
} from "./address.ts";
import { both, type Alternatives } from "./conjunction.ts";
import { ExpressionError } from "./expression-error.ts";
import {
  ETHER_TYPES,
  PORTED,
  PROTOCOLS,
  ends,
  etherTypeIs,
  hardwareIs,
  ipv4Is,
  ipv4Port,
  ipv4Protocol,
  ipv6Is,
  ipv6Port,
  ipv6Protocol,
  isIpv4Multicast,
  isIpv6Multicast,
  isMulticast,
  vlan,
  type Direction,
  type MaskedPort,
} from "./primitives.ts";
import { wordsOf, type Word } from "./words.ts";

/** Packet filters that one expression may come to. */
export const EXPRESSION_FILTERS = 256;

/** Parentheses that may be nested. */
const DEPTH = 64;

const KINDS = ["host", "net", "port", "portrange", "proto"] as const;
type Kind = (typeof KINDS)[number];

/** What stands before an id; a later id without any of its own has the same. */
interface Qualifiers {
  readonly protocol: string | undefined;
  readonly direction: Direction;
  readonly kind: Kind;
}

const BROADCAST = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
const END: Word = { text: "", at: 0 };
const isKind = (text: string): text is Kind => (KINDS as readonly string[]).includes(text);
const isProtocol = (text: string): boolean =>
  text === "ether" || ETHER_TYPES.has(text) || PROTOCOLS.has(text);
const isGroup = (text: string): boolean => text === "multicast" || text === "broadcast";
const isDirection = (text: string): text is "src" | "dst" => text === "src" || text === "dst";

class Parser {
  readonly #words: readonly Word[];
  readonly #end: Word;
  #next = 0;
  #depth = 0;
  /** Bytes of VLAN tags that were asked for so far. */
  #link = 0;
  #last: Qualifiers | undefined;

  constructor(text: string) {
    this.#words = wordsOf(text);
    this.#end = { ...END, at: text.length };
  }

  parse(): Alternatives {
    if (this.#words.length === 0) return [[]];
    const found = this.#sum();
    if (this.#next < this.#words.length) throw this.#unexpected("not expected here");
    return found;
  }

  get #word(): Word {
    return this.#words[this.#next] ?? this.#end;
  }
  #take(): Word {
    const word = this.#word;
    this.#next += 1;
    return word;
  }
  #takes(text: string): boolean {
    if (this.#word.text !== text) return false;
    this.#next += 1;
    return true;
  }
  #unexpected(reason: string, { text, at }: Word = this.#word): ExpressionError {
    return new ExpressionError(reason, text, at);
  }

  /** `and` and `or` have the same precedence and go from left to right, as in tcpdump. */
  #sum(): Alternatives {
    let found = this.#factor();
    for (;;) {
      if (this.#takes("or")) found = [...found, ...this.#factor()];
      else if (this.#takes("and")) found = both(found, this.#factor());
      else return found;
      if (found.length > EXPRESSION_FILTERS) throw this.#unexpected("comes to too many filters before");
    }
  }

  #factor(): Alternatives {
    if (this.#word.text === "not") throw this.#unexpected("not supported");
    if (!this.#takes("(")) return this.#primitive();
    this.#depth += 1;
    if (this.#depth > DEPTH) throw this.#unexpected("too many parentheses");
    const found = this.#sum();
    if (!this.#takes(")")) throw this.#unexpected('")" is missing before');
    this.#depth -= 1;
    return found;
  }

  #primitive(): Alternatives {
    const { text } = this.#word;
    if (text === "vlan") return this.#vlan();
    if (isGroup(text)) return this.#group(undefined);
    const isQualified = isProtocol(text) || isDirection(text) || isKind(text);
    if (!isQualified) return this.#again();
    const protocol = isProtocol(text) ? this.#take().text : undefined;
    if (isGroup(this.#word.text)) return this.#group(protocol);
    const direction = this.#direction();
    const kind = isKind(this.#word.text) ? (this.#take().text as Kind) : undefined;
    if (kind === undefined && direction === undefined) return this.#protocolAlone(protocol ?? "");
    const qualifiers = { protocol, direction: direction ?? "either", kind: kind ?? "host" } as const;
    this.#last = qualifiers;
    return this.#identified(qualifiers, this.#take());
  }

  /** An id without qualifiers: those of the one before it hold. */
  #again(): Alternatives {
    const word = this.#word;
    const looksLikeId = /^[\d.:/a-f-]+$/i.test(word.text) && word.text !== "";
    if (this.#last === undefined || !looksLikeId) throw this.#unexpected("not supported");
    return this.#identified(this.#last, this.#take());
  }

  #direction(): Direction | undefined {
    const first = this.#word.text;
    if (!isDirection(first)) return undefined;
    this.#next += 1;
    const between = this.#word.text;
    const second = this.#words[this.#next + 1]?.text ?? "";
    if ((between !== "or" && between !== "and") || !isDirection(second) || second === first) return first;
    this.#next += 2;
    return between === "or" ? "either" : "both";
  }

  #vlan(): Alternatives {
    this.#next += 1;
    const id = numberOf(this.#word.text, 0xfff);
    if (id >= 0) this.#next += 1;
    const found = vlan(this.#link, id);
    this.#link += 4;
    return found;
  }

  #group(protocol: string | undefined): Alternatives {
    const isBroadcast = this.#word.text === "broadcast";
    if (protocol === undefined || protocol === "ether") {
      this.#next += 1;
      return [isBroadcast ? hardwareIs(BROADCAST, false) : isMulticast()];
    }
    const isIp = protocol === "ip" || protocol === "ip6";
    if (isBroadcast || !isIp) throw this.#unexpected("not supported for that protocol");
    this.#next += 1;
    return [protocol === "ip" ? isIpv4Multicast(this.#link) : isIpv6Multicast(this.#link)];
  }

  #protocolAlone(name: string): Alternatives {
    const type = ETHER_TYPES.get(name);
    if (type !== undefined) return [etherTypeIs(this.#link, type)];
    const protocol = PROTOCOLS.get(name);
    if (protocol === undefined) throw this.#unexpected("an address is missing before");
    return this.#overIp(name, protocol);
  }

  #overIp(name: string, protocol: number): Alternatives {
    const four = name === "icmp6" ? [] : [ipv4Protocol(this.#link, protocol)];
    const six = name === "icmp" || name === "igmp" ? [] : ipv6Protocol(this.#link, protocol);
    return [...four, ...six];
  }

  #identified(qualifiers: Qualifiers, word: Word): Alternatives {
    switch (qualifiers.kind) {
      case "proto":
        return this.#protocolNumber(qualifiers, word);
      case "port":
        return this.#ports(qualifiers, word, this.#port(word.text, word));
      case "portrange":
        return this.#ports(qualifiers, word, this.#portRange(word));
      case "net":
        return this.#network(qualifiers, word);
      default:
        return this.#host(qualifiers, word);
    }
  }

  #protocolNumber({ protocol, direction }: Qualifiers, word: Word): Alternatives {
    if (direction !== "either") throw this.#unexpected("has no direction", word);
    if (protocol === "ether") {
      const type = ETHER_TYPES.get(word.text) ?? numberOf(word.text, 0xffff);
      if (type < 0x600) throw this.#unexpected("no Ethernet type", word);
      return [etherTypeIs(this.#link, type)];
    }
    const number = PROTOCOLS.get(word.text) ?? numberOf(word.text, 0xff);
    if (number < 0) throw this.#unexpected("no protocol", word);
    if (protocol === "ip") return [ipv4Protocol(this.#link, number)];
    if (protocol === "ip6") return ipv6Protocol(this.#link, number);
    if (protocol === undefined)
      return [ipv4Protocol(this.#link, number), ...ipv6Protocol(this.#link, number)];
    throw this.#unexpected("not a protocol that carries others before", word);
  }

  #port(text: string, word: Word): readonly MaskedPort[] {
    const port = numberOf(text, 0xffff);
    if (port < 0) throw this.#unexpected("no port number", word);
    return [{ value: port, mask: 0xffff }];
  }

  #portRange(word: Word): readonly MaskedPort[] {
    const [low = "", high = "", more] = word.text.split("-");
    const from = numberOf(low, 0xffff);
    const to = numberOf(high, 0xffff);
    if (from < 0 || to < 0 || more !== undefined) throw this.#unexpected("no range of ports", word);
    return rangeMasks(Math.min(from, to), Math.max(from, to));
  }

  #ports({ protocol, direction }: Qualifiers, word: Word, ports: readonly MaskedPort[]): Alternatives {
    if (protocol !== undefined && !PORTED.includes(protocol))
      throw this.#unexpected("that protocol has no ports before", word);
    const names = protocol === undefined ? PORTED : [protocol];
    return names.flatMap((name) => {
      const number = PROTOCOLS.get(name) ?? 0;
      const over = (build: typeof ipv4Port): Alternatives =>
        ends(direction, (source) => ports.map((port) => build(this.#link, number, port, source)));
      return [...over(ipv4Port), ...over(ipv6Port)];
    });
  }

  #host(qualifiers: Qualifiers, word: Word): Alternatives {
    const { protocol, direction } = qualifiers;
    if (protocol === "ether") {
      const octets = hardwareOctetsOf(word.text);
      if (octets === undefined) throw this.#unexpected("no Ethernet address", word);
      return ends(direction, (source) => [hardwareIs(octets, source)]);
    }
    const octets = octetsOf(word.text);
    if (octets?.length === 4) return this.#ipv4(qualifiers, word, packOctets(octets), 0xffff_ffff);
    const words = ipv6WordsOf(word.text);
    if (words === undefined) throw this.#unexpected("no address; names are not looked up", word);
    return this.#ipv6(qualifiers, word, words, 128);
  }

  #network(qualifiers: Qualifiers, word: Word): Alternatives {
    const [address = "", length] = word.text.split("/");
    const octets = octetsOf(address);
    if (octets === undefined) {
      const words = ipv6WordsOf(address);
      const bits = length === undefined ? 128 : numberOf(length, 128);
      if (words === undefined || bits < 0) throw this.#unexpected("no network", word);
      if (words.some((part, i) => (part & ~prefixMask(bits - 32 * i)) !== 0))
        throw this.#unexpected("has bits outside its mask", word);
      return this.#ipv6(qualifiers, word, words, bits);
    }
    const bits = length === undefined ? 8 * octets.length : numberOf(length, 32);
    if (bits < 0) throw this.#unexpected("no network", word);
    const mask = this.#takes("mask") ? this.#mask() : prefixMask(bits);
    const packed = packOctets(octets);
    if ((packed & ~mask) !== 0) throw this.#unexpected("has bits outside its mask", word);
    return this.#ipv4(qualifiers, word, packed, mask);
  }

  #mask(): number {
    const word = this.#take();
    const octets = octetsOf(word.text);
    if (octets?.length !== 4) throw this.#unexpected("no mask", word);
    return packOctets(octets);
  }

  #ipv4({ protocol, direction }: Qualifiers, word: Word, address: number, mask: number): Alternatives {
    const types = protocol === undefined ? ["ip", "arp", "rarp"] : [protocol];
    if (PROTOCOLS.has(protocol ?? "")) throw this.#unexpected("that protocol has no addresses before", word);
    if (protocol === "ip6") throw this.#unexpected("no IPv6 address", word);
    return types.flatMap((type) =>
      ends(direction, (source) => [ipv4Is(this.#link, type, address, mask, source)]),
    );
  }

  #ipv6(
    { protocol, direction }: Qualifiers,
    word: Word,
    words: readonly number[],
    bits: number,
  ): Alternatives {
    const packets = ends(direction, (source) => [ipv6Is(this.#link, words, bits, source)]);
    if (protocol === undefined || protocol === "ip6") return packets;
    throw this.#unexpected("no address of that protocol", word);
  }
}

/** The alternatives of an expression. Throws an `ExpressionError`. */
export const parseExpression = (text: string): Alternatives => new Parser(text).parse();
