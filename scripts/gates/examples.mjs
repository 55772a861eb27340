/** Examples: every one runs and ends by itself with exit code 0. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { filesBelow } from "./sources.mjs";

/** Milliseconds an example may take. */
const PATIENCE = 60_000;

/** Programs are numbered; other files there are their shared parts. */
const isProgram = (path) => /^examples\/\d\d-[\w-]+\.ts$/.test(path);

/** The gate. */
export function check({ root, node = process.execPath }) {
  const problems = [];
  const programs = filesBelow(root, "examples", ".ts").filter(isProgram);
  for (const path of programs) {
    const args = ["--conditions=@exolith/source", join(root, path)];
    const done = spawnSync(node, args, {
      cwd: root,
      encoding: "utf8",
      timeout: PATIENCE,
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (done.status === 0) continue;
    const last = done.stderr.trim().split("\n").slice(0, 8).join("\n    ");
    problems.push(`${path}:1 ended with ${done.signal ?? done.status}\n    ${last}`);
  }
  return { problems, note: `${programs.length} examples` };
}
