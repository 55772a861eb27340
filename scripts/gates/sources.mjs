/** Sources as the gates see them: which there are, and what a parser says of them. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseSync } from "oxc-parser";

const SKIPPED = new Set(["node_modules", "dist", ".git", ".turbo", "site", "coverage"]);

/** Paths below `directory` whose name ends with `ending`, relative to `root`, with `/`, sorted. */
export function filesBelow(root, directory, ending) {
  const found = [];
  const visit = (at) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, entry.name);
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith(ending)) found.push(relative(root, path).split(sep).join("/"));
    }
  };
  if (existsSync(join(root, directory))) visit(join(root, directory));
  return found.toSorted();
}

/** Every TypeScript source of the packages and the examples. */
export const typescriptFiles = (root) => [
  ...filesBelow(root, "packages", ".ts").filter((path) => /^packages\/[^/]+\/(src|test)\//.test(path)),
  ...filesBelow(root, "examples", ".ts"),
];

/** True for tests, which may do more than sources may. */
export const isTest = (path) => path.endsWith(".test.ts") || /^packages\/[^/]+\/test\//.test(path);

/** The text of a file. */
export const textOf = (root, path) => readFileSync(join(root, path), "utf8");

/** A file's text, syntax tree, comments and imports. */
export function parse(root, path) {
  const text = textOf(root, path);
  const { program, comments, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0].message}`);
  return { path, text, program, comments, module };
}

/** The line of an offset, counted from 1. */
export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length;

/** The text with every comment replaced by blanks, so that offsets and lines stay. */
export function withoutComments({ text, comments }) {
  let code = text;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, " ") + code.slice(end);
  }
  return code;
}

/** The doc comment that ends just before `offset`, as plain text; undefined without one. */
export function docBefore({ text, comments }, offset) {
  const comment = comments.findLast(({ end }) => end <= offset && text.slice(end, offset).trim() === "");
  if (comment?.type !== "Block" || !comment.value.startsWith("*")) return undefined;
  return comment.value
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim();
}

/** The exported declarations of a file: name, offset, and the declaration itself. */
export function exportsOf({ program }) {
  return program.body
    .filter((node) => node.type === "ExportNamedDeclaration" && node.declaration)
    .flatMap((node) => declared(node.declaration).map((item) => ({ ...item, start: node.start })));
}

function declared(node) {
  if (node.type !== "VariableDeclaration") return [{ name: node.id.name, node }];
  return node.declarations.map((each) => ({ name: each.id.name, node: each }));
}

/** Calls `visit` with every node below `node`. */
export function walk(node, visit) {
  if (node === null || typeof node !== "object") return;
  if (Array.isArray(node)) return node.forEach((each) => walk(each, visit));
  if (typeof node.type === "string") visit(node);
  for (const key in node) if (key !== "parent") walk(node[key], visit);
}

/** The value of a literal expression: records, lists, strings and numbers. */
export function literal(node) {
  if (node.type === "Literal") return node.value;
  if (node.type === "ArrayExpression") return node.elements.map(literal);
  if (node.type === "ObjectExpression")
    return Object.fromEntries(
      node.properties.map(({ key, value }) => [key.name ?? key.value, literal(value)]),
    );
  throw new Error(`not a literal: ${node.type} ${node.name ?? ""}`);
}
