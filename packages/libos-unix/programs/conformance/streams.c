/* Standard streams: open, may be polled, have no position when they are none, and can be moved to another number. */
#include "check.h"

int main(void) {
  __wasi_fdstat_t stat;
  __wasi_size_t done = 0;
  __wasi_fd_t closed = nothing_open();
  __wasi_ciovec_t empty = {NULL, 0};
  for (__wasi_fd_t stream = 0; stream < 3; stream++) DONE(__wasi_fd_fdstat_get(stream, &stat));
  DONE(__wasi_fd_write(1, &empty, 1, &done));
  EQUAL(done, 0);
  DONE(__wasi_fd_write(1, &empty, 0, &done));
  EQUAL(done, 0);
  __wasi_ciovec_t parts[3] = {{(const uint8_t *)"one ", 4}, {NULL, 0}, {(const uint8_t *)"line\n", 5}};
  DONE(__wasi_fd_write(1, parts, 3, &done));
  EQUAL(done, 9);
  REFUSED(__wasi_fd_write(closed, parts, 3, &done), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_read(closed, NULL, 0, &done), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_close(closed), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_fdstat_get(closed, &stat), __WASI_ERRNO_BADF);
  __wasi_prestat_t given;
  for (__wasi_fd_t stream = 0; stream < 3; stream++)
    REFUSED(__wasi_fd_prestat_get(stream, &given), __WASI_ERRNO_BADF, __WASI_ERRNO_INVAL, __WASI_ERRNO_NOTSUP);
  __wasi_fd_t directory = scratch("streams");
  __wasi_fd_t file = opened(directory, "file", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ);
  DONE(__wasi_fd_renumber(1, file));
  REFUSED(__wasi_fd_fdstat_get(1, &stat), __WASI_ERRNO_BADF);
  DONE(__wasi_fd_write(file, parts, 3, &done));
  EQUAL(done, 9);
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "streams");
  return finish();
}
