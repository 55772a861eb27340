/* Calls itself as often as its first argument says, then writes a line from down there, and comes back. */
#include <stdio.h>
#include <stdlib.h>

static volatile unsigned sum;

__attribute__((noinline)) static unsigned down(unsigned depth) {
  volatile unsigned here = depth * 2654435761u;
  if (depth == 0) {
    puts("at the bottom");
    fflush(stdout);
    return 1;
  }
  unsigned below = down(depth - 1);
  return below * 31 + here;
}

int main(int count, char **arguments) {
  unsigned depth = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000;
  sum = down(depth);
  printf("%u\n", sum);
  return 0;
}
