/** The filter that Linux runs for a packet socket: what is for us, or for everyone. */

/** Instructions of the classic packet filter (Linux, Documentation/networking/filter). */
const LOAD_WORD = 0x20,
  LOAD_HALF = 0x28,
  JUMP_EQUAL = 0x15,
  RETURN = 0x06;

/** An address at which the filter finds, instead of a byte, whether the frame had a VLAN tag. */
const TAGGED_AT = 0xffff_f000 + 48;

const ALL_BYTES = 0x4_0000;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * A program of eight-byte instructions that lets pass what is sent to `address` or to everyone, untagged.
 *
 * Linux runs it before it copies anything.
 */
export const packetFilter = (address: readonly number[]): Uint8Array => {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = address;
  const program: readonly Instruction[] = [
    [LOAD_WORD, 0, 0, TAGGED_AT],
    [JUMP_EQUAL, 0, 7, 0],
    [LOAD_HALF, 0, 0, 4],
    [JUMP_EQUAL, 0, 2, e * 256 + f],
    [LOAD_WORD, 0, 0, 0],
    [JUMP_EQUAL, 4, 2, (a * 256 + b) * 65_536 + c * 256 + d],
    [JUMP_EQUAL, 0, 2, 0xffff],
    [LOAD_WORD, 0, 0, 0],
    [JUMP_EQUAL, 1, 0, 0xffff_ffff],
    [RETURN, 0, 0, 0],
    [RETURN, 0, 0, ALL_BYTES],
  ];
  const code = new DataView(new ArrayBuffer(program.length * 8));
  for (const [i, [operation, ifTrue, ifFalse, value]] of program.entries()) {
    code.setUint16(i * 8, operation, true);
    code.setUint8(i * 8 + 2, ifTrue);
    code.setUint8(i * 8 + 3, ifFalse);
    code.setUint32(i * 8 + 4, value, true);
  }
  return new Uint8Array(code.buffer);
};
