/** Another environment on the server's machine, which takes frames in bursts and lets them go again. */
import { createEnvironment, type Exokernel } from "@exolith/exokernel";
import {
  RESOURCE_KINDS,
  capSlot,
  failed,
  must,
  type Cycles,
  type FrameNumber,
  type Gate,
  type ResourceKind,
} from "@exolith/exokernel/abi";
import { eventProgram, type Pollable } from "@exolith/libos-exos";

const own = capSlot(0);
/** Seconds for which it takes what it can get, for which it rests, and between two attempts. */
const BURST_SECONDS = 1.2;
const REST_SECONDS = 1.8;
const ATTEMPT_SECONDS = 0.005;
const IDLE_SECONDS = 0.05;

/** An environment that wants frames. A burst takes what nobody used at first and `beyond` more, which somebody has to give back. */
export class Rival implements Pollable {
  readonly #gate: Gate;
  readonly #beyond: number;
  readonly #held: FrameNumber[] = [];
  /** What it takes in a burst: what was free before the first, and more. */
  #most = 0;
  #target = 0;
  #turnsAt = 0;
  /** True has it take frames in bursts; false lets all of them go. */
  pressing = false;
  bursts = 0;

  constructor(gate: Gate, beyond: number) {
    this.#gate = gate;
    this.#beyond = beyond;
  }

  poll(): boolean {
    if (!this.pressing) this.#target = 0;
    else if (this.#gate.clock.now() >= this.#turnsAt) this.#turn();
    if (this.#target === 0) this.#give(this.#held.length);
    while (this.#held.length < this.#target) {
      const taken = this.#gate.frameAllocAny(own);
      if (failed(taken)) break;
      this.#held.push(taken);
    }
    return false;
  }

  wakeAt(): Cycles {
    return this.#after(this.#held.length < this.#target ? ATTEMPT_SECONDS : IDLE_SECONDS);
  }

  /** Whoever presses is asked too, and gives. */
  revoke(kind: ResourceKind, count: number): number {
    return kind === RESOURCE_KINDS.frame ? this.#give(count) : 0;
  }

  #turn(): void {
    const begins = this.#target === 0;
    if (begins) this.bursts += 1;
    this.#most ||= this.#gate.frames.free() + this.#beyond;
    this.#target = begins ? this.#most : 0;
    this.#turnsAt = this.#after(begins ? BURST_SECONDS : REST_SECONDS);
  }

  #give(count: number): number {
    const given = this.#held.splice(0, count);
    for (const taken of given) must(this.#gate.framesFree(taken, 1, own));
    return given.length;
  }

  #after(seconds: number): Cycles {
    const { clock } = this.#gate;
    return (clock.now() + seconds * clock.hertz) as Cycles;
  }
}

/** Places a rival on a kernel; it is there from its first slice on. */
export function placeRival(kernel: Exokernel, beyond: number): () => Rival | undefined {
  let rival: Rival | undefined;
  const program = eventProgram(2, (gate) => {
    rival = new Rival(gate, beyond);
    return [rival];
  });
  must(createEnvironment(kernel.root, { name: [9, 9], grants: [], program }));
  return () => rival;
}
