/** Mechanisms: the table of what must work, with the tests that show it, generated from their titles. */
import { lineAt, textOf, typescriptFiles, isTest } from "./sources.mjs";
import { settle, table } from "./generated.mjs";

const LIST = "docs/mechanisms.json";
const PAGE = "docs/mechanisms.md";
const TITLE = /\b(?:test|it)(\.\w+)*\s*\(\s*(["'`])((?:\[[A-Z]\d+\])+)\s*((?:\\.|(?!\2).)*)\2/g;

/** Every test whose title begins with ids. */
function* titled(root, path) {
  const text = textOf(root, path);
  for (const { 1: modifier, 3: ids, 4: title, index } of text.matchAll(TITLE)) {
    const line = lineAt(text, index);
    for (const [, id] of ids.matchAll(/\[([A-Z]\d+)\]/g))
      yield { id, title, path, line, todo: modifier === ".todo" };
  }
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
    .flatMap((path) => [...titled(root, path)]);
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
