/* Symbolic links that lead out of the directory: they may be made or refused, and lead nowhere. */
#include "check.h"

#define NOWHERE __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM, __WASI_ERRNO_NOENT

int main(void) {
  static const char *const target[] = {"/", "/etc", "..", "../..", "inside/../../links-out", "./../."};
  __wasi_fd_t found, directory = scratch("links-out");
  __wasi_filestat_t stat;
  DONE(__wasi_path_create_directory(directory, "inside"));
  for (unsigned i = 0; i < sizeof target / sizeof *target; i++) {
    int made = __wasi_path_symlink(target[i], directory, "link");
    if (made != 0) {
      REFUSED(made, __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
      continue;
    }
    REFUSED(__wasi_path_open(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", 0, 0, 0, 0, &found), NOWHERE);
    REFUSED(try_open(directory, "link/.", 0, 0), NOWHERE);
    REFUSED(try_open(directory, "link/new", __WASI_OFLAGS_CREAT, 0), NOWHERE);
    REFUSED(__wasi_path_filestat_get(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", &stat), NOWHERE);
    REFUSED(__wasi_path_create_directory(directory, "link/new"), NOWHERE);
    DONE(__wasi_path_unlink_file(directory, "link"));
  }
  REFUSED(__wasi_path_symlink("/absolute", directory, "link"), __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
  DONE(__wasi_path_symlink("inside/..", directory, "link"));
  DONE(__wasi_path_open(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", 0, 0, 0, 0, &found));
  DONE(__wasi_fd_close(found));
  DONE(__wasi_path_unlink_file(directory, "link"));
  DONE(__wasi_path_remove_directory(directory, "inside"));
  remove_scratch(directory, "links-out");
  return finish();
}
