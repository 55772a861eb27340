/** Tables for people: Markdown with aligned columns. */

/** Prints rows under headings; the first column is text, the others are numbers and stand to the right. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, 3, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const cell = (text: string, i: number): string =>
    i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
  const line = (row: readonly string[]): string =>
    `| ${headings.map((_, i) => cell(row[i] ?? "", i)).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(headings), rule, ...rows.map(line)].join("\n");
}
