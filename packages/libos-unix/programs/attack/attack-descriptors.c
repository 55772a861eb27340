/* Opens a file again and again without closing it, up to 100,000 times, and prints how it was refused. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
  const char *name = count > 1 ? arguments[1] : "/leak";
  int opened = 0;
  while (opened < 100000 && open(name, O_CREAT | O_RDWR, 0666) >= 0) opened++;
  printf("%d: %s\n", opened, opened < 100000 ? strerror(errno) : "no limit");
  return 0;
}
