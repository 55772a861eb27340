/* What is no socket: shutting down, receiving, sending and accepting are refused as such. */
#include "check.h"

int main(void) {
  uint8_t bytes[4] = {0};
  __wasi_iovec_t into = {bytes, 4};
  __wasi_ciovec_t from = {bytes, 4};
  __wasi_size_t done;
  __wasi_roflags_t flags;
  __wasi_fd_t found, closed = nothing_open(), directory = scratch("no-sockets");
  __wasi_fd_t file = opened(directory, "file", __WASI_OFLAGS_CREAT, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE);
  REFUSED(__wasi_sock_shutdown(nothing_open(), __WASI_SDFLAGS_RD), __WASI_ERRNO_BADF);
  REFUSED(__wasi_sock_recv(nothing_open(), &into, 1, 0, &done, &flags), __WASI_ERRNO_BADF);
  REFUSED(__wasi_sock_send(nothing_open(), &from, 1, 0, &done), __WASI_ERRNO_BADF);
  REFUSED(__wasi_sock_accept(nothing_open(), 0, &found), __WASI_ERRNO_BADF);
  REFUSED(__wasi_sock_shutdown(file, __WASI_SDFLAGS_WR), __WASI_ERRNO_NOTSOCK, __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_sock_recv(file, &into, 1, 0, &done, &flags), __WASI_ERRNO_NOTSOCK, __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_sock_send(file, &from, 1, 0, &done), __WASI_ERRNO_NOTSOCK, __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_sock_accept(file, 0, &found), __WASI_ERRNO_NOTSOCK, __WASI_ERRNO_NOTCAPABLE);
  HOLDS(closed > 2);
  DONE(__wasi_fd_close(file));
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "no-sockets");
  return finish();
}
