/** Sizes: hard stops for files, functions and parameters; medians and 90th percentiles as a trend. */
import { isTest, lineAt, parse, typescriptFiles, walk } from "./sources.mjs";

/** Lines of a source, lines of a test, lines of a function's body, parameters. */
const STOPS = { source: 500, test: 800, body: 60, parameters: 5 };

const isFunction = ({ type, body }) => /Function(Declaration|Expression)$/.test(type) && body !== null;

function bodies({ path, text, program }) {
  const found = [];
  walk(program, (node) => {
    if (!isFunction(node)) return;
    const line = lineAt(text, node.start);
    const lines = lineAt(text, node.body.end) - lineAt(text, node.body.start) + 1;
    found.push({ path, line, lines, parameters: node.params.length ?? node.params.items.length });
  });
  return found;
}

const length = ({ text }) => text.split("\n").length - 1;
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const trend = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return `median ${at(sorted, 0.5)}, p90 ${at(sorted, 0.9)}, most ${sorted.at(-1) ?? 0}`;
};

/** The gate. */
export function check({ root }) {
  const problems = [];
  const sources = typescriptFiles(root).map((path) => parse(root, path));
  for (const source of sources) {
    const stop = isTest(source.path) ? STOPS.test : STOPS.source;
    if (length(source) > stop)
      problems.push(`${source.path}:1 has ${length(source)} lines, more than ${stop}`);
  }
  const shipped = sources.filter(({ path }) => !isTest(path));
  const functions = shipped.flatMap(bodies);
  for (const { path, line, lines, parameters } of functions) {
    if (lines > STOPS.body)
      problems.push(`${path}:${line} has a function of ${lines} lines, more than ${STOPS.body}`);
    if (parameters > STOPS.parameters)
      problems.push(`${path}:${line} has a function of ${parameters} parameters`);
  }
  const files = trend(shipped.map(length));
  return {
    problems,
    note: `lines of a file: ${files}; of a function: ${trend(functions.map(({ lines }) => lines))}`,
  };
}
