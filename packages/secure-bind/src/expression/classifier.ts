/** Classifying packets by name: expressions in, the name of the longest match out. */
import { makeDemultiplexer } from "../filter/demultiplexer.ts";
import type { Filter } from "../filter/term.ts";
import { verifyFilter } from "../filter/verify.ts";
import { isRefusal } from "../refusal.ts";
import { compileExpression } from "./expression.ts";

/** A filter expression, or filters of which a frame must satisfy one. */
export type Class = string | readonly Filter[];

/**
 * The name of the class that the frame of `length` bytes at `at` belongs to; `undefined` for none.
 *
 * Without `length` the frame goes to the end of `memory`.
 */
export type Classifier<Name extends string> = (
  memory: Uint8Array,
  at?: number,
  length?: number,
) => Name | undefined;

/** Classes by name, or pairs of a name and a class where the names are numbers and their order counts. */
export type Classes<Name extends string> =
  | Readonly<Record<Name, Class>>
  | readonly (readonly [name: Name, wanted: Class])[];

function filtersOf(name: string, wanted: unknown): readonly unknown[] {
  if (typeof wanted === "string") return compileExpression(wanted);
  if (Array.isArray(wanted)) return wanted;
  throw new RangeError(`class ${name}: neither an expression nor filters`);
}

/**
 * One function that tells frames of many classes apart, such as `{ web: "tcp port 80 or 443", rest: "ip" }`.
 *
 * All filters of all classes go into one demultiplexer. The longest match
 * decides, so `rest` above gets what is not the web's in whatever order the two
 * are given; of equally long ones, and of two classes with the same filter, the
 * first keeps the frame. The first is the first of a list of pairs; in an object
 * names that are whole numbers stand before all others, as everywhere.
 *
 * **Fails** throws an `ExpressionError` as `compileExpression` does; a
 * `RangeError` that names the class for what is no class, for a filter that the
 * verifier refuses, or for more filters than a demultiplexer holds.
 */
export function makeClassifier<Name extends string>(classes: Classes<Name>): Classifier<Name> {
  const demultiplexer = makeDemultiplexer();
  const pairs = (Array.isArray(classes) ? classes : Object.entries(classes)) as (readonly [Name, unknown])[];
  const names = pairs.map(([name]) => name);
  for (const [tag, [name, wanted]] of pairs.entries()) {
    for (const filter of filtersOf(name, wanted)) {
      const verified = verifyFilter(filter);
      if (isRefusal(verified))
        throw new RangeError(`class ${name}: ${verified.rule} at term ${verified.term}`);
      if (demultiplexer.insert(verified, tag) === "full")
        throw new RangeError(`class ${name}: too many filters`);
    }
  }
  return (memory, at = 0, length = memory.length - at) => names[demultiplexer.classify(memory, at, length)];
}
