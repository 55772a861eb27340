/** A rewritten module as text: what it needs and what it offers. */
import type { ExportedFunction, RewrittenModule } from "./rewrite.ts";

const signature = ({ parameters, results }: Omit<ExportedFunction, "name">): string =>
  `(${parameters.join(", ")}) -> (${results.join(", ")})`;

/**
 * One line an import, export and placed data segment, with a line of totals first.
 *
 * Names are written as JSON strings, so that none can pretend to be another line.
 */
export function printModule(module: RewrittenModule): string {
  const { memoryBytes, functions, bytes, imports, exports, data, hasStart, hasMessage } = module;
  return [
    `module of ${bytes.length} bytes: ${functions} functions, ${memoryBytes} bytes of memory`,
    ...(hasStart ? ["start"] : []),
    ...(hasMessage ? ["message"] : []),
    ...imports.map((one) => `import ${JSON.stringify(`${one.module}.${one.name}`)} ${signature(one)}`),
    ...exports.map((one) => `export ${JSON.stringify(one.name)} ${signature(one)}`),
    ...data.map(({ offset, bytes: { length } }) => `data at ${offset}: ${length} bytes`),
  ].join("\n");
}
