/** Numbers and names on the command line. */

/** What was written cannot be meant. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** The whole number that `value` is, from 1 to `most`; throws a `UsageError` that names the option. */
export function whole(name: string, value: unknown, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from 1 to ${most}, not ${String(value)}`);
}

/** The names, separated by commas, that `value` is, each one of `known`; throws a `UsageError` that names the option. */
export function names(name: string, value: unknown, known: readonly string[]): readonly string[] {
  const given = String(value).split(",");
  if (given.every((one) => known.includes(one))) return given;
  throw new UsageError(
    `--${name} takes some of ${known.join(", ")}, separated by commas, not ${String(value)}`,
  );
}
