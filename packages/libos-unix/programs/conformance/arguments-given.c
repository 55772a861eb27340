/* Arguments and environment: counts, sizes, and texts that end with NUL and lie behind each other. Wants `a`, `` and `b c`, and X=1 and Y=. */
#include "check.h"

int main(void) {
  __wasi_size_t count = 0, size = 0;
  uint8_t *list[8], bytes[256];
  memset(bytes, 0x55, sizeof bytes);
  DONE(__wasi_args_sizes_get(&count, &size));
  EQUAL(count, 4);
  DONE(__wasi_args_get(list, bytes));
  EQUAL(strcmp((char *)list[1], "a"), 0);
  EQUAL(strcmp((char *)list[2], ""), 0);
  EQUAL(strcmp((char *)list[3], "b c"), 0);
  EQUAL(list[3] + 4 - list[0], size);
  EQUAL(bytes[size], 0x55);
  DONE(__wasi_environ_sizes_get(&count, &size));
  EQUAL(count, 2);
  EQUAL(size, 7);
  DONE(__wasi_environ_get(list, bytes));
  EQUAL(strcmp((char *)list[0], "X=1"), 0);
  EQUAL(strcmp((char *)list[1], "Y="), 0);
  return finish();
}
