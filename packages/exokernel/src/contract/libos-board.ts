/** The board on which the suite tries a library operating system: a machine, a kernel, a wire, a peer. */
import {
  MODERN_3GHZ,
  makeSimulatedMachine,
  makeWire,
  runSimulated,
  type FaultRates,
  type Steppable,
} from "@exolith/hw-model";
import { nicPeer } from "@exolith/hw-model/contract";
import { RIGHTS, type Filter } from "@exolith/secure-bind";
import { boot, type Exokernel } from "../boot.ts";
import { createEnvironment, deviceCapability } from "../create-environment.ts";
import { failed, must } from "../abi/errors.ts";
import type { Gate } from "../abi/gate.ts";
import { capSlot, rowOf, type CapSlot, type Cycles, type EnvId, type TransmitId } from "../abi/ids.ts";
import type { ResourceKind } from "../abi/resources.ts";
import type { Program, Upcalls } from "../abi/upcalls.ts";

/** What a library operating system is started with. */
export interface LibosSurroundings {
  /** Its own capability, and one for network interface 0, granted before its first slice. */
  readonly slots: { readonly guard: CapSlot; readonly nic: CapSlot };
  /** Its interface, and the one at the other end of the wire. */
  readonly hardware: readonly number[];
  readonly peerHardware: readonly number[];
}

/** Whoever asks it for service, from the other end of the wire. */
export interface LibosPeer {
  /** The frames of one request, fresh each time. */
  request(): readonly Uint8Array[];
  /** Hears a frame; what to send in answer. */
  hear(frame: Uint8Array): readonly Uint8Array[];
  /** Requests answered, whole and correct. */
  answered(): number;
}

/** A library operating system under test. */
export interface LibosUnderTest {
  readonly program: Program;
  /** What it may send: one transmit binding for each, made by the board after the program has been started. */
  readonly transmits: readonly Filter[];
  readonly peer: LibosPeer;
  /** Kinds of resources of which it gives one back in time, whenever it is asked; none by default. */
  readonly givesBack?: readonly ResourceKind[];
}

/** Makes one; called for every case. */
export type StartLibos = (surroundings: LibosSurroundings) => LibosUnderTest;

/** How a board differs from the quiet one. */
export interface LibosBoardOptions {
  readonly faults?: FaultRates;
  /** What the program sees instead of its gate. */
  readonly gate?: (gate: Gate) => Gate;
  /** What the kernel sees instead of its entry points. */
  readonly entries?: (entries: Upcalls) => Upcalls;
}

const FRAMES = 4096;
const HARDWARE = [2, 0, 0, 0, 0, 1];
const PEER_HARDWARE = [2, 0, 0, 0, 0, 2];
const own = capSlot(0);

/** A machine with a kernel, a library operating system that may be started on it, and its peer. */
export class LibosBoard {
  readonly kernel: Exokernel;
  readonly root: Gate;
  /** What its environment threw, oldest first. */
  readonly faults: unknown[] = [];
  transmits: readonly TransmitId[] = [];
  environment: EnvId = 0 as EnvId;
  /** The entry points that it registered. */
  entries: Upcalls | undefined;
  readonly #libos: LibosUnderTest;
  readonly #options: LibosBoardOptions;
  readonly #run: (seconds: number, until?: () => boolean) => void;
  readonly #send: (frame: Uint8Array) => void;

  constructor(start: StartLibos, options: LibosBoardOptions = {}) {
    const { hertz } = MODERN_3GHZ;
    const wire = makeWire({
      bitsPerSecond: 1e9,
      delaySeconds: 50e-6,
      faults: options.faults ?? {},
      seed: 7,
      ends: [
        { hertz, address: HARDWARE },
        { hertz, address: PEER_HARDWARE },
      ],
    });
    const machine = makeSimulatedMachine({ frames: FRAMES, nics: [wire.nics[0]] });
    const far = nicPeer(wire.nics[1], () => machine.clock.now());
    this.kernel = boot(machine, { faulted: (_, reason) => void this.faults.push(reason) });
    this.root = this.kernel.root;
    this.#options = options;
    this.#libos = start({
      slots: { guard: own, nic: capSlot(1) },
      hardware: HARDWARE,
      peerHardware: PEER_HARDWARE,
    });
    this.#send = (frame) => far.send(frame);
    const hear = (): boolean => {
      const frame = far.take();
      if (frame === undefined) return false;
      for (const answer of this.#libos.peer.hear(frame)) far.send(answer);
      return true;
    };
    const steppable: Steppable = {
      step: () => {
        const heard = hear();
        return this.kernel.step() || heard;
      },
      wakeAt: () => Math.min(this.kernel.wakeAt(), wire.nics[1].wakeAt(machine.clock.now())) as Cycles,
    };
    this.#run = (seconds, until = () => false) => {
      const end = (machine.clock.now() + seconds * hertz) as Cycles;
      const { why } = runSimulated([{ clock: machine.clock, steppable }], { seconds, until });
      if (why !== "until" && machine.clock.now() < end) machine.clock.advance(end);
    };
  }

  /** Creates its environment; false when the program did not start. */
  start(): boolean {
    const { program } = this.#libos;
    const { gate: wrap = (gate: Gate): Gate => gate, entries = (all: Upcalls): Upcalls => all } =
      this.#options;
    const grants = [deviceCapability("nic", 0, RIGHTS.allocate)];
    const created = createEnvironment(this.root, {
      name: [1, 1],
      grants,
      program: (gate) => {
        this.entries = program(wrap(gate));
        return entries(this.entries);
      },
    });
    if (failed(created)) return false;
    this.environment = created;
    this.bindTransmits();
    return true;
  }

  /** Lets it send what it may. */
  bindTransmits(): void {
    const bind = (filter: Filter): TransmitId =>
      must(this.root.transmitBind(0, filter, this.environment, own, own));
    this.transmits = this.#libos.transmits.map(bind);
  }

  /** What it says it gives back when it is asked. */
  get givesBack(): readonly ResourceKind[] {
    return this.#libos.givesBack ?? [];
  }

  /** Whether its environment lives. */
  get alive(): boolean {
    return this.environment !== 0 && this.root.environments.id(rowOf(this.environment)) === this.environment;
  }

  /** Simulated seconds go by. */
  run(seconds: number): void {
    this.#run(seconds);
  }

  /** Sends a frame of the suite's own. */
  send(frame: Uint8Array): void {
    this.#send(frame);
  }

  /** Requests service at most `times` times, a fifth of a second apart; true when it was answered. */
  serves(times: number): boolean {
    const before = this.#libos.peer.answered();
    const isAnswered = (): boolean => this.#libos.peer.answered() > before;
    for (let i = 0; i < times && !isAnswered(); i++) {
      for (const frame of this.#libos.peer.request()) this.#send(frame);
      this.#run(0.2, isAnswered);
    }
    return isAnswered();
  }
}
