/* A file's position: where reading and writing leave it, seeking, and reading and writing that have their own. */
#include "check.h"

int main(void) {
  unsigned char bytes[100] = {0}, small[4];
  __wasi_filesize_t at = 99;
  __wasi_size_t done = 0;
  __wasi_fd_t directory = scratch("positions");
  __wasi_fd_t file = opened(directory, "file", __WASI_OFLAGS_CREAT,
                            __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK |
                                __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FILESTAT_GET);
  DONE(__wasi_fd_tell(file, &at));
  EQUAL(at, 0);
  EQUAL(write_bytes(file, bytes, 100), 100);
  DONE(__wasi_fd_tell(file, &at));
  EQUAL(at, 100);
  DONE(__wasi_fd_seek(file, -50, __WASI_WHENCE_CUR, &at));
  EQUAL(at, 50);
  DONE(__wasi_fd_seek(file, -10, __WASI_WHENCE_END, &at));
  EQUAL(at, 90);
  EQUAL(read_bytes(file, bytes, 100), 10);
  EQUAL(read_bytes(file, bytes, 100), 0);
  DONE(__wasi_fd_seek(file, 900, __WASI_WHENCE_CUR, &at));
  EQUAL(at, 1000);
  EQUAL(read_bytes(file, bytes, 100), 0);
  REFUSED(__wasi_fd_seek(file, -2000, __WASI_WHENCE_CUR, &at), __WASI_ERRNO_INVAL);
  REFUSED(__wasi_fd_seek(file, -1, __WASI_WHENCE_SET, &at), __WASI_ERRNO_INVAL);
  REFUSED(__wasi_fd_seek(file, 0, 7, &at), __WASI_ERRNO_INVAL);
  DONE(__wasi_fd_tell(file, &at));
  EQUAL(at, 1000);
  EQUAL(write_bytes(file, "end", 3), 3);
  EQUAL(stat_of(file).size, 1003);
  DONE(__wasi_fd_seek(file, 998, __WASI_WHENCE_SET, &at));
  EQUAL(read_bytes(file, small, 4), 4);
  EQUAL(memcmp(small, "\0\0en", 4), 0);

  DONE(__wasi_fd_seek(file, 5, __WASI_WHENCE_SET, &at));
  __wasi_ciovec_t from[2] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"cd", 2}};
  DONE(__wasi_fd_pwrite(file, from, 2, 10, &done));
  EQUAL(done, 4);
  memset(bytes, 0, sizeof bytes);
  __wasi_iovec_t into[2] = {{bytes, 3}, {bytes + 50, 3}};
  DONE(__wasi_fd_pread(file, into, 2, 9, &done));
  EQUAL(done, 6);
  EQUAL(memcmp(bytes, "\0ab", 3), 0);
  EQUAL(memcmp(bytes + 50, "cd\0", 3), 0);
  DONE(__wasi_fd_pread(file, into, 2, 1001, &done));
  EQUAL(done, 2);
  DONE(__wasi_fd_pread(file, into, 2, 5000, &done));
  EQUAL(done, 0);
  DONE(__wasi_fd_tell(file, &at));
  EQUAL(at, 5);
  REFUSED(__wasi_fd_pread(file, into, 2, (__wasi_filesize_t)-1, &done), __WASI_ERRNO_INVAL);
  DONE(__wasi_fd_close(file));
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "positions");
  return finish();
}
