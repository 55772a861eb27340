/** Peers that answer WASI calls: `node:wasi`, and `browser_wasi_shim` if it is installed. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";
import { CALLS_FILE, callsModule, type CallName } from "./calls-module.ts";
import { processorTime } from "./runner.ts";
import type { Measured } from "./rounds.ts";

/** The names of the peers. */
export const PEER = { node: "node:wasi", shim: "browser_wasi_shim" } as const;

/** A peer that is ready, until it is closed. */
export interface Peer {
  readonly name: string;
  /** Nanoseconds of one of `times` calls. */
  subject(call: CallName, times: number): Measured;
  close(): void;
}

const startOf = (instance: WebAssembly.Instance): (() => void) => instance.exports["_start"] as () => void;

/** Nanoseconds of one of `times` calls by a fresh instance; `ready` tells the peer of it, and is not timed. */
function instanceTime(
  module: WebAssembly.Module,
  times: number,
  imports: Record<string, Record<string, unknown>>,
  ready: (instance: WebAssembly.Instance) => void,
): number {
  const instance = new WebAssembly.Instance(module, imports);
  ready(instance);
  return processorTime(startOf(instance)) / times;
}

/** `node:wasi`: its null stream is the host's, its files are in a temporary directory of the host. */
export function nodePeer(): Peer {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-wasi-"));
  writeFileSync(join(directory, CALLS_FILE), "text");
  const nothing = openSync(devNull, "r+");
  const fresh = (): WASI =>
    new WASI({
      version: "preview1",
      preopens: { "/": directory },
      stdin: nothing,
      stdout: nothing,
      stderr: nothing,
      returnOnExit: true,
    });
  return {
    name: PEER.node,
    subject: (call, times) => {
      const module = new WebAssembly.Module(callsModule(call, times));
      const round = (): number => {
        const wasi = fresh();
        const imports = { wasi_snapshot_preview1: wasi.wasiImport as Record<string, unknown> };
        return instanceTime(module, times, imports, (instance) => {
          // It is told of the memory, and of no function to run: that is run below.
          const { memory } = instance.exports;
          wasi.initialize({ exports: { memory } });
        });
      };
      return { name: `${call}: ${PEER.node}`, round };
    },
    close: () => {
      closeSync(nothing);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** `browser_wasi_shim` with its own null streams and its file system in memory; throws when it is not installed. */
export async function shimPeer(): Promise<Peer> {
  const shim = await import("@bjorn3/browser_wasi_shim");
  class Nothing extends shim.Fd {
    override fd_write(data: Uint8Array): { ret: number; nwritten: number } {
      return { ret: 0, nwritten: data.byteLength };
    }
  }
  const fresh = (): InstanceType<typeof shim.WASI> => {
    const file = new shim.File(new TextEncoder().encode("text"));
    const directory = new shim.PreopenDirectory("/", new Map([[CALLS_FILE, file]]));
    return new shim.WASI([], [], [new Nothing(), new Nothing(), new Nothing(), directory], { debug: false });
  };
  return {
    name: PEER.shim,
    subject: (call, times) => {
      const module = new WebAssembly.Module(callsModule(call, times));
      const round = (): number => {
        const wasi = fresh();
        return instanceTime(module, times, { wasi_snapshot_preview1: wasi.wasiImport }, (instance) => {
          wasi.initialize({ exports: { memory: instance.exports["memory"] as WebAssembly.Memory } });
        });
      };
      return { name: `${call}: ${PEER.shim}`, round };
    },
    close: () => {},
  };
}
