/** Active opens: a local port that nobody can guess (RFC 6056), and a SYN. */
import type { Connection, ConnectionHandler } from "./application.ts";
import { makeConnection } from "./connection.ts";
import type { ControlBlock } from "./control-block.ts";
import type { TcpCore } from "./core.ts";
import { enter, openBlock } from "./lifecycle.ts";
import { HEADERS_BYTES } from "./output.ts";
import { TIMER } from "./timers.ts";
import { portsOf } from "./tuple-table.ts";

/** Where to, and for whom. */
export interface Call {
  readonly remoteAddress: number;
  readonly remotePort: number;
  readonly handler: ConnectionHandler;
}

/** Opens a connection; `undefined` when there is no control block or no port left. O(ports) at worst. */
export function connect(core: TcpCore, randomWord: () => number, call: Call): Connection | undefined {
  const { remoteAddress, remotePort, handler } = call;
  core.now = core.clock.now();
  const localAddress = core.output.sourceFor(remoteAddress);
  const localPort = choosePort(core, randomWord, { localAddress, remoteAddress, localPort: 0, remotePort });
  if (localPort === 0) return undefined;
  const tuple = { localAddress, remoteAddress, localPort, remotePort };
  const block = openBlock(core, tuple, core.chooseInitial(tuple, core.now));
  if (block === undefined) return undefined;
  block.handler = handler;
  block.connection = makeConnection(core, block);
  begin(core, block);
  return block.connection;
}

function begin(core: TcpCore, block: ControlBlock): void {
  enter(block, "SYN-SENT");
  block.isScaling = core.limits.windowScaling;
  block.isTimestamping = core.limits.timestamps;
  block.isSelective = core.limits.selectiveAcknowledgments;
  block.segmentBytes = Math.min(
    core.limits.defaultSegmentBytes,
    core.output.mtu(block.remoteAddress) - HEADERS_BYTES,
  );
  core.counters.activeOpens += 1;
  core.timers.arm(block.slot, TIMER.giveUp, core.now + core.durations.connect);
  core.ready.add(block);
}

// Simple random port selection (RFC 6056 section 3.3.1): a random start, then one after the other.
function choosePort(
  core: TcpCore,
  randomWord: () => number,
  tuple: { localAddress: number; remoteAddress: number; localPort: number; remotePort: number },
): number {
  const { ephemeralFirst: first, ephemeralLast: last } = core.limits;
  const count = last - first + 1;
  const start = (randomWord() >>> 0) % count;
  for (let tried = 0; tried < count; tried++) {
    tuple.localPort = first + ((start + tried) % count);
    const ports = portsOf(tuple.localPort, tuple.remotePort);
    if (core.listeners.has(tuple.localPort)) continue;
    if (core.connections.find(tuple.localAddress, tuple.remoteAddress, ports) >= 0) continue;
    if (core.tombstones.find(tuple, core.now) < 0) return tuple.localPort;
  }
  return 0;
}
