/** Small programs that no compiler makes, as modules. */
import binaryen from "binaryen";

/** The binary of a module in the text format; `body` is what is in it. */
export function moduleOf(body: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(`(module ${body})`);
  try {
    module.setFeatures(binaryen.Features.All);
    if (module.validate() === 0) throw new Error("not a valid module");
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

/** A list of one piece at 0, of `length` bytes at `at`, for `fd_read` and `fd_write`; the count goes to 8. */
const piece = (at: string, length: string): string =>
  `(i32.store (i32.const 0) ${at}) (i32.store (i32.const 4) ${length})`;

/** Writes a number of a program as text, a line, with `$say`; its memory has at least a page. */
export const SAY: string = `
  (func $say (param $value i32) (local $at i32)
    (local.set $at (i32.const 63))
    (i32.store8 (i32.const 63) (i32.const 10))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
      (br_if $digits (local.tee $value (i32.div_u (local.get $value) (i32.const 10)))))
    ${piece("(local.get $at)", "(i32.sub (i32.const 64) (local.get $at))")}
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`;

/** The import of `fd_write` as `$write`. */
export const WRITE = `
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))`;

/**
 * Goes over `pages` pages of 4 KiB from 1 MiB on, `rounds` times: adds the round to a word of each and checks what it had.
 *
 * Prints how many were right. Every round but the first finds what the one before left.
 */
export const sweep = (pages: number, rounds: number): Uint8Array<ArrayBuffer> =>
  moduleOf(`${WRITE} (memory (export "memory") ${16 + Math.ceil(pages / 16)}) ${SAY}
    (func (export "_start") (local $round i32) (local $page i32) (local $at i32) (local $right i32)
      (loop $rounds
        (local.set $page (i32.const 0))
        (loop $pages
          (local.set $at (i32.add (i32.const 1048580) (i32.mul (local.get $page) (i32.const 4096))))
          (if (i32.eq (i32.load (local.get $at)) (i32.mul (local.get $round) (local.get $page)))
            (then (local.set $right (i32.add (local.get $right) (i32.const 1)))))
          (i32.store (local.get $at) (i32.add (i32.load (local.get $at)) (local.get $page)))
          (br_if $pages
            (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 1))) (i32.const ${pages}))))
        (br_if $rounds
          (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const ${rounds}))))
      (call $say (local.get $right)))`);
