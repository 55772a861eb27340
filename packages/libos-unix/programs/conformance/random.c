/* Random bytes: none, few, and more than a page; not all the same, and not the same twice. */
#include "check.h"

static unsigned char bytes[2][70000];

int main(void) {
  unsigned seen[256] = {0}, kinds = 0;
  bytes[0][0] = 0x77;
  DONE(__wasi_random_get(bytes[0], 0));
  EQUAL(bytes[0][0], 0x77);
  DONE(__wasi_random_get(bytes[0], sizeof bytes[0]));
  DONE(__wasi_random_get(bytes[1], sizeof bytes[1]));
  for (unsigned i = 0; i < sizeof bytes[0]; i++) kinds += seen[bytes[0][i]]++ == 0;
  EQUAL(kinds, 256);
  HOLDS(memcmp(bytes[0], bytes[1], sizeof bytes[0]) != 0);
  return finish();
}
