/** Two Workers that talk to each other: by `Atomics` on shared memory, and by messages. */
import { once } from "node:events";
import { extname } from "node:path";
import { MessageChannel, Worker, type MessagePort } from "node:worker_threads";
import type { Peers } from "./peer.ts";

/** What a Worker of the pair is started with. */
export interface PairStart {
  readonly isLeader: boolean;
  /** To the other one. */
  readonly port: MessagePort;
  /** Words that both see: there, back, and what the one that answers saw last. */
  readonly words: Int32Array;
}

/** What it is told to do: the leader of a kind measures it. */
export interface PairOrder {
  readonly kind: "atomics" | "messages";
  readonly times: number;
}

/** Names of the subjects. */
export const WORKERS = {
  atomics: "Atomics.wait/notify round trip",
  messages: "postMessage round trip",
} as const;

async function start(data: PairStart): Promise<Worker> {
  const module = new URL(`./pair-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(module, { workerData: data, transferList: [data.port] });
  await once(worker, "message");
  return worker;
}

const answer = async (worker: Worker, order: PairOrder): Promise<number> => {
  worker.postMessage(order);
  const [nanoseconds] = (await once(worker, "message")) as [number];
  return nanoseconds;
};

/** Starts the pair; `times` round trips in a round. */
export async function workerPeers(times: number): Promise<Peers> {
  const { port1, port2 } = new MessageChannel();
  const words = new Int32Array(new SharedArrayBuffer(12));
  const leader = await start({ isLeader: true, port: port1, words });
  const other = await start({ isLeader: false, port: port2, words });
  const atomics = async (): Promise<number> => {
    const order: PairOrder = { kind: "atomics", times };
    const [nanoseconds] = await Promise.all([answer(leader, order), answer(other, order)]);
    return nanoseconds;
  };
  return {
    subjects: [
      { name: WORKERS.atomics, round: atomics },
      { name: WORKERS.messages, round: () => answer(leader, { kind: "messages", times }) },
    ],
    skipped: [],
    close: async () => {
      await leader.terminate();
      await other.terminate();
    },
  };
}
