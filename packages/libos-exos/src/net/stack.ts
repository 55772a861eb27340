/** A network with TCP on it, and the memory both work in. */
import { failed, type Gate } from "@exolith/exokernel/abi";
import { framesFor, type FramePool } from "../memory/frame-pool.ts";
import { makeRandomWords } from "../memory/random-words.ts";
import { makeNetwork, type Network, type NetworkOptions } from "./network.ts";
import { makeTcp, type Tcp } from "./tcp/endpoint.ts";
import type { TcpLimits } from "./tcp/limits.ts";
import type { PieceSum } from "./tcp/payload-sum.ts";
import { makeReceiveMemory, type ReceiveMemory } from "./tcp/receive-memory.ts";
import { PROTOCOLS } from "./wire/ipv4-wire.ts";

/** What a stack is made from. */
export interface StackOptions extends NetworkOptions {
  /** Bytes of one receive buffer, which is the largest window a peer gets; 64 KiB when absent. */
  readonly receiveBytes?: number;
  /** Receive buffers; 64 when absent. They are lent to connections that have something to keep. */
  readonly receiveBuffers?: number;
  /** What differs from `TCP_LIMITS`. */
  readonly tcp?: Partial<TcpLimits>;
  /** Sums of pieces that TCP sends, if they are known without reading the bytes. */
  readonly pieceSum?: PieceSum | undefined;
}

/** Both layers; serve `network`, which serves TCP too. */
export interface Stack {
  readonly network: Network;
  readonly tcp: Tcp;
  readonly pool: FramePool;
  /** TCP's receive buffers; `free` says how many are not lent. */
  readonly memory: ReceiveMemory & { readonly free: () => number };
}

const RECEIVE_BYTES = 65_536;
const RECEIVE_BUFFERS = 64;

/** Makes a stack. Throws, which is a fault of the environment, when the kernel refuses a part of it. */
export function makeStack(gate: Gate, options: StackOptions): Stack {
  const { pool } = options;
  const receiveMemory = makeMemory(options);
  const random = pool.run(1);
  if (failed(random)) throw new Error(`no frame for random words: ${random.name}`);
  const network = makeNetwork(gate, options);
  const tcp = makeTcp({
    output: network.output,
    clock: gate.clock,
    memory: receiveMemory,
    randomWord: makeRandomWords(gate, random, 0, random.length),
    ...(options.tcp === undefined ? {} : { limits: options.tcp }),
    ...(options.pieceSum === undefined ? {} : { pieceSum: options.pieceSum }),
  });
  network.attach(PROTOCOLS.tcp, tcp);
  return { network, tcp, pool, memory: receiveMemory };
}

function makeMemory(options: StackOptions): Stack["memory"] {
  const bytes = options.receiveBytes ?? RECEIVE_BYTES;
  const window = options.pool.run(framesFor(bytes * (options.receiveBuffers ?? RECEIVE_BUFFERS)));
  if (failed(window)) throw new Error(`no frames for receive buffers: ${window.name}`);
  return makeReceiveMemory(window, bytes);
}
