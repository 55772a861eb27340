#include "check.h"

static int wrong;

void check_outcome(const char *file, int line, const char *what, int outcome, const int *allowed) {
  for (const int *one = allowed; *one >= 0; one++)
    if (outcome == *one) return;
  fprintf(stderr, "%s:%d: %s: error %d, not", file, line, what, outcome);
  for (const int *one = allowed; *one >= 0; one++) fprintf(stderr, " %d", *one);
  fprintf(stderr, "\n");
  wrong++;
}

void check_equal(const char *file, int line, const char *what, long long got, long long wanted) {
  if (got == wanted) return;
  fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", file, line, what, got, wanted);
  wrong++;
}

__wasi_fd_t opened(__wasi_fd_t directory, const char *name, __wasi_oflags_t how, __wasi_rights_t rights) {
  __wasi_fd_t found = (__wasi_fd_t)-1;
  DONE(__wasi_path_open(directory, 0, name, how, rights, rights, 0, &found));
  HOLDS(found > 2);
  return found;
}

int try_open(__wasi_fd_t directory, const char *name, __wasi_oflags_t how, __wasi_rights_t rights) {
  __wasi_fd_t found;
  int outcome = __wasi_path_open(directory, 0, name, how, rights, rights, 0, &found);
  if (outcome == 0) (void)__wasi_fd_close(found);
  return outcome;
}

__wasi_fd_t scratch(const char *name) {
  __wasi_fd_t found = (__wasi_fd_t)-1;
  __wasi_fdstat_t first;
  DONE(__wasi_path_create_directory(FIRST_DIRECTORY, name));
  DONE(__wasi_fd_fdstat_get(FIRST_DIRECTORY, &first));
  DONE(__wasi_path_open(FIRST_DIRECTORY, 0, name, __WASI_OFLAGS_DIRECTORY, first.fs_rights_base,
                        first.fs_rights_inheriting, 0, &found));
  return found;
}

void remove_scratch(__wasi_fd_t directory, const char *name) {
  DONE(__wasi_fd_close(directory));
  DONE(__wasi_path_remove_directory(FIRST_DIRECTORY, name));
}

__wasi_fd_t nothing_open(void) {
  __wasi_fdstat_t stat;
  __wasi_fd_t number = 3;
  while (__wasi_fd_fdstat_get(number, &stat) == 0) number++;
  return number;
}

void make_file(__wasi_fd_t directory, const char *name) {
  DONE(__wasi_fd_close(opened(directory, name, __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, __WASI_RIGHTS_FD_WRITE)));
}

__wasi_rights_t rights_of(__wasi_fd_t descriptor) {
  __wasi_fdstat_t stat = {0};
  DONE(__wasi_fd_fdstat_get(descriptor, &stat));
  return stat.fs_rights_base;
}

__wasi_filestat_t stat_of(__wasi_fd_t descriptor) {
  __wasi_filestat_t stat = {0};
  DONE(__wasi_fd_filestat_get(descriptor, &stat));
  return stat;
}

long write_bytes(__wasi_fd_t descriptor, const void *bytes, size_t length) {
  __wasi_ciovec_t from = {bytes, length};
  __wasi_size_t done = 0;
  int outcome = __wasi_fd_write(descriptor, &from, 1, &done);
  check_equal(__FILE__, __LINE__, "error of fd_write", outcome, 0);
  return outcome == 0 ? (long)done : -1;
}

long read_bytes(__wasi_fd_t descriptor, void *bytes, size_t length) {
  __wasi_iovec_t into = {bytes, length};
  __wasi_size_t done = 0;
  int outcome = __wasi_fd_read(descriptor, &into, 1, &done);
  check_equal(__FILE__, __LINE__, "error of fd_read", outcome, 0);
  return outcome == 0 ? (long)done : -1;
}

int finish(void) {
  if (wrong > 0) fprintf(stderr, "%d wrong\n", wrong);
  return wrong > 0;
}
