/** Kernel size: lines of the kernel without tests, comments and blank lines; a small kernel is the point. */
import { filesBelow, isTest, parse, withoutComments } from "./sources.mjs";

const KERNEL = "packages/exokernel/src";
/** What is no part of the kernel: suites that a kernel must pass, what tests need, and what boards print. */
const LEFT_OUT = /^(contract|testing|inspection)\//;

/** The interface: types and rows that libraries import, which is no part of what runs in the kernel. */
const INTERFACE = "abi";

/** Lines that the kernel itself is not to reach: see docs/decisions/0020-kernel-size.md. */
export const KERNEL_LINES = 7000;

/** Lines of code by directory of the kernel, the largest first; `.` is for files that lie in none. */
export function kernelLines(root) {
  const sizes = new Map();
  for (const path of filesBelow(root, KERNEL, ".ts")) {
    const name = path.slice(KERNEL.length + 1);
    if (isTest(path) || LEFT_OUT.test(name)) continue;
    const lines = withoutComments(parse(root, path))
      .split("\n")
      .filter((line) => line.trim() !== "").length;
    const directory = name.includes("/") ? name.slice(0, name.indexOf("/")) : ".";
    sizes.set(directory, (sizes.get(directory) ?? 0) + lines);
  }
  return [...sizes].toSorted(([, a], [, b]) => b - a);
}

/** Lines in all. */
export const total = (sizes) => sizes.reduce((sum, [, lines]) => sum + lines, 0);

/** Lines of the kernel itself, without the interface. */
export const kernelOnly = (sizes) => total(sizes.filter(([directory]) => directory !== INTERFACE));

/** The gate. */
export function check({ root }) {
  const sizes = kernelLines(root);
  const lines = kernelOnly(sizes);
  const problems =
    lines < KERNEL_LINES ? [] : [`${KERNEL}:1 has ${lines} lines of code, not under ${KERNEL_LINES}`];
  return { problems, note: `${lines} of ${KERNEL_LINES} lines, ${total(sizes)} with the interface` };
}
