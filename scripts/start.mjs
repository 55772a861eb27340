/** `npm start`: installs and builds if that is needed, then serves a directory with Cheetah. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { isatty } from "node:tty";
import { SetupError, build, install, nodeBinary, root } from "./workspace.mjs";

const site = join(root, "packages", "cheetah", "site");
const main = join(root, "packages", "cheetah", "dist", "main.js");

/** Options of the server that take no value; what follows any other is not the directory. */
const FLAGS = new Set(["--quiet", "--help", "-h", "--version", "-v"]);
const isFlag = (argument) => FLAGS.has(argument) || argument.startsWith("--no-");

/** True when the arguments name a directory, or do not ask for one to be served. */
function isComplete(args) {
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    if (/^(-h|--help|-v|--version)$/.test(argument) || !argument.startsWith("-")) return true;
    if (!isFlag(argument) && !argument.includes("=")) index += 1;
  }
  return false;
}

/** Milliseconds in which the same signal is one request: a terminal and npm may both deliver it. */
const SAME_SIGNAL_MILLISECONDS = 500;

/** Passes signals on, once; a terminal sends an interrupt to the server by itself. */
function forwardSignals(child) {
  const lastAt = new Map();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal === "SIGINT" && isatty(0)) return;
      const now = performance.now();
      if (now - (lastAt.get(signal) ?? -Infinity) > SAME_SIGNAL_MILLISECONDS) child.kill(signal);
      lastAt.set(signal, now);
    });
  }
}

function serve(args) {
  const child = spawn(nodeBinary(), [main, ...(isComplete(args) ? args : [site, ...args])], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: "inherit",
  });
  forwardSignals(child);
  child.once("error", (error) => fail(`The server could not be started: ${error.message}`));
  child.once("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

try {
  install();
  build();
  serve(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  fail(error.message);
}
