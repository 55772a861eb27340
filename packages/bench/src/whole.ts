/** Numbers on the command line. */

/** What was written cannot be meant. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** The whole number that `value` is, from 1 to `most`; throws a `UsageError` that names the option. */
export function whole(name: string, value: unknown, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} takes a whole number from 1 to ${most}, not ${String(value)}`);
}
