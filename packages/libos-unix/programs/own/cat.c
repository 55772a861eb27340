/* Copies standard input, or the files that are named, to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char bytes[4096];

static int copy(int from) {
  ssize_t length;
  while ((length = read(from, bytes, sizeof bytes)) > 0) {
    for (ssize_t done = 0; done < length;) {
      ssize_t taken = write(1, bytes + done, length - done);
      if (taken < 0) return -1;
      done += taken;
    }
  }
  return length < 0 ? -1 : 0;
}

int main(int count, char **arguments) {
  int failed = 0;
  if (count == 1 && copy(0) != 0) failed = 1;
  for (int i = 1; i < count; i++) {
    int from = open(arguments[i], O_RDONLY);
    if (from < 0 || copy(from) != 0) {
      fprintf(stderr, "cat: %s: %s\n", arguments[i], strerror(errno));
      failed = 1;
    }
    if (from >= 0) close(from);
  }
  return failed;
}
