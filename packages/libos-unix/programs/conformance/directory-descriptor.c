/* A directory is no file: nothing of a file can be done with its descriptor. */
#include "check.h"

#define NO_FILE __WASI_ERRNO_ISDIR, __WASI_ERRNO_BADF, __WASI_ERRNO_NOTCAPABLE

int main(void) {
  unsigned char bytes[16];
  __wasi_iovec_t into = {bytes, sizeof bytes};
  __wasi_ciovec_t from = {bytes, sizeof bytes};
  __wasi_size_t done;
  __wasi_filesize_t at;
  __wasi_fd_t directory = scratch("descriptor");
  EQUAL(stat_of(directory).filetype, __WASI_FILETYPE_DIRECTORY);
  REFUSED(__wasi_fd_read(directory, &into, 1, &done), NO_FILE);
  REFUSED(__wasi_fd_write(directory, &from, 1, &done), NO_FILE);
  REFUSED(__wasi_fd_pread(directory, &into, 1, 0, &done), NO_FILE);
  REFUSED(__wasi_fd_pwrite(directory, &from, 1, 0, &done), NO_FILE);
  for (int whence = 0; whence < 3; whence++) REFUSED(__wasi_fd_seek(directory, 0, (__wasi_whence_t)whence, &at), NO_FILE);
  REFUSED(__wasi_fd_tell(directory, &at), NO_FILE);
  REFUSED(__wasi_fd_allocate(directory, 0, 1), NO_FILE);
  REFUSED(__wasi_fd_filestat_set_size(directory, 0), NO_FILE, __WASI_ERRNO_INVAL);
  EQUAL(rights_of(directory) & (__WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE), 0);
  REFUSED(__wasi_fd_prestat_get(directory, &(__wasi_prestat_t){0}), __WASI_ERRNO_BADF, __WASI_ERRNO_INVAL, __WASI_ERRNO_NOTSUP);
  remove_scratch(directory, "descriptor");
  return finish();
}
