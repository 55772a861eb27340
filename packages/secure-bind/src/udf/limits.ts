/** Limits of untrusted deterministic functions. */

/** Statements and expressions in the longest program; a longer one is refused: `TooLong`. */
export const UDF_TERMS = 2048;

/** Statements and expressions inside each other, at most; more are refused: `TooDeep`. */
export const UDF_DEPTH = 64;

/** Locals of a program, at most; more are refused: `BadLocal`. */
export const UDF_LOCALS = 32;

/** Words that a caller of an `acl` can say; another argument is refused: `BadArgument`. */
export const UDF_ARGUMENTS = 8;

/** Turns, the largest limit of a `repeat`; a larger one is refused: `BadLimit`. */
export const UDF_REPEATS = 65_535;

/** Steps of the longest run; more are refused, `TooManySteps`, or end the run, `OutOfSteps`. */
export const UDF_STEPS = 262_144;

/** Extents that an ordinary list takes; one more ends the run: `TooManyExtents`. */
export const UDF_EXTENTS = 4096;

/** Changes of one modification of a block; more are refused: `BadModification`. */
export const UDF_CHANGES = 1024;

/** Bytes of all changes of one modification together; more are refused: `BadModification`. */
export const UDF_CHANGE_BYTES = 65_536;
