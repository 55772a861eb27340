/** `pnpm size`: lines of the kernel without tests, comments and blank lines, by directory and in all. */
import { KERNEL_LINES, kernelLines, kernelOnly, total } from "./gates/kernel-size.mjs";
import { root } from "./workspace.mjs";

const sizes = kernelLines(root);
const sums = [
  ["without abi", kernelOnly(sizes)],
  ["in all", total(sizes)],
];
for (const [directory, lines] of [...sizes, ...sums])
  console.log(`${directory.padEnd(16)}${String(lines).padStart(6)}`);
const against = (lines) =>
  lines < KERNEL_LINES ? "reached" : `not reached, ${lines - KERNEL_LINES + 1} over`;
console.log(
  `goal, under ${KERNEL_LINES}: without abi ${against(kernelOnly(sizes))}; in all ${against(total(sizes))}`,
);
process.exitCode = kernelOnly(sizes) < KERNEL_LINES ? 0 : 1;
