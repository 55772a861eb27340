/** The pages of the kernel interface, generated from its sources: fails when they are stale or say too little. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { settle, table } from "./generated.mjs";
import {
  readConstants,
  readErrors,
  readGroups,
  readInterfaces,
  readRecord,
  readUnits,
} from "./kernel-calls.mjs";
import { filesBelow, textOf } from "./sources.mjs";
import { FOREIGN_ERRORS } from "./foreign-errors.mjs";

const NOTICE = "<!-- Generated from packages/exokernel/src/abi by `pnpm check --write`. Do not edit. -->";
const AUTHORISED = {
  slot: "an argument names the capability slot it relies on",
  binding: "it uses something that was bound earlier, and only its owner can",
  self: "it concerns nobody but the caller, or whoever it concerns decides",
};
const ENTERED = {
  short: "the short way, for a call that changes one thing",
  move: "the way for moving a packet or a run of bytes",
  long: "the long way, for a call that changes several things",
};

/** Records of the interface outside the groups of calls, each with its members. */
const OBJECTS = ["window.ts", "batch.ts", "display.ts", "predicate.ts", "program.ts"];

const page = (title, ...parts) => `${[NOTICE, `# ${title}`, ...parts.filter(Boolean)].join("\n\n")}\n`;
const hex = (number) => `0x${number.toString(16).padStart(2, "0")}`;
const titled = (title, ...parts) => [`## ${title}`, ...parts.filter(Boolean)].join("\n\n");

function callSection({ name, doc, parameters, result, row }, units) {
  const refusals = row.fails.map((fail) => [`\`${fail}\``, row.when.get(fail) ?? ""]);
  return titled(
    name,
    doc,
    table(
      ["Number", "Towards WebAssembly", "Enters by", "Authorised because"],
      [[hex(row.number), `\`${row.wasm}\``, ENTERED[row.path], AUTHORISED[row.credential]]],
    ),
    parameters.length === 0
      ? "Takes nothing."
      : table(
          ["Argument", "Type", "Unit or meaning"],
          parameters.map(({ name: argument, type }) => [
            `\`${argument}\``,
            `\`${type}\``,
            row.takes.get(argument) ?? "",
          ]),
        ),
    resultLine(result, units),
    refusals.length === 0 ? "Never refused." : table(["Refused with", "When"], refusals),
  );
}

/** What a call gives, with the meaning of every unit or id in it. */
function resultLine(result, units) {
  if (result === "undefined") return "Returns nothing.";
  const known = [...result.matchAll(/\w+/g)].flatMap(([word]) => units.get(word) ?? []);
  return [`Returns \`${result}\`.`, ...known].join(" ");
}

const membersTable = (head, members) =>
  table(
    [head, "Meaning"],
    members.map(({ text, doc }) => [`\`${text}\``, doc]),
  );

const recordSection = ({ name, doc, members }) => titled(name, doc, membersTable("Field", members));

const groupPage = ({ name, doc, calls, records }, units) =>
  page(
    `Calls: ${name}`,
    doc,
    ...calls.filter(({ row }) => row).map((call) => callSection(call, units)),
    ...records.map(recordSection),
  );

function indexPage(groups) {
  const calls = groups.flatMap(({ name, calls: all }) =>
    all.filter(({ row }) => row).map((call) => ({ ...call, group: name })),
  );
  const open = calls.filter(({ row }) => row.credential !== "slot");
  return page(
    "The kernel interface",
    "Everything a library operating system may import is `@exolith/exokernel/abi`.\nBesides the calls there are [upcalls](upcalls.md), [published tables](tables.md), [what calls take and give](objects.md), [limits](limits.md) and [refusals](errors.md).",
    "A refused call has changed nothing.\nA call whose caller has too little stack left throws a `RangeError` before it has changed anything.",
    table(
      ["Number", "Call", "Authorised by", "Enters by"],
      calls.map(({ name, group, row }) => [
        hex(row.number),
        `[${name}](${group}.md#${name.toLowerCase()})`,
        row.credential,
        row.path,
      ]),
    ),
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
    "A call returns its result or one of these; a refused call has changed nothing.\nWhen each call returns which is on the call's page.\nTowards WebAssembly a refusal is its negative number.",
    table(
      ["Number", "Name", "Meaning"],
      errors.map(({ name, value, doc }) => [value, `\`${name}\``, doc]),
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

const objectsPage = (root) =>
  page(
    "What calls take and give",
    "Objects that pass through the gate, besides numbers and ids.\nWhat belongs to one group of calls is on the page of that group.",
    ...OBJECTS.flatMap((file) => readInterfaces(root, file)).map(recordSection),
  );

const tablesPage = (root) =>
  page(
    "Published tables",
    "Every environment reads these without a kernel call; nobody can write them: a reader is a frozen function, and the kernel alone changes what it shows.\nReading a row that does not exist gives 0.",
    ...["tables.ts", "program-tables.ts"]
      .flatMap((file) => readInterfaces(root, file))
      .map(({ name, doc, members }) => titled(name, doc, membersTable("Reader", members))),
    titled(
      "The system frame",
      "The same kind of state as words of memory: bind a window on the frame with the capability in `WELL_KNOWN_SLOT`, for reading, or watch a word with a predicate.\nEach is 32 bits, big-endian; the kernel alone writes them.",
      table(
        ["Byte offset", "Word", "Unit, and when it is written"],
        readRecord(root, "tables.ts", "SYSTEM_WORDS").map(({ name, value, doc }) => [
          value,
          `\`${name}\``,
          doc,
        ]),
      ),
    ),
  );

const numbers = (title, intro, record) =>
  titled(
    title,
    intro,
    table(
      ["Number", "Name", "Meaning"],
      record.map(({ name, value, doc }) => [value, `\`${name}\``, doc]),
    ),
  );

function upcallsPage(root) {
  const [upcalls] = readInterfaces(root, "upcalls.ts");
  return page(
    "Upcalls, and numbers that they and the calls share",
    upcalls.doc,
    membersTable("Entry point", upcalls.members),
    numbers("Causes of faults", "", readRecord(root, "upcalls.ts", "FAULT_CAUSES")),
    numbers(
      "Kinds of transfer",
      "Bits, for `transferAllow`.",
      readRecord(root, "upcalls.ts", "TRANSFER_KINDS"),
    ),
    numbers(
      "Kinds of resources",
      "For guards, revocation and accounting.",
      readRecord(root, "resources.ts", "RESOURCE_KINDS"),
    ),
    numbers(
      "Completion words",
      "Of disk transfers and of copies by DMA, big-endian 32 bits.",
      readRecord(root, "calls/disk.ts", "TRANSFER_STATUS"),
    ),
  );
}

/** The names in the list of calls without a capability, as the documents have it. */
export function listedWithoutSlot(root) {
  if (!existsSync(join(root, "docs/abi/README.md"))) return new Set();
  const [, list = ""] = textOf(root, "docs/abi/README.md").split("## Calls without a capability argument");
  return new Set([...list.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
}

/** Every page: path to text. */
function pagesOf(root, groups) {
  const units = readUnits(root);
  return new Map([
    ["docs/abi/README.md", indexPage(groups)],
    ...groups.map((group) => [`docs/abi/${group.name}.md`, groupPage(group, units)]),
    ["docs/abi/upcalls.md", upcallsPage(root)],
    ["docs/abi/objects.md", objectsPage(root)],
    ["docs/abi/errors.md", errorsPage(readErrors(root))],
    ["docs/abi/limits.md", limitsPage(readConstants(root, "limits.ts"))],
    ["docs/abi/tables.md", tablesPage(root)],
  ]);
}

/** Why the page of a call would say too little; undefined if it says enough. */
function silence({ parameters, row }) {
  if (row === undefined) return "has no row";
  const differ = (said, there) => said.size !== there.length || there.some((each) => !said.has(each));
  const names = parameters.map((each) => each.name);
  if (differ(row.takes, names)) return `explains other arguments than ${names.join(", ")}`;
  return differ(row.when, row.fails) ? `explains other refusals than ${row.fails.join(", ")}` : undefined;
}

/** Calls that are not explained, and numbers that two calls share. */
function callProblems(calls) {
  const problems = calls.flatMap((call) => {
    const reason = silence(call);
    return reason === undefined ? [] : [`${call.where} ${call.name} ${reason}`];
  });
  const byNumber = new Map();
  for (const { name, where, row } of calls) {
    const other = row && byNumber.get(row.number);
    if (other !== undefined) problems.push(`${where} ${name} has the number of ${other}`);
    if (row) byNumber.set(row.number, name);
  }
  return problems;
}

/** The gate. */
export function check({ root, write }) {
  const groups = readGroups(root);
  const calls = groups.flatMap((group) => group.calls);
  const problems = callProblems(calls);
  const pages = pagesOf(root, groups);
  problems.push(...settle(root, pages, write));
  for (const path of filesBelow(root, "docs/abi", ".md")) {
    if (!pages.has(path)) problems.push(`${path}:1 describes nothing that exists`);
  }
  return { problems, note: `${calls.length} calls on ${pages.size} pages` };
}
