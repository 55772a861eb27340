/* Append: every write goes to the end, whatever the position, until the flag is taken away. */
#include "check.h"

int main(void) {
  char bytes[16] = {0};
  __wasi_filesize_t at;
  __wasi_size_t done;
  __wasi_fdstat_t stat = {0};
  __wasi_fd_t file = 0, directory = scratch("appending");
  const __wasi_rights_t rights = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK |
                                 __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_FILESTAT_GET;
  DONE(__wasi_path_open(directory, 0, "file", __WASI_OFLAGS_CREAT, rights, 0, __WASI_FDFLAGS_APPEND, &file));
  DONE(__wasi_fd_fdstat_get(file, &stat));
  EQUAL(stat.fs_flags & __WASI_FDFLAGS_APPEND, __WASI_FDFLAGS_APPEND);
  EQUAL(stat.fs_filetype, __WASI_FILETYPE_REGULAR_FILE);
  EQUAL(write_bytes(file, "1234", 4), 4);
  DONE(__wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at));
  EQUAL(write_bytes(file, "5678", 4), 4);
  DONE(__wasi_fd_tell(file, &at));
  EQUAL(at, 8);
  DONE(__wasi_fd_seek(file, 2, __WASI_WHENCE_SET, &at));
  EQUAL(read_bytes(file, bytes, 16), 6);
  EQUAL(memcmp(bytes, "345678", 6), 0);
  DONE(__wasi_fd_fdstat_set_flags(file, 0));
  DONE(__wasi_fd_fdstat_get(file, &stat));
  EQUAL(stat.fs_flags, 0);
  DONE(__wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at));
  EQUAL(write_bytes(file, "ab", 2), 2);
  EQUAL(stat_of(file).size, 8);
  __wasi_ciovec_t from = {(const uint8_t *)"cd", 2};
  DONE(__wasi_fd_pwrite(file, &from, 1, 2, &done));
  DONE(__wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at));
  EQUAL(read_bytes(file, bytes, 16), 8);
  EQUAL(memcmp(bytes, "abcd5678", 8), 0);
  DONE(__wasi_fd_fdstat_set_flags(file, __WASI_FDFLAGS_APPEND));
  DONE(__wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at));
  EQUAL(write_bytes(file, "9", 1), 1);
  EQUAL(stat_of(file).size, 9);
  DONE(__wasi_fd_close(file));
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "appending");
  return finish();
}
