/* Moving names: files and directories, over what is there, over what may not be replaced, below themselves. */
#include "check.h"

int main(void) {
  __wasi_fd_t d = scratch("moving");
  __wasi_filestat_t stat = {0};
  DONE(__wasi_path_create_directory(d, "source"));
  DONE(__wasi_path_rename(d, "source", d, "target"));
  REFUSED(try_open(d, "source", __WASI_OFLAGS_DIRECTORY, 0), __WASI_ERRNO_NOENT);
  DONE(try_open(d, "target", __WASI_OFLAGS_DIRECTORY, 0));
  DONE(__wasi_path_create_directory(d, "source"));
  DONE(__wasi_path_rename(d, "source/", d, "target/"));
  REFUSED(try_open(d, "source", __WASI_OFLAGS_DIRECTORY, 0), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_create_directory(d, "source"));
  make_file(d, "target/file");
  REFUSED(__wasi_path_rename(d, "source", d, "target"), __WASI_ERRNO_NOTEMPTY, __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_rename(d, "source", d, "target/file"), __WASI_ERRNO_NOTDIR);
  REFUSED(__wasi_path_rename(d, "target", d, "target/below"), __WASI_ERRNO_INVAL);
  REFUSED(__wasi_path_rename(d, "none", d, "new"), __WASI_ERRNO_NOENT);
  REFUSED(__wasi_path_rename(d, "source", d, "none/new"), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_remove_directory(d, "source"));

  make_file(d, "source");
  REFUSED(__wasi_path_rename(d, "source", d, "target"), __WASI_ERRNO_ISDIR);
  REFUSED(__wasi_path_rename(d, "source/", d, "new"), __WASI_ERRNO_NOTDIR);
  REFUSED(__wasi_path_rename(d, "source", d, "new/"), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOENT);
  __wasi_fd_t file = opened(d, "source", 0, __WASI_RIGHTS_FD_WRITE);
  EQUAL(write_bytes(file, "moved", 5), 5);
  DONE(__wasi_fd_close(file));
  DONE(__wasi_path_rename(d, "source", d, "target/file"));
  DONE(__wasi_path_filestat_get(d, 0, "target/file", &stat));
  EQUAL(stat.size, 5);
  EQUAL(stat.nlink, 1);
  REFUSED(try_open(d, "source", 0, 0), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_rename(d, "target/file", d, "target/file"));
  DONE(__wasi_path_symlink("target", d, "link"));
  DONE(__wasi_path_rename(d, "link", d, "moved"));
  DONE(__wasi_path_filestat_get(d, 0, "moved", &stat));
  EQUAL(stat.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
  DONE(__wasi_path_unlink_file(d, "moved"));
  DONE(__wasi_path_unlink_file(d, "target/file"));
  DONE(__wasi_path_remove_directory(d, "target"));
  remove_scratch(d, "moving");
  return finish();
}
