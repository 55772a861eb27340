/* Allocates and frees blocks of many sizes in no order, and checks that none overlaps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 1024
static unsigned char *block[BLOCKS];
static unsigned size[BLOCKS];

int main(int count, char **arguments) {
  unsigned rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 100000;
  unsigned state = 12345;
  unsigned long long sum = 0;
  for (unsigned i = 0; i < rounds; i++) {
    state = state * 1664525 + 1013904223;
    unsigned at = (state >> 16) % BLOCKS;
    unsigned char mark = (unsigned char)at;
    if (block[at] != NULL) {
      if (block[at][0] != mark || block[at][size[at] - 1] != mark) return printf("damaged %u\n", at), 1;
      sum += size[at];
      free(block[at]);
    }
    size[at] = 1 + (state >> 8) % (i % 64 == 0 ? 65536 : 512);
    block[at] = malloc(size[at]);
    if (block[at] == NULL) return puts("no memory"), 1;
    block[at][0] = mark;
    block[at][size[at] - 1] = mark;
  }
  printf("%llu\n", sum);
  return 0;
}
