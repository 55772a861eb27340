/** Limits: one page with every bound and default, generated from the constants that set them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { settle, table } from "./generated.mjs";
import { docBefore, exportsOf, filesBelow, isTest, parse } from "./sources.mjs";

const PAGE = "docs/limits.md";
/** Records of limits with their defaults. */
const RECORDS = [
  { title: "Cheetah", path: "packages/cheetah/src/limits.ts", type: "Limits", values: "DEFAULT_LIMITS" },
  {
    title: "TCP of libos-exos",
    path: "packages/libos-exos/src/net/tcp/limits.ts",
    type: "TcpLimits",
    values: "TCP_LIMITS",
  },
];
const PACKAGES = ["libos-exos", "secure-bind", "hw-model", "libos-unix"];

/** Formats are not limits. */
const isFormat = (path) => /-(wire|bits|layout)\.ts$|\/(wire|wasi|testing|contract)\//.test(path);
const isNumber = ({ init }) => Boolean(init) && /^\d[\d_.*+\s/-]*$/.test(init.text);

/** The exported numbers of a file, with what is said of each. */
function constants(root, path) {
  const source = parse(root, path);
  return exportsOf(source)
    .filter(({ name, node }) => /^[A-Z][A-Z\d_]+$/.test(name) && node.type === "VariableDeclarator")
    .map(({ name, node, start }) => ({
      name,
      init: { text: source.text.slice(node.init.start, node.init.end) },
      doc: docBefore(source, start) ?? "",
    }))
    .filter(isNumber)
    .map(({ name, init, doc }) => [`\`${name}\``, init.text, doc, path.split("/").slice(3).join("/")]);
}

/** A record of limits, with its defaults; those that are no numbers or words as they are written. */
function recordRows(root, { path, type, values }) {
  if (!existsSync(join(root, path))) return [];
  const source = parse(root, path);
  const find = (wanted) => exportsOf(source).find(({ name }) => name === wanted).node;
  const { init } = find(values);
  const record = init.type === "CallExpression" ? init.arguments[0] : init;
  const written = Object.fromEntries(
    record.properties.map(({ key, value }) => [
      key.name,
      value.type === "Literal" ? value.value : source.text.slice(value.start, value.end),
    ]),
  );
  return find(type).body.body.map((member) => [
    `\`${member.key.name}\``,
    String(written[member.key.name]),
    docBefore(source, member.start) ?? "",
  ]);
}

function sections(root) {
  const found = RECORDS.map((record) => [
    record.title,
    table(["Limit", "Default", "Meaning"], recordRows(root, record)),
  ]);
  for (const name of PACKAGES) {
    const files = filesBelow(root, `packages/${name}/src`, ".ts").filter(
      (path) => !isTest(path) && !isFormat(path),
    );
    const rows = files.flatMap((path) => constants(root, path));
    if (rows.length > 0) found.push([name, table(["Constant", "Value", "Meaning", "In"], rows)]);
  }
  return found;
}

/** The gate. */
export function check({ root, write }) {
  const intro = [
    "<!-- Generated from the sources by `pnpm check --write`. Do not edit. -->",
    "# Limits",
    "Everything is bounded, and the bound is a constant that says its unit and what happens beyond it.\nThose of the kernel are part of [its interface](abi/limits.md).",
  ];
  const parts = sections(root).map(([title, rows]) => `## ${title}\n\n${rows}`);
  return { problems: settle(root, new Map([[PAGE, `${[...intro, ...parts].join("\n\n")}\n`]]), write) };
}
