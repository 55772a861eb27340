/** Vocabulary: words that the machine and the kernel must not need (design rule: protect, never manage). */
import { filesBelow, isTest, textOf } from "./sources.mjs";

const BANNED = /\b(process|thread|fork|pid|signal|socket|file|inode|path|malloc|tcp)(e?s)?\b/gi;

const ENTRY = "the way into the kernel that a call takes, as the mechanisms call it (K13); it names nothing";

/** Uses that are right: what a place starts with, the word, and the reason. One that no longer occurs fails. */
export const PERMITTED = [
  { path: "packages/exokernel/src/abi/calls/", word: "path", reason: ENTRY },
  { path: "packages/exokernel/src/gate/", word: "path", reason: ENTRY },
];

const stem = (word) => word.toLowerCase().replace(/e?s$/, "");
const covered = (path) => !path.startsWith("packages/hw-model/src/host/") && !isTest(path);

function* uses(root, path) {
  const lines = textOf(root, path).split("\n");
  for (const [index, line] of lines.entries()) {
    for (const [word] of line.matchAll(BANNED)) yield { path, line: index + 1, word };
  }
}

/** The gate. */
export function check({ root, permitted = PERMITTED }) {
  const files = ["packages/hw-model/src", "packages/exokernel/src"]
    .flatMap((directory) => filesBelow(root, directory, ".ts"))
    .filter(covered);
  const found = files.flatMap((path) => [...uses(root, path)]);
  const allows = (entry, use) => use.path.startsWith(entry.path) && stem(use.word) === stem(entry.word);
  const problems = found
    .filter((use) => !permitted.some((entry) => allows(entry, use)))
    .map(({ path, line, word }) => `${path}:${line} says "${word}"`);
  for (const entry of permitted) {
    if (!entry.reason) problems.push(`the permission for ${entry.path} "${entry.word}" has no reason`);
    if (!found.some((use) => allows(entry, use)))
      problems.push(`${entry.path} no longer says "${entry.word}": remove the permission`);
  }
  return { problems, note: `${files.length} files, ${permitted.length} permitted uses` };
}
