/* Paths: `.`, `..` and slashes, trailing slashes, absolute paths, paths that leave, NUL in a name. */
#include "check.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("path_open"))) extern int path_open_bytes(
    int directory, int lookup, const char *path, int length, int how, long long base, long long inheriting, int flags, int *found);

#define OUTSIDE __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM

int main(void) {
  __wasi_fd_t directory = scratch("paths");
  int found;
  DONE(__wasi_path_create_directory(directory, "dir"));
  DONE(__wasi_path_create_directory(directory, "dir/nested/"));
  make_file(directory, "dir/nested/file");
  DONE(try_open(directory, "dir/.//nested/../../dir/nested/../nested///./file", 0, 0));
  DONE(try_open(directory, "dir/nested/..", 0, 0));
  DONE(try_open(directory, "dir/nested/", 0, 0));
  DONE(try_open(directory, "dir/nested///", __WASI_OFLAGS_DIRECTORY, 0));
  DONE(try_open(directory, "./", 0, 0));
  REFUSED(try_open(directory, "/dir/nested/file", 0, 0), OUTSIDE);
  REFUSED(try_open(directory, "/", 0, 0), OUTSIDE);
  REFUSED(try_open(directory, "..", 0, 0), OUTSIDE);
  REFUSED(try_open(directory, "../paths/dir/nested/file", 0, 0), OUTSIDE);
  REFUSED(try_open(directory, "dir/nested/../../../paths/dir/nested/file", 0, 0), OUTSIDE);
  REFUSED(__wasi_path_create_directory(directory, "../other"), OUTSIDE);
  REFUSED(__wasi_path_unlink_file(directory, "dir/../../file"), OUTSIDE);
  REFUSED(__wasi_path_rename(directory, "dir/nested/file", directory, "../file"), OUTSIDE);
  REFUSED(try_open(directory, "dir/nested/file/", 0, 0), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOENT);
  REFUSED(try_open(directory, "dir/nested/file///", 0, 0), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOENT);
  REFUSED(path_open_bytes((int)directory, 0, "dir/nested/file\0", 16, 0, 0, 0, 0, &found), __WASI_ERRNO_INVAL,
          __WASI_ERRNO_ILSEQ, __WASI_ERRNO_NOENT);
  REFUSED(path_open_bytes((int)directory, 0, "\xff\xfe", 2, 0, 0, 0, 0, &found), __WASI_ERRNO_INVAL, __WASI_ERRNO_ILSEQ,
          __WASI_ERRNO_NOENT);

  REFUSED(__wasi_path_unlink_file(directory, "dir/nested/file/"), __WASI_ERRNO_NOTDIR);
  REFUSED(__wasi_path_unlink_file(directory, "dir/nested"), __WASI_ERRNO_ISDIR, __WASI_ERRNO_PERM);
  REFUSED(__wasi_path_unlink_file(directory, "dir/nested/"), __WASI_ERRNO_ISDIR, __WASI_ERRNO_PERM);
  REFUSED(__wasi_path_unlink_file(directory, "dir/none"), __WASI_ERRNO_NOENT);
  REFUSED(__wasi_path_remove_directory(directory, "dir/nested"), __WASI_ERRNO_NOTEMPTY);
  REFUSED(__wasi_path_remove_directory(directory, "dir/nested/file"), __WASI_ERRNO_NOTDIR);
  REFUSED(__wasi_path_remove_directory(directory, "dir/nested/file/"), __WASI_ERRNO_NOTDIR);
  REFUSED(__wasi_path_remove_directory(directory, "dir/none"), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_unlink_file(directory, "dir/nested/file"));
  DONE(__wasi_path_remove_directory(directory, "dir/nested/"));
  DONE(__wasi_path_remove_directory(directory, "dir"));
  remove_scratch(directory, "paths");
  return finish();
}
