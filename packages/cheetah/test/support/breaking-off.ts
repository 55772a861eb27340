/** Transfers that break off in the middle. */
import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { until } from "./waiting.ts";

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Runs a program that writes what it fetches to `path` until that has `bytes`, and kills it; the bytes that are there then. */
export async function breakOff(words: readonly string[], path: string, bytes: number): Promise<number> {
  const [program = "", ...rest] = words;
  const child = spawn(program, rest, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await until(() => sizeOf(path) >= bytes || isOver());
  child.kill("SIGKILL");
  await ended;
  return sizeOf(path);
}
