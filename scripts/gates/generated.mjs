/** Generated documents: written with `--write`, compared without. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Writes or compares `pages` (path to text); returns what is stale. */
export function settle(root, pages, write) {
  const stale = [];
  for (const [path, text] of pages) {
    const target = join(root, path);
    if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
    if (!write) {
      stale.push(`${path}:1 is stale; run \`pnpm check --write\``);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  return stale;
}

/** A cell of a markdown table. */
export const cell = (text) => text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|");

/** A markdown table. */
export function table(heads, rows) {
  const line = (cells) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
