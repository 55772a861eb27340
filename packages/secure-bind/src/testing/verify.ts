/** Verification for tests that know their program to be right. */
import type { Filter } from "../filter/term.ts";
import { verifyFilter } from "../filter/verify.ts";
import type { WordPredicate } from "../predicate/term.ts";
import { verifyPredicate } from "../predicate/verify.ts";
import { isRefusal } from "../refusal.ts";
import type { Verified } from "../verified.ts";

/** `filter`, verified. **Fails** throws when it is refused. */
export function mustVerify(filter: Filter): Verified<Filter> {
  const result = verifyFilter(filter);
  if (isRefusal(result)) throw new Error(`filter refused: ${result.rule} at term ${result.term}`);
  return result;
}

/** `predicate` over a memory of `memoryBytes` bytes, verified. **Fails** throws when it is refused. */
export function mustVerifyPredicate(predicate: WordPredicate, memoryBytes: number): Verified<WordPredicate> {
  const result = verifyPredicate(predicate, memoryBytes);
  if (isRefusal(result)) throw new Error(`predicate refused: ${result.rule} at term ${result.term}`);
  return result;
}
