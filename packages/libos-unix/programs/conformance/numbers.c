/* Numbers of descriptors: the lowest that is free, moving one onto another, and what that closes. */
#include "check.h"

int main(void) {
  __wasi_fdstat_t stat = {0}, before = {0};
  __wasi_fd_t directory = scratch("numbers");
  __wasi_fd_t one = opened(directory, "one", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE);
  __wasi_fd_t two = opened(directory, "two", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_FILESTAT_GET);
  HOLDS(one != two);
  DONE(__wasi_fd_fdstat_get(one, &before));
  EQUAL(write_bytes(one, "abc", 3), 3);
  DONE(__wasi_fd_renumber(one, two));
  REFUSED(__wasi_fd_close(one), __WASI_ERRNO_BADF);
  DONE(__wasi_fd_fdstat_get(two, &stat));
  EQUAL(stat.fs_rights_base, before.fs_rights_base);
  EQUAL(stat.fs_rights_inheriting, before.fs_rights_inheriting);
  EQUAL(stat.fs_filetype, before.fs_filetype);
  EQUAL(write_bytes(two, "def", 3), 3);
  REFUSED(__wasi_fd_renumber(two, one), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_renumber(one, two), __WASI_ERRNO_BADF);
  DONE(__wasi_fd_renumber(two, two));
  DONE(__wasi_fd_close(two));
  __wasi_filestat_t found = {0};
  DONE(__wasi_path_filestat_get(directory, 0, "one", &found));
  EQUAL(found.size, 6);
  DONE(__wasi_path_filestat_get(directory, 0, "two", &found));
  EQUAL(found.size, 0);
  DONE(__wasi_path_unlink_file(directory, "one"));
  DONE(__wasi_path_unlink_file(directory, "two"));

  /* A file that has lost its name lives as long as it is open. */
  __wasi_fd_t kept = opened(directory, "kept", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK);
  DONE(__wasi_path_unlink_file(directory, "kept"));
  REFUSED(try_open(directory, "kept", 0, __WASI_RIGHTS_FD_READ), __WASI_ERRNO_NOENT);
  __wasi_filesize_t at;
  char bytes[4];
  EQUAL(write_bytes(kept, "live", 4), 4);
  DONE(__wasi_fd_seek(kept, 0, __WASI_WHENCE_SET, &at));
  EQUAL(read_bytes(kept, bytes, 4), 4);
  DONE(__wasi_fd_close(kept));
  remove_scratch(directory, "numbers");
  return finish();
}
