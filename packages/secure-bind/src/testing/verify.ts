/** Verification for tests that know their program to be right. */
import {
  type Filter,
  type Verified,
  type WordPredicate,
  isRefusal,
  verifyFilter,
  verifyPredicate,
} from "../index.ts";

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
