/* Further names for a file: the same file, counted, not for directories, not over what is there. */
#include "check.h"

int main(void) {
  __wasi_filestat_t stat = {0};
  __wasi_fd_t directory = scratch("hard-links");
  make_file(directory, "file");
  DONE(__wasi_path_create_directory(directory, "sub"));
  __wasi_fd_t sub = opened(directory, "sub", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_PATH_LINK_TARGET | __WASI_RIGHTS_PATH_OPEN);
  DONE(__wasi_path_link(directory, 0, "file", directory, "second"));
  DONE(__wasi_path_link(directory, 0, "file", sub, "third"));
  DONE(__wasi_path_filestat_get(directory, 0, "file", &stat));
  EQUAL(stat.nlink, 3);
  __wasi_filesize_t serial = stat.ino;
  DONE(__wasi_path_filestat_get(directory, 0, "sub/third", &stat));
  EQUAL(stat.ino, serial);
  __wasi_fd_t file = opened(directory, "second", 0, __WASI_RIGHTS_FD_WRITE);
  EQUAL(write_bytes(file, "abc", 3), 3);
  DONE(__wasi_fd_close(file));
  DONE(__wasi_path_filestat_get(directory, 0, "file", &stat));
  EQUAL(stat.size, 3);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "second"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "file"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "sub"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_link(directory, 0, "sub", directory, "new"), __WASI_ERRNO_PERM, __WASI_ERRNO_ACCES);
  REFUSED(__wasi_path_link(directory, 0, "none", directory, "new"), __WASI_ERRNO_NOENT);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "new/"), __WASI_ERRNO_NOENT);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "none/new"), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_symlink("none", directory, "dangling"));
  DONE(__wasi_path_link(directory, 0, "dangling", directory, "link"));
  DONE(__wasi_path_filestat_get(directory, 0, "link", &stat));
  EQUAL(stat.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
  REFUSED(__wasi_path_link(directory, 0, "file", directory, "dangling"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_link(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "dangling", directory, "new"), __WASI_ERRNO_INVAL,
          __WASI_ERRNO_NOENT);
  DONE(__wasi_path_unlink_file(directory, "dangling"));
  DONE(__wasi_path_unlink_file(directory, "link"));
  DONE(__wasi_path_unlink_file(directory, "second"));
  DONE(__wasi_path_unlink_file(directory, "sub/third"));
  DONE(__wasi_path_filestat_get(directory, 0, "file", &stat));
  EQUAL(stat.nlink, 1);
  DONE(__wasi_path_unlink_file(directory, "file"));
  DONE(__wasi_fd_close(sub));
  DONE(__wasi_path_remove_directory(directory, "sub"));
  remove_scratch(directory, "hard-links");
  return finish();
}
