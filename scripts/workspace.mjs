/** The workspace on disk: where things are, whether they are fresh, and how to make them so. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The oldest Node.js that runs the built commands when the locked one is not available. */
const OLDEST_MAJOR = 22;

/** Lines of a failed tool's output that are worth showing. */
const LINES = 60;

const stamps = join(root, "node_modules", ".exolith");
const binaries = join(root, "node_modules", ".bin");

/** An error whose message is all that a user needs to see. */
export class SetupError extends Error {}

/** Names of the directories below `packages/`. */
export const packageNames = () =>
  readdirSync(join(root, "packages")).filter((name) =>
    existsSync(join(root, "packages", name, "package.json")),
  );

const isExecutable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The Node.js to run with: the locked one, or the running one if it is new enough. */
export function nodeBinary(say = console.error) {
  const locked = join(binaries, "node");
  if (isExecutable(locked)) return locked;
  const major = Number(process.versions.node.split(".")[0]);
  if (major < OLDEST_MAJOR) {
    throw new SetupError(
      `The locked Node.js is not available for ${process.platform}-${process.arch}, and ${process.version} is too old. ` +
        `Install Node.js ${OLDEST_MAJOR} or later.`,
    );
  }
  say(
    `The locked Node.js is not available for ${process.platform}-${process.arch}; using ${process.version}.`,
  );
  return process.execPath;
}

/** The environment for tools: the workspace's own programs come first. */
export const toolEnvironment = () => ({
  ...process.env,
  PATH: [binaries, process.env.PATH ?? "", "/usr/sbin", "/sbin"].join(delimiter),
  TURBO_TELEMETRY_DISABLED: "1",
  npm_config_update_notifier: "false",
});

/** Runs a program of the workspace and collects what it prints. */
export const collect = (command, args, options = {}) =>
  spawnSync(command, args, {
    cwd: root,
    env: toolEnvironment(),
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...options,
  });

/** Runs a program with its output passed through; resolves with the exit code. */
export const run = (command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: toolEnvironment(),
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });

function pnpmVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return packageManager.split("+")[0];
}

/** Runs the pinned pnpm; throws with what it printed if it fails. */
function pnpm(args, failure) {
  const npx = process.platform === "win32" ? "npx.cmd" : "npx";
  const done = collect(npx, ["-y", pnpmVersion(), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  if (done.error?.code === "ENOENT") {
    throw new SetupError("npx was not found. It comes with npm: install Node.js together with npm.");
  }
  if (done.status !== 0) throw new SetupError(`${failure}\n\n${explain(done)}`);
}

function explain(done) {
  const said = `${done.stdout ?? ""}${done.stderr ?? ""}`.trim().split("\n");
  const text = said.slice(-LINES).join("\n");
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ERR_PNPM_META_FETCH_FAIL/.test(text);
  return offline
    ? `${text}\n\nThe package registry could not be reached; the first run needs a network.`
    : text;
}

/** Every source that a build reads, as `path size mtime` lines. */
function* sources(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (!entry.name.endsWith(".test.ts")) yield stampLine(path);
  }
}

function stampLine(path) {
  const { size, mtimeMs } = statSync(path);
  return `${path} ${size} ${mtimeMs}`;
}

const hash = (parts) =>
  parts.reduce((sum, part) => sum.update(part).update("\n"), createHash("sha256")).digest("hex");

/** What the installation depends on, by content. */
function installStamp() {
  const manifests = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", "examples/package.json"];
  for (const name of packageNames()) manifests.push(`packages/${name}/package.json`);
  return hash([process.platform, process.arch, ...manifests.map((name) => readFileSync(join(root, name)))]);
}

/** What the build depends on, by size and time of change. */
function buildStamp() {
  const parts = [stampLine(join(root, "tsconfig.base.json"))];
  for (const name of packageNames()) {
    const directory = join(root, "packages", name);
    parts.push(...sources(join(directory, "src")));
    for (const file of ["package.json", "tsup.config.ts", "tsconfig.build.json"])
      parts.push(stampLine(join(directory, file)));
  }
  return hash(parts);
}

const isBuilt = (name) => existsSync(join(root, "packages", name, "dist", "index.js"));

const stampIs = (name, value) => {
  const path = join(stamps, name);
  return existsSync(path) && readFileSync(path, "utf8") === value;
};

function setStamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

/** Installs what the lockfile names, unless that is what is there. Throws a `SetupError`. */
export function install(say = console.error) {
  const stamp = installStamp();
  if (stampIs("installed", stamp)) return;
  say("Installing packages …");
  pnpm(["install", "--frozen-lockfile"], "The packages could not be installed.");
  setStamp("installed", stamp);
}

/** Builds every package, unless nothing has changed since. Throws a `SetupError`. */
export function build(say = console.error) {
  const stamp = buildStamp();
  if (stampIs("built", stamp) && packageNames().every(isBuilt)) return;
  say("Building …");
  pnpm(["run", "build"], "The build failed.");
  setStamp("built", stamp);
}
