/** One of two Workers that talk to each other: the leader measures, the other answers. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import type { PairOrder, PairStart } from "./workers.ts";

const { isLeader, port, words } = workerData as PairStart;

/** Waits until word `index` is no longer `value`, asleep. */
function sleepWhile(index: number, value: number): void {
  while (Atomics.load(words, index) === value) Atomics.wait(words, index, value);
}

/** Round trips by `Atomics`: word 0 goes there, word 1 comes back. */
function lead(times: number): void {
  for (let i = 0; i < times; i++) {
    const answer = Atomics.load(words, 1);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    sleepWhile(1, answer);
  }
}

function follow(times: number): void {
  let seen = Atomics.load(words, 2);
  for (let i = 0; i < times; i++) {
    sleepWhile(0, seen);
    seen = Atomics.load(words, 0);
    Atomics.add(words, 1, 1);
    Atomics.notify(words, 1);
  }
  Atomics.store(words, 2, seen);
}

/** Round trips by messages, one after the other. */
function leadMessages(peer: MessagePort, times: number, done: () => void): void {
  let left = times;
  peer.on("message", () => {
    left -= 1;
    if (left > 0) peer.postMessage(left);
    else {
      peer.removeAllListeners("message");
      done();
    }
  });
  peer.postMessage(left);
}

const report = (begun: bigint, times: number): void =>
  parentPort?.postMessage(Number(process.hrtime.bigint() - begun) / times);

if (!isLeader) port.on("message", (value) => port.postMessage(value));

parentPort?.on("message", ({ kind, times }: PairOrder) => {
  const begun = process.hrtime.bigint();
  if (kind === "atomics") {
    if (isLeader) lead(times);
    else follow(times);
    report(begun, times);
  } else leadMessages(port, times, () => report(begun, times));
});

parentPort?.postMessage("ready");
