/** The proof that a compiler demands: this program passed its verifier. */

declare const verified: unique symbol;

/**
 * A program that its language's verifier has checked, copied and frozen.
 *
 * Only a verifier makes one; an unverified program does not type-check where
 * one of these is wanted. Nothing at run time: a kernel verifies what strangers
 * hand it and believes no claim of theirs.
 */
export type Verified<T> = T & { readonly [verified]: true };
