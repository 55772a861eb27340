/* What the C library leaves out because the interface has no such thing: each refuses as POSIX lets it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

int system(const char *command) {
  if (command == NULL) return 0; /* there is no command processor */
  errno = ENOSYS;
  return -1;
}

char *tmpnam(char *name) {
  (void)name;
  return NULL;
}

FILE *tmpfile(void) {
  errno = ENOSYS;
  return NULL;
}

int chmod(const char *path, mode_t mode) {
  struct stat found;
  (void)mode;
  return stat(path, &found); /* no file has permission bits here */
}

/* Absolute and existing paths as they are: no symbolic link is resolved. */
char *realpath(const char *path, char *resolved) {
  struct stat found;
  if (path == NULL || path[0] != '/' || strlen(path) >= PATH_MAX) {
    errno = EINVAL;
    return NULL;
  }
  if (stat(path, &found) != 0) return NULL;
  return resolved == NULL ? strdup(path) : strcpy(resolved, path);
}
