/* Takes memory, touching every page, until no more is given; then prints how many MiB it has. */
#include <stdio.h>

int main(void) {
  unsigned long taken = 0;
  for (;;) {
    unsigned long before = __builtin_wasm_memory_grow(0, 16);
    if (before == (unsigned long)-1) break;
    volatile unsigned char *bytes = (volatile unsigned char *)(before * 65536);
    for (unsigned long i = 0; i < 16 * 65536; i += 4096) bytes[i] = 1;
    taken++;
  }
  printf("%lu\n", taken);
  return 0;
}
