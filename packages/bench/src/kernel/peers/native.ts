/** Linux itself, from tiny programs in C. Each prints the nanoseconds of one operation. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subject } from "../measure.ts";
import { reasonOf, type Peers } from "./peer.ts";

const CLOCK = `
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}
`;

const GETPPID = `${CLOCK}
int main(int argc, char **argv) {
  long times = argc > 1 ? atol(argv[1]) : 1;
  volatile long parent = 0;
  double begun = now();
  for (long i = 0; i < times; i++) parent = syscall(SYS_getppid);
  printf("%f\\n", (now() - begun) / times);
  return parent < 0;
}
`;

const PIPE = `${CLOCK}
int main(int argc, char **argv) {
  long times = argc > 1 ? atol(argv[1]) : 1;
  int there[2], back[2];
  char byte = 1;
  if (pipe(there) || pipe(back)) return 1;
  pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    for (long i = 0; i < times; i++)
      if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  double begun = now();
  for (long i = 0; i < times; i++)
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) return 1;
  printf("%f\\n", (now() - begun) / times);
  int status;
  waitpid(child, &status, 0);
  return status != 0;
}
`;

/** Names of the subjects. */
export const NATIVE = { getppid: "getppid in C", pipe: "pipe round trip in C" } as const;

/** Compiles a program; what runs it. */
function compile(directory: string, name: string, text: string): (times: number) => number {
  const source = join(directory, `${name}.c`);
  const program = join(directory, name);
  writeFileSync(source, text);
  execFileSync("cc", ["-O2", "-o", program, source], { stdio: ["ignore", "ignore", "pipe"] });
  return (times) => Number(execFileSync(program, [`${times}`], { encoding: "utf8" }));
}

/** `getppid` and a pipe between two processes; `times` calls in a round, a twentieth of that round trips. */
export function nativePeers(times: number): Peers {
  const directory = mkdtempSync(join(tmpdir(), "exolith-bench-c-"));
  const close = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const getppid = compile(directory, "getppid", GETPPID);
    const pipe = compile(directory, "pipe", PIPE);
    const trips = Math.ceil(times / 20);
    const subjects: Subject[] = [
      { name: NATIVE.getppid, round: () => getppid(times) },
      { name: NATIVE.pipe, round: () => pipe(trips) },
    ];
    return { subjects, skipped: [], close };
  } catch (reason) {
    close();
    const why = `no C compiler that works: ${reasonOf(reason)}`;
    return { subjects: [], skipped: Object.values(NATIVE).map((name) => ({ name, why })), close: () => {} };
  }
}
