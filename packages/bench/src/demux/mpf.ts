/** A matcher like MPF (Yuhara et al., USENIX Winter 1994): BPF with an associative match on constants. */
import type { Filter, FilterTerm, Verified } from "@exolith/secure-bind";
import { SCRATCH_WORDS, makeProgramWriter, runProgram } from "./accumulator.ts";
import { makeKeyTable, type KeyTable } from "./key-table.ts";
import { NO_MATCH, byLength, type Classify, type Tagged, type WatchProgram } from "./matcher.ts";

type Comparison = Extract<FilterTerm, { kind: "equal" }>;

/** What filters have in common, run once for all of them, and what they differ in. */
interface Group {
  readonly program: Int32Array;
  readonly table: KeyTable;
}

/** One filter, taken apart. */
interface Parts {
  /** What is the same in all filters of a group, with the fields of the keys where they are loaded. */
  readonly terms: readonly { readonly term: FilterTerm; readonly isKey: boolean }[];
  readonly keys: readonly Comparison[];
  /** Equal for filters of one group. */
  readonly text: string;
}

interface Member extends Tagged {
  readonly parts: Parts;
}

const withoutValue = (term: FilterTerm): FilterTerm => (term.kind === "equal" ? { ...term, value: 0 } : term);

/**
 * Keys are what endpoints differ in: whole addresses, and ports (whole fields behind a shift).
 *
 * The rest, such as the protocol, is common. Filters are one group when they
 * are the same but for the values of their keys.
 */
function partsOf(filter: Filter): Parts {
  let moved = false;
  const terms = filter.map((term) => {
    if (term.kind === "shift") moved = true;
    const isWhole = term.kind === "equal" && term.mask === 2 ** (8 * term.width) - 1;
    return { term, isKey: isWhole && (term.width === 4 || (moved && term.width === 2)) };
  });
  const keys = terms.flatMap(({ term, isKey }) => (isKey && term.kind === "equal" ? [term] : []));
  const text = JSON.stringify(terms.map(({ term, isKey }) => (isKey ? [withoutValue(term)] : term)));
  return { terms, keys, text };
}

function makeGroup(members: readonly Member[], watch: WatchProgram): Group {
  const { terms = [], keys = [] } = members[0]?.parts ?? {};
  if (keys.length > SCRATCH_WORDS) throw new RangeError(`more than ${SCRATCH_WORDS} keys`);
  const writer = makeProgramWriter();
  let index = 0;
  for (const { term, isKey } of terms)
    if (isKey && term.kind === "equal") writer.key(term, index++);
    else writer.term(term);
  const table = makeKeyTable(members.length, keys.length);
  for (const { parts, tag } of members)
    table.add(
      parts.keys.map(({ value }) => value | 0),
      tag,
    );
  return { program: watch(writer.end(0)), table };
}

/**
 * Filters that differ in their keys alone are one program and one look-up; such groups are tried one after the other.
 *
 * The original has 256 chains for each group; this table grows, which is to its
 * advantage. It collapses filters that begin alike only if they are alike to
 * the end, and so does this. Which of two equally long filters gets a frame that
 * both accept is not said.
 */
export function makeMpf(
  filters: readonly Verified<Filter>[],
  watch: WatchProgram = (program) => program,
): Classify {
  const scratch = new Int32Array(SCRATCH_WORDS);
  const groups = new Map<string, Member[]>();
  for (const each of byLength(filters)) {
    const parts = partsOf(each.filter);
    const members = groups.get(parts.text);
    if (members === undefined) groups.set(parts.text, [{ ...each, parts }]);
    else members.push({ ...each, parts });
  }
  const programs = [...groups.values()].map((members) => makeGroup(members, watch));
  return (memory, at, length) => {
    for (const { program, table } of programs) {
      if (runProgram(program, scratch, memory, at, length) < 0) continue;
      const tag = table.find(scratch);
      if (tag >= 0) return tag;
    }
    return NO_MATCH;
  };
}
