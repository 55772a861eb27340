/* Opening by name: flags, things that are there or not, files as directories, directories as files. */
#include "check.h"

int main(void) {
  __wasi_fd_t found, directory = scratch("opening");
  const __wasi_rights_t read = __WASI_RIGHTS_FD_READ;
  REFUSED(try_open(directory, "file", 0, read), __WASI_ERRNO_NOENT);
  REFUSED(try_open(directory, "none/file", __WASI_OFLAGS_CREAT, read), __WASI_ERRNO_NOENT);
  REFUSED(try_open(directory, "", 0, read), __WASI_ERRNO_NOENT, __WASI_ERRNO_INVAL);
  make_file(directory, "file");
  DONE(try_open(directory, "file", __WASI_OFLAGS_CREAT, read));
  REFUSED(try_open(directory, "file", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, read), __WASI_ERRNO_EXIST);
  REFUSED(try_open(directory, "file", __WASI_OFLAGS_DIRECTORY, read), __WASI_ERRNO_NOTDIR);
  REFUSED(try_open(directory, "file/below", 0, read), __WASI_ERRNO_NOTDIR);
  REFUSED(try_open(directory, "file/..", 0, read), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOENT);
  DONE(__wasi_path_create_directory(directory, "sub"));
  REFUSED(__wasi_path_create_directory(directory, "sub"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_create_directory(directory, "file"), __WASI_ERRNO_EXIST);
  REFUSED(try_open(directory, "sub", 0, read | __WASI_RIGHTS_FD_WRITE), __WASI_ERRNO_ISDIR);
  REFUSED(try_open(directory, "sub", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, read), __WASI_ERRNO_EXIST);
  __wasi_fd_t file = opened(directory, "file", 0, read);
  REFUSED(__wasi_path_open(file, 0, "file", 0, read, 0, 0, &found), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_path_open(file, 0, ".", 0, read, 0, 0, &found), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_NOTCAPABLE);
  DONE(__wasi_fd_close(file));
  REFUSED(__wasi_path_open(file, 0, "file", 0, read, 0, 0, &found), __WASI_ERRNO_BADF);
  DONE(__wasi_path_open(directory, 0, "file", 0, read, 0, __WASI_FDFLAGS_NONBLOCK, &found));
  DONE(__wasi_fd_close(found));
  char name[400];
  memset(name, 'n', sizeof name);
  name[255] = 0;
  make_file(directory, name);
  DONE(__wasi_path_unlink_file(directory, name));
  memset(name, 'n', sizeof name);
  name[256] = 0;
  REFUSED(try_open(directory, name, __WASI_OFLAGS_CREAT, read), __WASI_ERRNO_NAMETOOLONG);
  DONE(__wasi_path_unlink_file(directory, "file"));
  DONE(__wasi_path_remove_directory(directory, "sub"));
  remove_scratch(directory, "opening");
  return finish();
}
