/** The kernel interface as data: calls, errors, tables, upcalls and constants, with their doc comments. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { docBefore, exportsOf, filesBelow, lineAt, literal, parse } from "./sources.mjs";

const ABI = "packages/exokernel/src/abi";
/** Where the units that the interface takes over from the machine are. */
const UNITS = "packages/hw-model/src/units.ts";

const text = (source, node) => source.text.slice(node.start, node.end);
const typeText = (source, node) => text(source, node).replace(/^:\s*/, "").replace(/\s+/g, " ");
const isInterface = ({ node }) => node.type === "TSInterfaceDeclaration";

/** The initial value of a constant, without what the compiler is told of it. */
function initial({ init }) {
  let value = init;
  while (value.type === "TSAsExpression") value = value.expression;
  return value;
}

const parametersOf = (source, { params }) =>
  (params.items ?? params).map((node) => ({
    name: node.name,
    type: typeText(source, node.typeAnnotation),
  }));

/** What a call gives when it is not refused. */
function resultOf(source, { returnType }) {
  const type = returnType.typeAnnotation;
  const value = type.typeName?.name === "Sys" ? type.typeArguments.params[0] : type;
  return typeText(source, value);
}

/** The group of calls that a file has: their interface, and the rows that stand beside it; undefined for another file. */
function groupIn(root, path) {
  const source = parse(root, path);
  const exported = exportsOf(source);
  const group = exported.find((each) => isInterface(each) && each.name.endsWith("Calls"));
  if (group === undefined) return undefined;
  const rows = rowsIn(exported.find(({ name }) => name.endsWith("_CALLS")));
  return {
    name: path.slice(path.lastIndexOf("/") + 1, -".ts".length),
    path,
    doc: docBefore(source, group.start) ?? "",
    calls: group.node.body.body.map((member) => callOf(source, member, rows.get(member.key.name))),
    records: interfacesIn(source).filter(({ name }) => name !== group.name),
  };
}

/** One call: what its comment says of it, of each argument and of each refusal, and its row. */
function callOf(source, member, row) {
  const comment = docBefore(source, member.start) ?? "";
  const said = (pattern) =>
    new Map([...comment.matchAll(pattern)].map(([, name, meaning]) => [name, meaning]));
  return {
    name: member.key.name,
    where: `${source.path}:${lineAt(source.text, member.start)}`,
    doc: comment.replace(ARGUMENT, "").replace(REFUSAL, "").trim(),
    parameters: parametersOf(source, member),
    result: resultOf(source, member),
    row: row && { ...row, takes: said(ARGUMENT), when: said(REFUSAL) },
  };
}

const ARGUMENT = /^@param (\w+) (.+)$/gm;
const REFUSAL = /^\*\*Fails\*\* `(\w+)`: (.+)\.$/gm;

/** The rows of a table of calls by name; none without a table. */
const rowsIn = (declared) =>
  new Map(
    declared === undefined
      ? []
      : initial(declared.node).properties.map(({ key, value }) => [
          key.name,
          rowOf(value.arguments.map(literal)),
        ]),
  );

/** The arguments of `row(number, wasm, credential, path, fails)` as a record. */
function rowOf([number, wasm, credential, path, fails = []]) {
  return { number, wasm, credential, path, fails };
}

/** Every group of calls, in the order of the lowest number in each. */
export function readGroups(root) {
  const groups = filesBelow(root, `${ABI}/calls`, ".ts")
    .map((path) => groupIn(root, path))
    .filter(Boolean);
  const least = ({ calls }) => Math.min(...calls.map(({ row }) => row?.number ?? Infinity));
  return groups.toSorted((a, b) => least(a) - least(b));
}

/** Every call, group by group. */
export const readCalls = (root) => readGroups(root).flatMap(({ calls }) => calls);

/** The members of a record of constants: name, value and meaning. */
export function readRecord(root, file, name) {
  const source = parse(root, `${ABI}/${file}`);
  const { node } = exportsOf(source).find((each) => each.name === name);
  return initial(node).properties.map(({ key, value, start }) => ({
    name: key.name,
    value: text(source, value),
    doc: docBefore(source, start) ?? "",
  }));
}

/** Every refusal: name, number and meaning. */
export const readErrors = (root) => readRecord(root, "errors.ts", "ERROR_CODES");

/** The constants of a file with one literal each: name, value and meaning. */
export function readConstants(root, file) {
  const source = parse(root, `${ABI}/${file}`);
  return exportsOf(source).map(({ name, node, start }) => ({
    name,
    value: text(source, initial(node)),
    doc: docBefore(source, start) ?? "",
  }));
}

/** The interfaces of a file of the interface: each with its members, their signatures and meanings. */
export const readInterfaces = (root, file) => interfacesIn(parse(root, `${ABI}/${file}`));

const interfacesIn = (source) =>
  exportsOf(source)
    .filter(isInterface)
    .map(({ name, node, start }) => ({
      name,
      doc: docBefore(source, start) ?? "",
      members: node.body.body.map((member) => memberOf(source, member)),
    }));

function memberOf(source, member) {
  const type = member.returnType ?? member.typeAnnotation;
  return {
    name: member.key.name,
    text: text(source, member)
      .replace(/^readonly |;$/g, "")
      .replace(/\s+/g, " "),
    type: typeText(source, type),
    doc: docBefore(source, member.start) ?? "",
  };
}

/** What the names of units and ids mean: the first sentence of each. */
export function readUnits(root) {
  const meanings = new Map();
  for (const path of [`${ABI}/ids.ts`, UNITS].filter((each) => existsSync(join(root, each)))) {
    const source = parse(root, path);
    for (const { name, node, start } of exportsOf(source)) {
      if (node.type !== "TSTypeAliasDeclaration") continue;
      const [first = ""] = (docBefore(source, start) ?? "").split(/(?<=\.)\s/);
      meanings.set(name, first);
    }
  }
  return meanings;
}
