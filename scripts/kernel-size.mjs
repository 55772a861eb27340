/** `pnpm size`: lines of the kernel without tests, comments and blank lines, by directory and in all. */
import { KERNEL_LINES, kernelLines, total } from "./gates/kernel-size.mjs";
import { root } from "./workspace.mjs";

const sizes = kernelLines(root);
for (const [directory, lines] of [...sizes, ["in all", total(sizes)]])
  console.log(`${directory.padEnd(16)}${String(lines).padStart(6)}`);
const isSmall = total(sizes) < KERNEL_LINES;
console.log(`goal: under ${KERNEL_LINES}, ${isSmall ? "reached" : "not reached"}`);
process.exitCode = isSmall ? 0 : 1;
