/** Runs one program under `node:wasi` with this process's own streams, and reports how it ended. */
import { readFileSync, writeFileSync } from "node:fs";
import { WASI } from "node:wasi";

const { program, report, args, env, preopens } = JSON.parse(process.argv[2]);
const wasi = new WASI({ version: "preview1", args, env, preopens, returnOnExit: true });
const imports = { wasi_snapshot_preview1: wasi.wasiImport, wasi_unstable: wasi.wasiImport };
let outcome;
try {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(program)), imports);
  outcome = { code: wasi.start(instance) };
} catch (error) {
  outcome = { thrown: String(error) };
}
writeFileSync(report, JSON.stringify(outcome));
// What the program left open or closed is not to be touched.
process.exit(0);
