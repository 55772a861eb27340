/** Verification for tests that know their filter to be right. */
import { type Filter, type Verified, isRefusal, verifyFilter } from "../index.ts";

/** `filter`, verified. **Fails** throws when it is refused. */
export function mustVerify(filter: Filter): Verified<Filter> {
  const result = verifyFilter(filter);
  if (isRefusal(result)) throw new Error(`filter refused: ${result.rule} at term ${result.term}`);
  return result;
}
