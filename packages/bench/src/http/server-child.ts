/** A server in a process of its own, so that its processor time can be told from the client's. */
import { fork, type ChildProcess } from "node:child_process";
import { extname } from "node:path";

/** A running server. */
export interface ServerChild {
  readonly name: string;
  readonly address: string;
  /** Microseconds of processor time, user and system, since it was started. */
  usage(): Promise<ProcessorTime>;
  stop(): Promise<void>;
}

/** Microseconds. */
export interface ProcessorTime {
  readonly user: number;
  readonly system: number;
}

/** What a server sends to the bench: its address once, and its usage when asked. */
export type ServerMessage = { readonly address: string } | ({ readonly usage: true } & ProcessorTime);

/** Starts the server module `name`, serving `directory`; rejects if it does not come up. */
export async function startServer(name: string, directory: string): Promise<ServerChild> {
  const module = new URL(`./${name}-server${extname(import.meta.url)}`, import.meta.url);
  const child = fork(module, [directory], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const first = await nextMessage(child);
  if (!("address" in first)) throw new Error(`${name} did not say where it listens`);
  const usage = async (): Promise<ProcessorTime> => {
    child.send("usage");
    const answer = await nextMessage(child);
    if (!("usage" in answer)) throw new Error(`${name} did not say what it used`);
    return answer;
  };
  const stop = async (): Promise<void> => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode !== null || child.signalCode !== null || !child.connected) return;
    child.send("stop");
    await gone;
  };
  return { name, address: first.address, usage, stop };
}

function nextMessage(child: ChildProcess): Promise<ServerMessage> {
  return new Promise((resolve, reject) => {
    const exited = (code: number | null): void => reject(new Error(`the server ended with code ${code}`));
    child.once("exit", exited);
    child.once("message", (message) => {
      child.off("exit", exited);
      resolve(message as ServerMessage);
    });
  });
}

/** The other end: tells the bench where this server listens, answers it, and stops when told or when the bench is gone. */
export function serveBench(address: string, stop: () => Promise<void> | void): void {
  process.on("disconnect", () => process.exit(0));
  // Control-C reaches the whole group; the bench says when to stop.
  process.on("SIGINT", () => {});
  process.send?.({ address } satisfies ServerMessage);
  process.on("message", (message) => {
    if (message === "usage") process.send?.({ usage: true, ...process.cpuUsage() } satisfies ServerMessage);
    else if (message === "stop") void Promise.resolve(stop()).then(() => process.exit(0));
  });
}
