/* Grows its memory to 1 GiB and fills all of it with one instruction. */
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  unsigned long mebibytes = count > 1 ? strtoul(arguments[1], NULL, 0) : 1024;
  unsigned long start = __builtin_wasm_memory_size(0);
  unsigned long wanted = mebibytes * 16;
  if (__builtin_wasm_memory_grow(0, wanted) == (unsigned long)-1) return puts("refused"), 0;
  puts("filling");
  fflush(stdout);
  volatile unsigned char *bytes = (volatile unsigned char *)(start * 65536);
  __asm__ volatile(
      "local.get %0\n"
      "i32.const 0x5a\n"
      "local.get %1\n"
      "memory.fill 0" ::"r"(bytes),
      "r"(wanted * 65536));
  printf("filled %d %d\n", bytes[0], bytes[wanted * 65536 - 1]);
  return 0;
}
