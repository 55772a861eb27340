/** A program for tests: our side of exchanges, one environment with TCP on a TAP behind a link that does harm. */
import { createEnvironment, deviceCapability } from "@exolith/exokernel";
import { capSlot, failed, must, type Window } from "@exolith/exokernel/abi";
import { FRAME_BYTES } from "@exolith/hw-model";
import { makeHostMachine, makeWaker, openTap, runOnHost } from "@exolith/hw-model/host";
import {
  eventProgram,
  makeFramePool,
  makeStack,
  type Connection,
  type ConnectionHandler,
  type Stack,
  type TcpLimits,
} from "@exolith/libos-exos";
import { RIGHTS } from "@exolith/secure-bind";
import { bindTransmission, bootMachine } from "../../src/board/environments.ts";
import { readPrefixedAddress } from "../../src/board/addresses.ts";
import { PERIOD, PORT, SALTS, makePattern, type ServerReport } from "./exchange.ts";
import { shapedNic, type Shape } from "./shaped-nic.ts";

/** What the test wants. */
interface Wish {
  readonly shape: Shape;
  readonly seed: number;
  /** Bytes that each connection is told. */
  readonly bytes: number;
  readonly limits: Partial<TcpLimits>;
}

const [name = "", address = "", wish = "{}"] = process.argv.slice(2);
const { shape, seed, bytes, limits } = JSON.parse(wish) as Wish;
const route = readPrefixedAddress(address);
const waker = makeWaker();
const tap = await openTap({ name, address: [2, 0, 0, 0, 0, 1], waker });
const nic = shapedNic(tap, shape, seed);
const machine = makeHostMachine({ frames: (32 * 2 ** 20) / FRAME_BYTES, nics: [nic] });
const theirs = makePattern(SALTS.client);
const SLOTS = { guard: capSlot(0), device: capSlot(1) };

/** Says the pattern out of one window, and checks what it hears. */
class Exchange implements ConnectionHandler {
  readonly #ours: Window;
  readonly #stack: Stack;
  #said = 0;
  #received = 0;
  #wrong = 0;

  constructor(ours: Window, stack: Stack) {
    this.#ours = ours;
    this.#stack = stack;
  }

  opened(connection: Connection): void {
    nic.listen(machine.clock.now());
    this.#say(connection);
  }

  received(_: Connection, window: Window, at: number, length: number): number {
    for (let i = 0; i < length; i++)
      if (window.getU8(at + i) !== theirs[(this.#received + i) % PERIOD]) this.#wrong += 1;
    this.#received += length;
    return length;
  }

  acknowledged(connection: Connection): void {
    this.#say(connection);
  }

  ended(): void {}

  closed(_: Connection, reason: string): void {
    const report: ServerReport = {
      received: this.#received,
      wrong: this.#wrong,
      reason,
      longPauses: nic.longPauses(),
      lost: nic.lost(),
      counters: { ...this.#stack.tcp.counters },
    };
    console.log(`exchanged ${JSON.stringify(report)}`);
  }

  #say(connection: Connection): void {
    while (this.#said < bytes) {
      const at = this.#said % PERIOD;
      const length = Math.min(PERIOD - at, 16_384, bytes - this.#said);
      if (!connection.send(this.#ours, at, length, undefined, 0)) return;
      this.#said += length;
    }
    connection.finish();
  }
}

const program = eventProgram(4, (gate) => {
  const pool = makeFramePool(gate, SLOTS.guard);
  const stack = makeStack(gate, { ...route, nic: 0, slots: SLOTS, pool, ringSlots: 512, tcp: limits });
  const ours = pool.run(Math.ceil(PERIOD / FRAME_BYTES));
  if (failed(ours)) throw new Error(`no frames: ${ours.name}`);
  ours.write(0, makePattern(SALTS.server), 0, PERIOD);
  stack.tcp.listen(PORT, () => new Exchange(ours, stack));
  console.log(`Cheetah serves an exchange at http://${address.replace(/\/.*$/, "")}/`);
  return [stack.network];
});

const kernel = bootMachine(
  machine,
  (reason) => {
    console.error(reason);
    process.exit(1);
  },
  { excessTicksMax: Infinity },
);
const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
const environment = must(createEnvironment(kernel.root, { name: [1, 1], grants, program }));
bindTransmission(kernel, environment, nic, route.address);
const run = runOnHost([kernel], waker);
process.on("SIGTERM", () => void run.stop().then(() => tap.close().then(() => process.exit(0))));
