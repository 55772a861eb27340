/* Ends in the middle with the code that its first argument says; what stands behind is not reached. */
#include <stdlib.h>
#include "check.h"

int main(int count, char **arguments) {
  fprintf(stderr, "before\n");
  __wasi_proc_exit(count > 1 ? (__wasi_exitcode_t)atoi(arguments[1]) : 0);
}
