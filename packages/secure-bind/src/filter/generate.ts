/** Code for the shapes of a prefix tree: what is read where is in its text, the constants are in tables. */
import { type AtomField, laterDepth } from "./atoms.ts";
import { ConstantTable, PROBES } from "./constants.ts";
import { bytesOfFields, type FragmentKeys } from "./fragment-keys.ts";
import type { Search } from "./search.ts";
import {
  type Edge,
  type Run,
  SHAPE_EDGES,
  type Shape,
  deepestOf,
  dropRuns,
  leaveTable,
  measureShape,
} from "./shape.ts";
import { type Node, type Trie, childOf, publish } from "./trie.ts";

type NodeEdge = Edge<Node>;
type NodeShape = Shape<Node>;
type NodeRun = Run<Node>;

/** A base, and how much of the frame behind it is known to be there. */
interface Base {
  /** Name of the variable with its place in memory. */
  readonly name: string;
  /** Bytes behind it that were checked. */
  readonly known: number;
  /** Fields that were read, by text, and the variables that hold them. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Text of the code as it grows, and what it refers to by number. */
interface Writer {
  readonly lines: string[];
  readonly runs: NodeRun[];
  readonly shapes: NodeShape[];
  readonly trie: Trie;
  /** Names given to fields and bases so far. */
  names: number;
}

/** What the code is given; `new Function` sees nothing else. */
interface Given {
  readonly ages: readonly number[];
  readonly tables: readonly (ConstantTable | undefined)[];
  readonly edges: readonly (NodeEdge | undefined)[];
  /** The state behind an edge that is followed in the tree, or -1. */
  readonly follow: (edge: NodeEdge, state: number, value: number) => number;
  readonly shapes: readonly NodeShape[];
  readonly recall: (shape: NodeShape, state: number, memory: Uint8Array, at: number) => number;
}

/** Values in the key of a run at most: what is behind them is another run. */
const RUN_VALUES = 6;
/** Shifts that move the base no further than this need no care: the sum over all edges stays a small integer. */
const SAFE_MOVE = 2 ** 16;

/**
 * Codes made so far: each has its own number at the end of its text.
 *
 * Engines keep one optimised form for equal texts, and it may then not rely on the tables of either: a third slower.
 */
let codes = 0;

const compares = ({ shifts, fragments }: NodeEdge): boolean => !shifts && fragments === undefined;

/** The edges that are sure to follow `first` up to a choice, an end, or a key that is long enough. */
function edgesFrom(first: NodeEdge): readonly NodeEdge[] {
  const edges = [first];
  let last = first;
  if (first.to.inTree) return edges;
  while (last.fragments === undefined && !last.to.ends && last.to.edges.length === 1) {
    const [next] = last.to.edges;
    if (next === undefined || next.fragments !== undefined || next.to.inTree) break;
    if (edges.filter(compares).length === RUN_VALUES) break;
    edges.push(next);
    last = next;
  }
  return edges;
}

const isLast = (edges: readonly NodeEdge[]): boolean => {
  const last = edges.at(-1);
  return last !== undefined && last.fragments === undefined && last.to.edges.length === 0;
};

const isSameRun = (run: NodeRun | undefined, edges: readonly NodeEdge[]): run is NodeRun =>
  run !== undefined &&
  run.isLast === isLast(edges) &&
  run.edges.length === edges.length &&
  run.edges.every((edge, i) => edge === edges[i]);

/** The run along `edges`: as it was if it was one before, and with an empty table otherwise. */
function runOf(edges: readonly NodeEdge[], { rebuilds, seed }: Trie): NodeRun {
  const { places, free, inTree, run } = edges.at(-1)?.to ?? { places: [], free: [], inTree: true };
  if (inTree) return { edges, isLast: false, table: undefined };
  if (isSameRun(run, edges)) return run;
  const options = { room: places.length - free.length, shrinks: false };
  const table = new ConstantTable(edges.filter(compares).length, seed, rebuilds, options);
  return { edges, isLast: isLast(edges), table };
}

/** Numbers are all that gets into the text. */
const number = (value: number): string => `${Math.trunc(value)}`;

const READERS = { 1: "getUint8", 2: "getUint16", 4: "getInt32" };
const WHOLE = { 1: 0xff, 2: 0xffff, 4: -1 };

/** Reads what `readField` reads and masks it. */
function fieldText(base: string, { at, width, mask }: AtomField): string {
  const field = `view.${READERS[width]}(${base} + ${number(at)})`;
  return mask === WHOLE[width] ? field : `${field} & ${number(mask)}`;
}

interface ReadField {
  readonly name: string;
  readonly base: Base;
}

/** Reads a field into a variable, unless one holds it already; the bounds were checked. */
function emitField(writer: Writer, base: Base, field: AtomField): ReadField {
  const text = fieldText(base.name, field);
  const known = base.fields.get(text);
  if (known !== undefined) return { name: known, base };
  const name = `f${writer.names++}`;
  writer.lines.push(`const ${name} = ${text};`);
  return { name, base: { ...base, fields: new Map([...base.fields, [text, name]]) } };
}

/** Opens a block in which `bytes` behind the base are in the frame; none when that is known. Returns the base and the blocks opened. */
function emitBound(
  writer: Writer,
  base: Base,
  bytes: number,
): { readonly base: Base; readonly blocks: number } {
  if (bytes <= base.known) return { base, blocks: 0 };
  writer.lines.push(`if (${base.name} + ${number(bytes)} <= end) {`);
  return { base: { ...base, known: bytes }, blocks: 1 };
}

/** Takes the filter `leaf` if it is better than the best so far. */
const offerText = (leaf: string, depth: number): string =>
  `if (depth < ${number(depth)} || (depth === ${number(depth)} && ages[${leaf}] < ages[best])) {` +
  ` best = ${leaf}; depth = ${number(depth)}; }`;

/** The base behind a shift by the masked field `name`. */
function emitBase(writer: Writer, edge: NodeEdge, name: string, from: Base): Base {
  const next = `b${writer.names++}`;
  const moved =
    2 ** edge.by * (edge.mask >>> 0) < SAFE_MOVE
      ? `${from.name} + (${name} << ${number(edge.by)})`
      : `Math.min(end + 1, ${from.name} + (${name} >>> 0) * ${number(2 ** edge.by)})`;
  writer.lines.push(`const ${next} = ${moved};`);
  return { name: next, known: 0, fields: new Map() };
}

/** Bytes that the fields of `edges` take up to the next change of base. */
function bytesUpToShift(edges: readonly NodeEdge[]): number {
  let bytes = 0;
  for (const edge of edges) {
    bytes = Math.max(bytes, edge.at + edge.width);
    if (edge.shifts) break;
  }
  return bytes;
}

/** One word of a key: a variable, and whether it may have bits above the lower half. */
interface Word {
  readonly name: string;
  readonly isWide: boolean;
}

interface ReadRun {
  readonly values: readonly Word[];
  readonly base: Base;
  readonly blocks: number;
}

/** Reads all fields of a run, the bounds once for each base. */
function emitRead(writer: Writer, edges: readonly NodeEdge[], from: Base): ReadRun {
  const values: Word[] = [];
  let base = from;
  let blocks = 0;
  let isChecked = false;
  for (const [i, edge] of edges.entries()) {
    if (!isChecked) {
      const bound = emitBound(writer, base, bytesUpToShift(edges.slice(i)));
      base = bound.base;
      blocks += bound.blocks;
    }
    const field = emitField(writer, base, edge);
    if (edge.shifts) base = emitBase(writer, edge, field.name, field.base);
    else {
      values.push({ name: field.name, isWide: edge.mask >>> 16 !== 0 });
      base = field.base;
    }
    isChecked = !edge.shifts;
  }
  return { values, base, blocks };
}

/** The sum whose top bits are the place of a key in table `id`, as the table itself has it. */
const sumText = (id: number, key: readonly Word[]): string =>
  key
    .map(({ name, isWide }, i) => {
      const lower = `Math.imul(${name}, m${id}_${2 * i})`;
      return isWide ? `${lower} + Math.imul(${name} >>> 16, m${id}_${2 * i + 1})` : lower;
    })
    .join(" + ");

/** Looks `state` and `values` up in the table of run `id`: `n` with the id is the state behind it, or -1. */
function emitLookUp(
  { lines }: Writer,
  id: number,
  words: number,
  state: string,
  values: readonly Word[],
): void {
  const key = [{ name: `o${id}`, isWide: false }, ...values];
  const same = key.map(({ name }, i) => `x${id}[i${id}${i === 0 ? "" : ` + ${i}`}] === ${name}`).join(" && ");
  lines.push(
    `const o${id} = ${state} + 1;`,
    `let n${id} = -1, i${id} = ((${sumText(id, key)}) >>> s${id}) * ${number(words)};`,
    `for (let probe = 0; probe < ${number(PROBES)} && x${id}[i${id}] !== 0; probe++) {`,
    `if (${same}) { n${id} = x${id}[i${id} + ${key.length}]; break; }`,
    `i${id} = (i${id} + ${number(words)}) & (x${id}.length - 1);`,
    `}`,
  );
}

/** Names for what a run is looked up in: constants for the engine, so that it keeps them at hand. */
function tableText({ table }: NodeRun, id: number): string {
  if (table === undefined) return `const e${id} = edges[${id}];`;
  const multipliers = Array.from(
    table.multipliers,
    (_, i) => `m${id}_${i} = tables[${id}].multipliers[${i}]`,
  );
  return `const ${[`x${id} = tables[${id}].entries`, `s${id} = tables[${id}].shift`, ...multipliers].join(", ")};`;
}

/** A later fragment is looked up by its key; any other frame goes on. Returns the blocks opened. */
function emitFragments(writer: Writer, edge: NodeEdge, id: number, base: Base): number {
  const { fragments } = edge;
  if (fragments === undefined) return 0;
  const { name } = emitField(writer, base, edge);
  const shape = writer.shapes.push(edge.to) - 1;
  writer.lines.push(
    `if (${name} !== 0) {`,
    `const r${id} = recall(p${shape}, n${id}, memory, ${base.name});`,
    `if (r${id} >= 0) ${offerText(`r${id}`, laterDepth(edge.from.depth, fragments))}`,
    `} else {`,
  );
  return 1;
}

/** All that is behind `first`, which may be looked for at `state`. */
function emitRun(writer: Writer, first: NodeEdge, state: string, from: Base): void {
  const { lines } = writer;
  const run = runOf(edgesFrom(first), writer.trie);
  const id = writer.runs.push(run) - 1;
  const { fragments } = first;
  let read: ReadRun;
  if (fragments === undefined) read = emitRead(writer, run.edges, from);
  else read = { values: [], ...emitBound(writer, from, bytesOfFields(fragments)) };
  if (run.table !== undefined) emitLookUp(writer, id, run.table.words, state, read.values);
  else lines.push(`const n${id} = follow(e${id}, ${state}, ${read.values[0]?.name ?? "0"});`);
  lines.push(`if (n${id} >= 0) {`);
  const blocks = read.blocks + 1 + emitFragments(writer, first, id, read.base);
  const { to } = run.edges.at(-1) ?? first;
  if (run.isLast) lines.push(offerText(`n${id}`, to.depth));
  else emitShape(writer, to, `n${id}`, read.base);
  lines.push("}".repeat(blocks));
}

/** The edges of `shape`, the deepest first, and then the filter that ends there. Recursion is as deep as the tree of shapes. */
function emitShape(writer: Writer, shape: NodeShape, state: string, base: Base): void {
  const { lines } = writer;
  const id = writer.shapes.push(shape) - 1;
  const isSure = shape.edges.length === 1 && !shape.ends;
  if (!isSure && shape.edges.length > 0) lines.push(`const a${id} = p${id}.branches[${state}];`);
  for (const edge of shape.edges) {
    const isThere = isSure ? "" : ` && (a${id} & ${number(1 << edge.ordinal)}) !== 0`;
    lines.push(`if (depth <= ${number(deepestOf(edge))}${isThere}) {`);
    emitRun(writer, edge, state, base);
    lines.push(`}`);
  }
  if (!shape.ends) return;
  lines.push(
    `if (depth <= ${number(shape.depth)}) {`,
    `const l${id} = p${id}.leaves[${state}] - 1;`,
    `if (l${id} >= 0) ${offerText(`l${id}`, shape.depth)}`,
    `}`,
  );
}

/** What the code is made of. */
interface Code {
  readonly text: string;
  readonly runs: readonly NodeRun[];
  readonly shapes: readonly NodeShape[];
}

/** The code's text: what `new Function` gets. In it are numbers out of verified filters, and none of their constants. */
export function writeCode(trie: Trie): Code {
  const writer: Writer = { lines: [], runs: [], shapes: [], trie, names: 0 };
  measureShape(trie.root.shape);
  emitShape(writer, trie.root.shape, "0", { name: "at", known: 0, fields: new Map() });
  const text = [
    `"use strict";`,
    `const { ages, tables, edges, shapes, recall, follow } = given;`,
    ...writer.runs.map(tableText),
    ...writer.shapes.map((_, i) => `const p${i} = shapes[${i}];`),
    `let seen, seenLength = -1, seenView;`,
    `return (memory, at, length) => {`,
    `const room = memory.length;`,
    `if (memory !== seen || room !== seenLength) {`,
    `if (room > 0) seenView = new DataView(memory.buffer, memory.byteOffset, room);`,
    `seen = memory;`,
    `seenLength = room;`,
    `}`,
    `if (!(at >= 0 && at % 1 === 0 && length >= 0)) return -1;`,
    `const view = seenView, end = Math.min(at + length, room);`,
    `let best = -1, depth = -1;`,
    ...writer.lines,
    `return best;`,
    `};`,
  ].join("\n");
  return { text, runs: writer.runs, shapes: writer.shapes };
}

/** Ends `run` at its shape, and fills its table if that is new; false when the table has no room for its constants. */
function settleRun(run: NodeRun): boolean {
  const shape = run.edges.at(-1)?.to;
  if (shape === undefined) return false;
  shape.run = run;
  if (run.table === undefined || run.table.count > 0) return true;
  return shape.places.every((node) => node === undefined || publish(run, node, node.leaf));
}

/** Code whose tables are filled. Where a table has no room there is none in it: it is written twice at most. */
function settledCode(trie: Trie): Code {
  for (;;) {
    const code = writeCode(trie);
    dropRuns(trie.root.shape);
    const refused = code.runs.filter((run) => !settleRun(run));
    if (refused.length === 0) return code;
    for (const run of refused) leaveTable(run);
  }
}

const hasOrdinals = ({ edges }: NodeShape): boolean =>
  edges.every(({ ordinal, to }) => ordinal < SHAPE_EDGES && hasOrdinals(to));

/** What the code calls: the owner of a later fragment, and the tree's own tables. */
function helpers(trie: Trie, keys: FragmentKeys): Pick<Given, "recall" | "follow"> {
  return {
    recall(shape, state, memory, at) {
      const branch = shape.places[state]?.parent;
      const fields = branch?.edge.fragments;
      if (branch === undefined || fields === undefined) return -1;
      return keys.ownerOf(fields, branch.number, memory, at);
    },
    follow(edge, state, value) {
      for (const branch of edge.from.places[state]?.branches ?? [])
        if (branch.edge === edge) return childOf(trie, branch, value)?.state ?? -1;
      return -1;
    },
  };
}

function makeSearch(trie: Trie, ages: readonly number[], keys: FragmentKeys): Search | undefined {
  if (trie.edges > trie.edgesKept || !hasOrdinals(trie.root.shape)) return undefined;
  try {
    const { text, runs, shapes } = settledCode(trie);
    const make = new Function("given", `${text}\n// ${number(++codes)}`) as (given: Given) => Search;
    const tables = runs.map(({ table }) => table);
    const edges = runs.map(({ edges: [edge] }) => edge);
    return make({ ages, tables, edges, shapes, ...helpers(trie, keys) });
  } catch {
    return undefined;
  }
}

/**
 * A search of `trie` by code of its own, or `undefined` when there can be none; then it has no tables for code either.
 *
 * That is where the host allows no code to be made, with more edges than are kept, and
 * when one shape has more than `SHAPE_EDGES`.
 * The code knows the shapes that there are now; filters of these may come and go.
 * It may no longer be used when a table has been rebuilt since.
 * **Cost** O(edges) of text for the host to compile, and O(nodes) to fill the tables that are new.
 */
export function generateSearch(trie: Trie, ages: readonly number[], keys: FragmentKeys): Search | undefined {
  const search = makeSearch(trie, ages, keys);
  if (search === undefined) dropRuns(trie.root.shape);
  return search;
}
