/** What a program that fetched tells. */

/** What came, and what was given up. */
export interface FetchingReport {
  /** How often each answer came: its status, its target and the SHA-256 of its body. */
  readonly bodies: Readonly<Record<string, number>>;
  /** Given up at once, after the head of an answer, and within its body. */
  readonly aborted: readonly number[];
  /** Of everything else that was not whole. */
  readonly failures: readonly string[];
}
