/** libpcap's own interpreter of BPF, in a small program in C: one filter after the other, as with one owner each. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expressionOf, type Endpoint } from "./endpoint.ts";
import { LIBPCAP_PROGRAM } from "./libpcap-program.ts";
import { byLength } from "./matcher.ts";
import type { Scene } from "./scene.ts";

/** A program that holds a trace and filters, and waits. */
export interface LibpcapChild {
  /** The tag for each frame of the trace. */
  answers(): Promise<Int32Array>;
  /** Nanoseconds of processor time for one of `packets` packets, from the one at `first` on. */
  time(first: number, packets: number): Promise<number>;
}

/** The compiler's result, and the programs that run. */
export interface Libpcap {
  start(scene: Scene): Promise<LibpcapChild>;
  /** Ends every program and removes what was written. */
  close(): void;
}

/** Compiles the program. **Fails** throws when there is no compiler or no libpcap. */
export function compileLibpcap(): Libpcap {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-pcap-"));
  const children: ChildProcess[] = [];
  const close = (): void => {
    for (const child of children) child.kill();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const source = join(directory, "demux.c");
    const program = join(directory, "demux");
    writeFileSync(source, LIBPCAP_PROGRAM);
    execFileSync("cc", ["-O2", "-o", program, source, "-lpcap"], { stdio: ["ignore", "ignore", "pipe"] });
    const start = async (scene: Scene): Promise<LibpcapChild> => {
      const name = join(directory, `${children.length}`);
      const tags = writeScene(name, scene);
      const child = spawn(program, [`${name}.trace`, `${name}.filters`], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      const ready = await talk(child, tags);
      for (const kind of ["trace", "filters"]) rmSync(`${name}.${kind}`);
      return ready;
    };
    return { start, close };
  } catch (reason) {
    close();
    throw reason;
  }
}

/** Writes the trace and the expressions, the longest filter first; the tags of the expressions. */
function writeScene(name: string, { endpoints, filters, trace }: Scene): readonly number[] {
  const { memory, at, length } = trace;
  const head = Uint32Array.from([
    at.length,
    memory.length,
    ...Array.from(at, (from, i) => [from, length[i] ?? 0]).flat(),
  ]);
  writeFileSync(`${name}.trace`, Buffer.concat([new Uint8Array(head.buffer), memory]));
  const tags = byLength(filters).map(({ tag }) => tag);
  const lines = tags.map((tag) => expressionOf(endpoints[tag] as Endpoint));
  writeFileSync(`${name}.filters`, `${lines.length}\n${lines.join("\n")}\n`);
  return tags;
}

/** Waits until the program is ready. */
async function talk(child: ChildProcess, tags: readonly number[]): Promise<LibpcapChild> {
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("no pipes to the program");
  // A program that ended is told by the line that does not come.
  stdin.on("error", () => {});
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error("libpcap's program ended");
    if (next.value.startsWith("error ")) throw new Error(`libpcap: ${next.value.slice("error ".length)}`);
    return next.value;
  };
  const ask = async (command: string): Promise<string> => {
    stdin.write(`${command}\n`);
    return await line();
  };
  await line();
  return {
    answers: async () =>
      Int32Array.from((await ask("answers")).split(" "), (index) => tags[Number(index)] ?? -1),
    time: async (first, packets) => Number(await ask(`time ${first} ${packets}`)),
  };
}
