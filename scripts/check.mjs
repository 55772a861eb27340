/** `pnpm check [--write] [--report path] [gate …]`: runs the gates; each prints one line, and where it fails. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as abiDocs from "./gates/abi-docs.mjs";
import * as abiPages from "./gates/abi-pages.mjs";
import * as ambient from "./gates/ambient.mjs";
import * as anchors from "./gates/anchors.mjs";
import * as credentials from "./gates/credentials.mjs";
import * as examples from "./gates/examples.mjs";
import * as kernelSize from "./gates/kernel-size.mjs";
import * as layers from "./gates/layers.mjs";
import * as limits from "./gates/limits.mjs";
import * as links from "./gates/links.mjs";
import * as mechanisms from "./gates/mechanisms.mjs";
import * as sizes from "./gates/sizes.mjs";
import { format, lint, typecheck } from "./gates/tools.mjs";
import * as vocabulary from "./gates/vocabulary.mjs";
import { nodeBinary, root } from "./workspace.mjs";

/** Generated pages come before the gates that read them. */
const GATES = {
  typecheck,
  lint,
  format,
  layers: layers.check,
  vocabulary: vocabulary.check,
  ambient: ambient.check,
  sizes: sizes.check,
  "kernel-size": kernelSize.check,
  "abi-docs": abiDocs.check,
  "abi-pages": abiPages.check,
  credentials: credentials.check,
  limits: limits.check,
  mechanisms: mechanisms.check,
  anchors: anchors.check,
  links: links.check,
  examples: examples.check,
};

function runGate(name, options) {
  try {
    return GATES[name](options);
  } catch (error) {
    return { problems: [`the gate itself failed: ${error.stack}`] };
  }
}

/** Runs one gate and prints its line; true if it passed. */
function report(name, options) {
  const { problems, note } = runGate(name, options);
  const ok = problems.length === 0;
  console.log(`${ok ? "ok    " : "failed"} ${name}${note ? ` (${note})` : ""}`);
  for (const problem of problems) console.log(`  ${problem}`);
  return ok;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false }, report: { type: "string" } },
});
const names = positionals.length > 0 ? positionals : Object.keys(GATES);
const unknown = names.filter((name) => !(name in GATES));
if (unknown.length > 0) {
  console.error(`No such gate: ${unknown.join(", ")}. There are: ${Object.keys(GATES).join(", ")}.`);
  process.exit(2);
}
const options = { root, write: values.write, node: nodeBinary() };
const failures = names.filter((name) => !report(name, options)).length;
if (values.report)
  writeFileSync(values.report, JSON.stringify({ passed: names.length - failures, failed: failures }));
process.exitCode = failures === 0 ? 0 : 1;
