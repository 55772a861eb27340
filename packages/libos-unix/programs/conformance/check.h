/* Checks of what an implementation of preview 1 answers. The first directory that is given, descriptor 3, is written to. */
#ifndef EXOLITH_CHECK_H
#define EXOLITH_CHECK_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

#define FIRST_DIRECTORY 3

void check_outcome(const char *file, int line, const char *what, int outcome, const int *allowed);
void check_equal(const char *file, int line, const char *what, long long got, long long wanted);

/* The call gives no error. */
#define DONE(call) check_outcome(__FILE__, __LINE__, #call, call, (const int[]){0, -1})
/* The call is refused with one of these errors. */
#define REFUSED(call, ...) check_outcome(__FILE__, __LINE__, #call, call, (const int[]){__VA_ARGS__, -1})
#define EQUAL(got, wanted) check_equal(__FILE__, __LINE__, #got, (long long)(got), (long long)(wanted))
#define HOLDS(condition) check_equal(__FILE__, __LINE__, #condition, !!(condition), 1)

/* A new empty directory in the first one, opened with every right it may have. */
__wasi_fd_t scratch(const char *name);
/* Removes what `scratch` made; it must be empty. */
void remove_scratch(__wasi_fd_t directory, const char *name);
/* The number of a descriptor that is not open. */
__wasi_fd_t nothing_open(void);
/* Opens `name`, or counts as wrong. */
__wasi_fd_t opened(__wasi_fd_t directory, const char *name, __wasi_oflags_t how, __wasi_rights_t rights);
/* Makes an empty file. */
void make_file(__wasi_fd_t directory, const char *name);
/* `path_open` with little to say. */
int try_open(__wasi_fd_t directory, const char *name, __wasi_oflags_t how, __wasi_rights_t rights);
__wasi_rights_t rights_of(__wasi_fd_t descriptor);
__wasi_filestat_t stat_of(__wasi_fd_t descriptor);
/* Bytes written or read; -1 with an error, which counts as wrong. */
long write_bytes(__wasi_fd_t descriptor, const void *bytes, size_t length);
long read_bytes(__wasi_fd_t descriptor, void *bytes, size_t length);
/* The code to end with. */
int finish(void);
#endif
