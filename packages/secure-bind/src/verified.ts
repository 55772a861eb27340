/** The proof that a compiler demands: this program passed its verifier. */

/** Its private member makes a type of its own, which a copy by spreading does not have. */
declare abstract class Mark {
  private readonly verified: true;
}

/**
 * A program that its language's verifier has checked, copied and frozen.
 *
 * Only a verifier makes one; an unverified program does not type-check where
 * one of these is wanted, nor does a changed copy of a verified one
 * (`{ ...program, body }`). Nothing at run time: a kernel verifies what
 * strangers hand it and believes no claim of theirs.
 */
export type Verified<T> = T & Mark;
