/* Writes to standard output without end, unless writing fails. */
#include <string.h>
#include <unistd.h>

static char bytes[65536];

int main(void) {
  memset(bytes, 'x', sizeof bytes);
  while (write(1, bytes, sizeof bytes) > 0) {
  }
  return 1;
}
