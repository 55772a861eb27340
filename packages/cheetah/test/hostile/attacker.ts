/** A program for tests: attacks a server from an interface of Linux until it is told to stop, or has sent so many frames. */
import { addressOf, octetsOf } from "./frames.ts";
import { ATTACKS, type Attack, type AttackName } from "./attacks.ts";
import { RawHost } from "./raw-host.ts";

/** What the program is told, as JSON. */
export interface AttackWish {
  readonly name: AttackName;
  readonly link: string;
  readonly frameBytes: number;
  readonly seed: number;
  /** Frames a second at most. */
  readonly rate: number;
  /** Frames in all; without it, until it is told to stop. */
  readonly frames?: number;
  readonly server: string;
  readonly serverOctets: string;
  readonly client: string;
  readonly clientPorts: readonly number[];
}

/** What it reports at its end, as JSON. */
export interface AttackReport {
  readonly sent: number;
  readonly refused: number;
  readonly received: number;
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Frames sent between two looks at what came. */
const BURST = 64;
const HEARD_AT_ONCE = 512;
/** Seconds of frames that may be made up for when the processor was elsewhere. */
const BEHIND_SECONDS = 0.01;

const wish = JSON.parse(process.argv[2] ?? "{}") as AttackWish;
const host = await RawHost.open(wish.link, wish.frameBytes);
const victims = {
  octets: octetsOf(wish.serverOctets),
  address: addressOf(wish.server),
  client: addressOf(wish.client),
  clientPorts: wish.clientPorts,
};
const attack: Attack = ATTACKS[wish.name]({ host, victims, seed: wish.seed, frameBytes: wish.frameBytes });
const begun = performance.now();
let due = 0;
let lookedAt = begun;
let done = false;

function burst(now: number): void {
  due = Math.min(due + ((now - lookedAt) / 1000) * wish.rate, wish.rate * BEHIND_SECONDS);
  lookedAt = now;
  for (let left = BURST; left > 0 && due >= 1 && !done; left--) {
    const sent = attack.step(now);
    due -= Math.max(sent, 1);
    if (wish.frames !== undefined && host.sent >= wish.frames) done = true;
  }
  host.flush();
}

function turn(): void {
  for (let bursts = 0; bursts < 16 && !done; bursts++) {
    const heard = host.poll(HEARD_AT_ONCE, (frame) => attack.heard?.(frame));
    burst(performance.now());
    if (heard === 0 && due < 1) host.pause();
  }
  if (done) void finish();
  else setImmediate(turn);
}

async function finish(): Promise<void> {
  const { sent, refused, received } = host;
  const seconds = (performance.now() - begun) / 1000;
  const report: AttackReport = { sent, refused, received, seconds, counts: attack.counts() };
  await host.nic.close();
  console.log(`attacked ${JSON.stringify(report)}`);
}

process.on("SIGTERM", () => (done = true));
console.log("attacking");
turn();
