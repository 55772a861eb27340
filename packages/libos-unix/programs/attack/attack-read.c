/* Reads (or with `write` as first argument, writes) at an address that the second argument names; 0xfffffff0 if none. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments) {
  uintptr_t at = count > 2 ? strtoul(arguments[2], NULL, 0) : 0xfffffff0u;
  volatile unsigned char *byte = (volatile unsigned char *)at;
  puts("before");
  fflush(stdout);
  if (count > 1 && strcmp(arguments[1], "write") == 0) *byte = 1;
  else printf("read %d\n", *byte);
  puts("after");
  return 0;
}
