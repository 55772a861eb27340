/** Mechanisms: the table of what must work, with the tests that show it, generated from their titles. */
import { lineAt, parse, textOf, typescriptFiles, isTest, walk } from "./sources.mjs";
import { settle, table } from "./generated.mjs";

const LIST = "docs/mechanisms.json";
const PAGE = "docs/mechanisms.md";
const TITLE = /^((?:\[[A-Z]\d+\])+)\s*(.*)$/s;

/** `test`, `it` and what is said of them before the title, such as `skipIf` or `each`; undefined for other calls. */
function modifiersOf(callee) {
  if (callee.type === "Identifier") return ["test", "it"].includes(callee.name) ? [] : undefined;
  if (callee.type === "CallExpression") return modifiersOf(callee.callee);
  if (callee.type === "TaggedTemplateExpression") return modifiersOf(callee.tag);
  if (callee.type !== "MemberExpression" || callee.computed) return undefined;
  return modifiersOf(callee.object)?.concat(callee.property.name);
}

/** What an argument says, if that is written there. */
function wordsOf(argument) {
  if (argument?.type === "Literal" && typeof argument.value === "string") return argument.value;
  return argument?.type === "TemplateLiteral" ? argument.quasis.map(({ value }) => value.raw).join("…") : "";
}

/** Every test whose title begins with ids; one that is always skipped shows nothing. */
function titled(root, path) {
  const { text, program } = parse(root, path);
  const found = [];
  walk(program, (node) => {
    if (node.type !== "CallExpression") return;
    const [, ids, title] = TITLE.exec(wordsOf(node.arguments[0])) ?? [];
    const modifiers = ids === undefined ? undefined : modifiersOf(node.callee);
    if (modifiers === undefined || modifiers.includes("skip")) return;
    const line = lineAt(text, node.start);
    for (const [, id] of ids.matchAll(/\[([A-Z]\d+)\]/g))
      found.push({ id, title, path, line, todo: modifiers.includes("todo") });
  });
  return found;
}

/** A test by its file and title: lines move too often to be named. */
const shown = ({ path, title }) => `[${title}](../${path})`;

function row({ id, name, note }, areaNote, tests) {
  const real = tests.filter(({ todo }) => !todo);
  const open = tests.filter(({ todo }) => todo).map(({ title }) => title);
  const status = real.length > 0 ? "shown" : open.length > 0 ? "in part" : "no";
  const why = status === "shown" ? "" : open.join("; ") || note || areaNote;
  return [id, name, status, [...real.map(shown), why].filter(Boolean).join("; ")];
}

function pageOf(areas, tests) {
  const sections = areas.map(({ area, note = "not yet", rows }) => {
    const cells = rows.map((each) =>
      row(
        each,
        note,
        tests.filter(({ id }) => id === each.id),
      ),
    );
    return `## ${area}\n\n${table(["Id", "Mechanism", "Shown", "By, or why not"], cells)}`;
  });
  const all = areas.flatMap(({ rows }) => rows);
  const done = all.filter(({ id }) => tests.some((test) => test.id === id && !test.todo)).length;
  const intro = [
    "<!-- Generated from the titles of tests by `pnpm check --write`. Do not edit. -->",
    "# Mechanisms",
    "Each row is a mechanism of Aegis, Xok, ExOS or Cheetah.\nIt counts as shown when a test whose title starts with its id asserts the whole of it from outside the kernel.",
    `${done} of ${all.length} are shown.`,
  ];
  return `${[...intro, ...sections].join("\n\n")}\n`;
}

/** The gate. */
export function check({ root, write }) {
  const areas = JSON.parse(textOf(root, LIST));
  const ids = areas.flatMap(({ rows }) => rows.map(({ id }) => id));
  const tests = typescriptFiles(root)
    .filter(isTest)
    .flatMap((path) => titled(root, path));
  const problems = tests
    .filter(({ id }) => !ids.includes(id))
    .map(({ path, line, id }) => `${path}:${line} names ${id}, which ${LIST} does not list`);
  for (const id of ids.filter((each, index) => ids.indexOf(each) !== index))
    problems.push(`${LIST}:1 lists ${id} twice`);
  problems.push(...settle(root, new Map([[PAGE, pageOf(areas, tests)]]), write));
  return {
    problems,
    note: `${new Set(tests.filter(({ todo }) => !todo).map(({ id }) => id)).size} of ${ids.length} shown`,
  };
}
