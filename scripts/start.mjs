/** `npm start`: installs and builds if that is needed, then serves a directory with Cheetah. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { SetupError, build, install, nodeBinary, root } from "./workspace.mjs";

const site = join(root, "packages", "cheetah", "site");
const main = join(root, "packages", "cheetah", "dist", "main.js");

/** The bundled site is served unless the arguments begin with a directory, or only ask for help. */
function withSite(args) {
  const [first] = args;
  if (first !== undefined && (!first.startsWith("-") || /^(-h|--help|-v|--version)$/.test(first)))
    return args;
  return [site, ...args];
}

/** A terminal sends an interrupt to the server as well; anything else sends it to us alone. */
function forward(child, signal) {
  if (signal === "SIGINT" && process.stdin.isTTY) return;
  child.kill(signal);
}

function serve(args) {
  const child = spawn(nodeBinary(), [main, ...withSite(args)], {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => forward(child, signal));
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
