/** The kernel interface as data: read from `GateCalls`, `CALLS` and `ERROR_CODES` with their doc comments. */
import { docBefore, exportsOf, literal, parse } from "./sources.mjs";

const ABI = "packages/exokernel/src/abi";

const exported = (source, wanted) => exportsOf(source).find(({ name }) => name === wanted).node;
const typeText = (source, node) =>
  source.text.slice(node.start, node.end).replace(/^:\s*/, "").replace(/\s+/g, " ");

/** The initial value of an exported constant. */
function initial(source, name) {
  const { init } = exported(source, name);
  return init.type === "TSAsExpression" ? init.expression : init;
}

function readParameter(source, node) {
  return { name: node.name, type: typeText(source, node.typeAnnotation) };
}

/** What a call gives when it is not refused. */
function resultOf(source, { returnType }) {
  const type = returnType.typeAnnotation;
  const value = type.typeName?.name === "Sys" ? type.typeArguments.params[0] : type;
  return typeText(source, value);
}

/** Every call, in the order of the source: doc comment, parameters, result and row. */
export function readCalls(root) {
  const gate = parse(root, `${ABI}/gate.ts`);
  const rows = literal(initial(parse(root, `${ABI}/calls.ts`), "CALLS"));
  const calls = exported(gate, "GateCalls").body.body.map((member) => ({
    name: member.key.name,
    start: member.start,
    doc: docBefore(gate, member.start) ?? "",
    parameters: (member.params.items ?? member.params).map((node) => readParameter(gate, node)),
    result: resultOf(gate, member),
    row: rows[member.key.name],
  }));
  return { calls, gate };
}

/** Every refusal: name, number and meaning. */
export function readErrors(root) {
  const source = parse(root, `${ABI}/errors.ts`);
  return initial(source, "ERROR_CODES").properties.map(({ key, value, start }) => ({
    name: key.name,
    code: value.value,
    doc: docBefore(source, start) ?? "",
  }));
}

/** The constants of a file with one literal each: name, value and meaning. */
export function readConstants(root, file) {
  const source = parse(root, `${ABI}/${file}`);
  return exportsOf(source).map(({ name, node, start }) => ({
    name,
    value: source.text.slice(node.init.start, node.init.end).replace(/ as const$/, ""),
    doc: docBefore(source, start) ?? "",
  }));
}

/** The published tables: each with its columns, their signatures and meanings. */
export function readTables(root) {
  const source = parse(root, `${ABI}/tables.ts`);
  return exportsOf(source).map(({ name, node, start }) => ({
    name,
    doc: docBefore(source, start) ?? "",
    columns: node.body.body.map((member) => ({
      text: source.text
        .slice(member.start, member.end)
        .replace(/^readonly |;$/g, "")
        .replace(/\s+/g, " "),
      doc: docBefore(source, member.start) ?? "",
    })),
  }));
}
