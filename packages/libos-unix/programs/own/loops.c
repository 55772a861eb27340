/* Integer work without memory: so many rounds, then the sum. */
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
  unsigned rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000000;
  unsigned state = 1, sum = 0;
  for (unsigned i = 0; i < rounds; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    sum += state % 1000 + (state & i);
  }
  printf("%u\n", sum);
  return 0;
}
