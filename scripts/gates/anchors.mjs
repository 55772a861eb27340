/** Anchors: a source reference `<file#/pattern/>` in a document matches exactly one line. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { filesBelow, lineAt, textOf } from "./sources.mjs";

const ANCHOR = /\]\(<?([^()\s#<>]+)#\/((?:\\.|[^/\\])+)\/>?\)/g;

/** Why the anchor is wrong; undefined if it is right. */
function whyNot(root, path, pattern) {
  if (!existsSync(join(root, path))) return `${path} does not exist`;
  const wanted = new RegExp(pattern);
  const count = textOf(root, path)
    .split("\n")
    .filter((line) => wanted.test(line)).length;
  return count === 1 ? undefined : `/${pattern}/ matches ${count} lines of ${path}`;
}

/** The gate. */
export function check({ root }) {
  const problems = [];
  let count = 0;
  for (const document of filesBelow(root, ".", ".md")) {
    const text = textOf(root, document);
    for (const { 1: target, 2: pattern, index } of text.matchAll(ANCHOR)) {
      count += 1;
      const reason = whyNot(root, posix.join(posix.dirname(document), target), pattern);
      if (reason) problems.push(`${document}:${lineAt(text, index)} ${reason}`);
    }
  }
  return { problems, note: `${count} anchors` };
}
