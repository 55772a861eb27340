/** The pages of the kernel interface, generated from its sources: fails when they are stale. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { settle, table } from "./generated.mjs";
import { readCalls, readConstants, readErrors, readTables } from "./kernel-calls.mjs";
import { filesBelow, textOf } from "./sources.mjs";
import { FOREIGN_ERRORS } from "./foreign-errors.mjs";

const NOTICE = "<!-- Generated from packages/exokernel/src/abi by `pnpm check --write`. Do not edit. -->";
const AUTHORISED = {
  slot: "an argument names the capability slot it relies on",
  binding: "it uses something that was bound earlier, and only its owner can",
  self: "it concerns nobody but the caller",
};

/** The first word of a call names its group; some groups share a page. */
const PAGES = {
  null: "self",
  yield: "slice",
  sleep: "slice",
  wake: "slice",
  frames: "frame",
  ring: "ring-and-filter",
  filter: "ring-and-filter",
  random: "console",
};
const groupOf = ({ name }) => {
  const [word] = name.match(/^[a-z]+/);
  return PAGES[word] ?? word;
};

const page = (title, ...parts) => `${[NOTICE, `# ${title}`, ...parts].join("\n\n")}\n`;
const hex = (number) => `0x${number.toString(16).padStart(2, "0")}`;

function callSection({ name, doc, parameters, result, row }, errors) {
  const refusals = row.fails.map((fail) => [`\`${fail}\``, errors.get(fail)]);
  return [
    `## ${name}`,
    doc,
    `Number ${hex(row.number)}, towards WebAssembly \`${row.wasm}\`. Authorised because ${AUTHORISED[row.credential]}.`,
    parameters.length === 0
      ? "Takes nothing."
      : table(
          ["Argument", "Type"],
          parameters.map((each) => [`\`${each.name}\``, `\`${each.type}\``]),
        ),
    `Returns \`${result}\`.`,
    refusals.length === 0 ? "Never refused." : table(["Refused with", "When"], refusals),
  ].join("\n\n");
}

function groups(calls) {
  const found = new Map();
  for (const call of calls) found.set(groupOf(call), [...(found.get(groupOf(call)) ?? []), call]);
  return found;
}

function indexPage(byGroup, calls) {
  const rows = [...byGroup].flatMap(([group, members]) =>
    members.map(({ name, row }) => [
      hex(row.number),
      `[${name}](${group}.md#${name.toLowerCase()})`,
      row.credential,
    ]),
  );
  const open = calls.filter(({ row }) => row.credential !== "slot");
  return page(
    "The kernel interface",
    "Everything a library operating system may import is `@exolith/exokernel/abi`.\nBesides the calls there are [published tables](tables.md), [limits](limits.md) and [refusals](errors.md).",
    table(["Number", "Call", "Authorised by"], rows),
    "## Calls without a capability argument",
    table(
      ["Call", "Why"],
      open.map(({ name, row }) => [`\`${name}\``, AUTHORISED[row.credential]]),
    ),
  );
}

const errorsPage = (errors) =>
  page(
    "Refusals",
    "A call returns its result or one of these; a refused call has changed nothing.\nTowards WebAssembly a refusal is its negative number.",
    table(
      ["Number", "Name", "Meaning"],
      errors.map(({ name, code, doc }) => [String(code), `\`${name}\``, doc]),
    ),
    "## Names in the papers and in Xok",
    table(["There", "Here"], FOREIGN_ERRORS),
  );

const limitsPage = (constants) =>
  page(
    "Limits",
    table(
      ["Constant", "Value", "Meaning"],
      constants.map(({ name, value, doc }) => [`\`${name}\``, `\`${value}\``, doc]),
    ),
  );

const tablesPage = (tables) =>
  page(
    "Published tables",
    "Every environment reads these without a kernel call; nobody can write them.\nReading a row that does not exist gives 0.",
    ...tables.map(
      ({ name, doc, columns }) =>
        `## ${name}\n\n${doc}\n\n${table(
          ["Reader", "Meaning"],
          columns.map(({ text, doc: meaning }) => [`\`${text}\``, meaning]),
        )}`,
    ),
  );

/** The names in the list of calls without a capability, as the documents have it. */
export function listedWithoutSlot(root) {
  if (!existsSync(join(root, "docs/abi/README.md"))) return new Set();
  const [, list = ""] = textOf(root, "docs/abi/README.md").split("## Calls without a capability argument");
  return new Set([...list.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
}

/** Every page: path to text. */
function pagesOf(root) {
  const { calls } = readCalls(root);
  const errors = readErrors(root);
  const meanings = new Map(errors.map(({ name, doc }) => [name, doc]));
  const byGroup = groups(calls.filter(({ row }) => row));
  const pages = new Map([
    [
      "docs/abi/README.md",
      indexPage(
        byGroup,
        calls.filter(({ row }) => row),
      ),
    ],
  ]);
  for (const [group, members] of byGroup) {
    const title = `Calls: ${group.replaceAll("-", " ")}`;
    pages.set(`docs/abi/${group}.md`, page(title, ...members.map((call) => callSection(call, meanings))));
  }
  pages.set("docs/abi/errors.md", errorsPage(errors));
  pages.set("docs/abi/limits.md", limitsPage(readConstants(root, "limits.ts")));
  pages.set("docs/abi/tables.md", tablesPage(readTables(root)));
  return pages;
}

/** The gate. */
export function check({ root, write }) {
  const pages = pagesOf(root);
  const problems = settle(root, pages, write);
  for (const path of filesBelow(root, "docs/abi", ".md")) {
    if (!pages.has(path)) problems.push(`${path}:1 describes nothing that exists`);
  }
  return { problems, note: `${pages.size} pages` };
}
