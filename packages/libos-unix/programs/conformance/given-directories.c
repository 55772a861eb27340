/* The directories that a program is given: their names, their rights, opening them again, and closing them. */
#include "check.h"

#define NAMES                                                                                                      \
  (__WASI_RIGHTS_PATH_CREATE_DIRECTORY | __WASI_RIGHTS_PATH_CREATE_FILE | __WASI_RIGHTS_PATH_LINK_SOURCE |         \
   __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_FD_READDIR |                           \
   __WASI_RIGHTS_PATH_READLINK | __WASI_RIGHTS_PATH_RENAME_SOURCE | __WASI_RIGHTS_PATH_RENAME_TARGET |             \
   __WASI_RIGHTS_PATH_SYMLINK | __WASI_RIGHTS_PATH_REMOVE_DIRECTORY | __WASI_RIGHTS_PATH_UNLINK_FILE |             \
   __WASI_RIGHTS_PATH_FILESTAT_GET | __WASI_RIGHTS_PATH_FILESTAT_SET_TIMES | __WASI_RIGHTS_FD_FILESTAT_GET |       \
   __WASI_RIGHTS_FD_FILESTAT_SET_TIMES)
#define CONTENTS                                                                                                   \
  (__WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | \
   __WASI_RIGHTS_FD_SYNC | __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ADVISE |              \
   __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | __WASI_RIGHTS_POLL_FD_READWRITE)

int main(void) {
  __wasi_prestat_t given;
  __wasi_fdstat_t stat = {0};
  uint8_t name[300];
  DONE(__wasi_fd_prestat_get(FIRST_DIRECTORY, &given));
  EQUAL(given.tag, __WASI_PREOPENTYPE_DIR);
  __wasi_size_t length = given.u.dir.pr_name_len;
  HOLDS(length > 0 && length < 256);
  REFUSED(__wasi_fd_prestat_dir_name(FIRST_DIRECTORY, name, 0), __WASI_ERRNO_NAMETOOLONG, __WASI_ERRNO_INVAL);
  memset(name, 0x55, sizeof name);
  DONE(__wasi_fd_prestat_dir_name(FIRST_DIRECTORY, name, length));
  EQUAL(name[length], 0x55);
  DONE(__wasi_fd_prestat_dir_name(FIRST_DIRECTORY, name, length + 1));
  DONE(__wasi_fd_fdstat_get(FIRST_DIRECTORY, &stat));
  EQUAL(stat.fs_filetype, __WASI_FILETYPE_DIRECTORY);
  EQUAL(stat.fs_flags, 0);
  EQUAL(stat.fs_rights_base & NAMES, NAMES);
  EQUAL(stat.fs_rights_inheriting & (NAMES | CONTENTS), NAMES | CONTENTS);
  EQUAL(stat.fs_rights_base & __WASI_RIGHTS_FD_FILESTAT_SET_SIZE, 0);

  __wasi_fd_t again;
  DONE(__wasi_path_open(FIRST_DIRECTORY, 0, ".", 0, stat.fs_rights_base, stat.fs_rights_inheriting, 0, &again));
  DONE(__wasi_fd_close(again));
  DONE(try_open(FIRST_DIRECTORY, ".", 0, 0));
  DONE(try_open(FIRST_DIRECTORY, ".", __WASI_OFLAGS_DIRECTORY, 0));
  DONE(try_open(FIRST_DIRECTORY, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ));
  REFUSED(try_open(FIRST_DIRECTORY, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE),
          __WASI_ERRNO_ISDIR);

  __wasi_fd_t directory = scratch("given");
  remove_scratch(directory, "given");
  REFUSED(__wasi_fd_fdstat_get(directory, &stat), __WASI_ERRNO_BADF);
  DONE(__wasi_path_open(FIRST_DIRECTORY, 0, ".", 0, 0, 0, 0, &again));
  DONE(__wasi_fd_close(FIRST_DIRECTORY));
  REFUSED(__wasi_fd_fdstat_get(FIRST_DIRECTORY, &stat), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_prestat_get(FIRST_DIRECTORY, &given), __WASI_ERRNO_BADF);
  DONE(__wasi_fd_fdstat_get(again, &stat));
  return finish();
}
