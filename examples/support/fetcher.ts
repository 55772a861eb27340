/** An environment of ExOS that sends one request over TCP and takes what comes back. */
import { capSlot, must, type Program } from "@exolith/exokernel/abi";
import { eventProgram, makeFramePool, makeStack, type ConnectionHandler } from "@exolith/libos-exos";

/** Whom to ask for what. */
export interface FetcherOptions {
  readonly address: number;
  readonly server: number;
  readonly port: number;
  readonly request: string;
  /** Called with everything that came, when the server has finished or the connection is gone. */
  readonly done: (answer: string) => void;
}

const guard = capSlot(0);
const device = capSlot(1);

/** Connects in its first slice. */
export const fetcher = ({ address, server, port, request, done }: FetcherOptions): Program =>
  eventProgram(4, (gate) => {
    const pool = makeFramePool(gate, guard);
    const slots = { device, guard };
    const stack = makeStack(gate, { nic: 0, address, prefixLength: 24, slots, pool, receiveBuffers: 4 });
    const memory = must(pool.run(1));
    const bytes = new TextEncoder().encode(request);
    memory.write(0, bytes, 0, bytes.length);
    let answer = "";
    const handler: ConnectionHandler = {
      opened: (connection) => {
        connection.send(memory, 0, bytes.length, undefined, 0);
      },
      received: (_, window, at, length) => {
        answer += window.text(at, length);
        return length;
      },
      acknowledged: () => {},
      ended: (connection) => connection.finish(),
      closed: () => done(answer),
    };
    stack.tcp.connect(server, port, handler);
    return [stack.network];
  });
