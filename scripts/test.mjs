/** `npm test`: installs, builds, and runs every gate and every test; the last line counts them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SetupError, build, collect, install, nodeBinary, packageNames, root, run } from "./workspace.mjs";

/** Adds the counts of `more` to `total`. */
function add(total, more) {
  for (const key of Object.keys(total)) total[key] += more[key] ?? 0;
}

/** Builds; tests run the sources, so they can go on after a build that failed. */
function built() {
  try {
    build();
    console.log("ok     build");
    return { passed: 1 };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.log(`failed build\n${error.message}`);
    return { failed: 1 };
  }
}

/** Runs `pnpm check`; each gate counts as one test. */
async function gates(report) {
  await run(nodeBinary(), [join(root, "scripts", "check.mjs"), "--report", report]);
  try {
    return JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { failed: 1 };
  }
}

/** A test file that could not even be loaded has no tests to count: it counts as one failure. */
const brokenFiles = (results) =>
  results.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;

/** Runs vitest over every package. */
async function units(report) {
  const code = await run(nodeBinary(), [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  try {
    return countUnits(JSON.parse(readFileSync(report, "utf8")), code);
  } catch {
    return { failed: 1 };
  }
}

function countUnits(result, code) {
  const failed = result.numFailedTests + brokenFiles(result.testResults);
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests,
    todo: result.numTodoTests,
  };
}

/** Checks each package as it would be published. */
function packaging() {
  const count = { passed: 0, failed: 0 };
  for (const name of packageNames()) {
    const done = collect(nodeBinary(), [
      join(root, "node_modules", "publint", "src", "cli.js"),
      "run",
      `packages/${name}`,
      "--strict",
      "--pack",
      "npm",
    ]);
    const ok = done.status === 0;
    count[ok ? "passed" : "failed"] += 1;
    console.log(`${ok ? "ok    " : "failed"} publint ${name}${ok ? "" : `\n${done.stdout}${done.stderr}`}`);
  }
  return count;
}

async function main() {
  install();
  const total = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  add(total, built());
  const scratch = mkdtempSync(join(tmpdir(), "exolith-test-"));
  try {
    add(total, await gates(join(scratch, "gates.json")));
    add(total, await units(join(scratch, "units.json")));
    add(total, packaging());
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  console.log(`\n${total.skipped} skipped, ${total.todo} todo`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof SetupError ? error.message : error);
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
}
