/** Links: every relative link of a document leads to something. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { filesBelow, lineAt, textOf } from "./sources.mjs";

const LINK = /\]\(([^()\s]+)\)/g;
const isElsewhere = (target) => /^[a-z]+:|^#/.test(target);

/** The text with code blanked: what looks like a link there is not one. */
const withoutCode = (text) =>
  text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, " "));

/** The gate. */
export function check({ root }) {
  const problems = [];
  let count = 0;
  for (const document of filesBelow(root, ".", ".md")) {
    const text = withoutCode(textOf(root, document));
    for (const { 1: target, index } of text.matchAll(LINK)) {
      if (isElsewhere(target)) continue;
      count += 1;
      const path = posix.join(posix.dirname(document), target.split("#")[0]);
      if (!existsSync(join(root, path)))
        problems.push(`${document}:${lineAt(text, index)} leads to ${path}, which does not exist`);
    }
  }
  return { problems, note: `${count} links` };
}
