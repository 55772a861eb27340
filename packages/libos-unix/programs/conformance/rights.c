/* Rights: what opening asked for, no more by setting them, and each call refused without its own. */
#include "check.h"

#define NOT_ALLOWED __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_BADF, __WASI_ERRNO_ACCES

int main(void) {
  char bytes[4] = "abcd";
  __wasi_iovec_t into = {(uint8_t *)bytes, 4};
  __wasi_ciovec_t from = {(const uint8_t *)bytes, 4};
  __wasi_size_t done;
  __wasi_filesize_t at;
  __wasi_fdstat_t stat = {0};
  const __wasi_rights_t both = __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE;
  __wasi_fd_t directory = scratch("rights");
  __wasi_fd_t file = opened(directory, "file", __WASI_OFLAGS_CREAT, both | __WASI_RIGHTS_FD_SEEK | __WASI_RIGHTS_FD_TELL);
  EQUAL(write_bytes(file, bytes, 4), 4);
  DONE(__wasi_fd_fdstat_get(file, &stat));
  DONE(__wasi_fd_fdstat_set_rights(file, stat.fs_rights_base & ~both, 0));
  EQUAL(rights_of(file) & both, 0);
  EQUAL(rights_of(file) & __WASI_RIGHTS_FD_SEEK, __WASI_RIGHTS_FD_SEEK);
  DONE(__wasi_fd_seek(file, 0, __WASI_WHENCE_SET, &at));
  REFUSED(__wasi_fd_read(file, &into, 1, &done), NOT_ALLOWED);
  REFUSED(__wasi_fd_write(file, &from, 1, &done), NOT_ALLOWED);
  REFUSED(__wasi_fd_pread(file, &into, 1, 0, &done), NOT_ALLOWED);
  REFUSED(__wasi_fd_fdstat_set_rights(file, stat.fs_rights_base, stat.fs_rights_inheriting), __WASI_ERRNO_NOTCAPABLE);
  DONE(__wasi_fd_close(file));

  file = opened(directory, "file", 0, __WASI_RIGHTS_FD_READ);
  EQUAL(rights_of(file) & both, __WASI_RIGHTS_FD_READ);
  EQUAL(read_bytes(file, bytes, 4), 4);
  REFUSED(__wasi_fd_write(file, &from, 1, &done), NOT_ALLOWED);
  REFUSED(__wasi_fd_filestat_set_size(file, 0), NOT_ALLOWED, __WASI_ERRNO_INVAL);
  DONE(__wasi_fd_close(file));
  file = opened(directory, "file", 0, __WASI_RIGHTS_FD_WRITE);
  EQUAL(rights_of(file) & both, __WASI_RIGHTS_FD_WRITE);
  REFUSED(__wasi_fd_read(file, &into, 1, &done), NOT_ALLOWED);
  EQUAL(write_bytes(file, bytes, 4), 4);
  DONE(__wasi_fd_close(file));

  /* A directory that may name, but not make, cut or give on. */
  __wasi_fd_t less = 0, found;
  DONE(__wasi_path_open(directory, 0, ".", __WASI_OFLAGS_DIRECTORY,
                        __WASI_RIGHTS_PATH_OPEN | __WASI_RIGHTS_PATH_FILESTAT_GET, __WASI_RIGHTS_FD_READ, 0, &less));
  DONE(try_open(less, "file", 0, __WASI_RIGHTS_FD_READ));
  REFUSED(__wasi_path_open(less, 0, "file", 0, __WASI_RIGHTS_FD_WRITE, 0, 0, &found), __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
  REFUSED(try_open(less, "new", __WASI_OFLAGS_CREAT, 0), __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
  REFUSED(try_open(less, "file", __WASI_OFLAGS_TRUNC, 0), __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
  REFUSED(__wasi_path_create_directory(less, "new"), __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_path_unlink_file(less, "file"), __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_path_symlink("file", less, "new"), __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_path_rename(less, "file", directory, "new"), __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_path_link(less, 0, "file", directory, "new"), __WASI_ERRNO_NOTCAPABLE);
  REFUSED(__wasi_fd_readdir(less, (uint8_t *)bytes, 4, 0, &done), __WASI_ERRNO_NOTCAPABLE);
  DONE(__wasi_fd_close(less));

  /* Cutting a file when it is opened is a right of the directory, not of the file. */
  DONE(__wasi_fd_fdstat_get(directory, &stat));
  if (stat.fs_rights_base & __WASI_RIGHTS_PATH_FILESTAT_SET_SIZE) {
    const __wasi_rights_t inheriting = stat.fs_rights_inheriting & ~__WASI_RIGHTS_FD_FILESTAT_SET_SIZE;
    DONE(try_open(directory, "file", __WASI_OFLAGS_TRUNC, 0));
    DONE(__wasi_fd_fdstat_set_rights(directory, stat.fs_rights_base, inheriting));
    DONE(try_open(directory, "file", __WASI_OFLAGS_TRUNC, 0));
    DONE(__wasi_fd_fdstat_set_rights(directory, stat.fs_rights_base & ~__WASI_RIGHTS_PATH_FILESTAT_SET_SIZE, inheriting));
    REFUSED(try_open(directory, "file", __WASI_OFLAGS_TRUNC, 0), __WASI_ERRNO_NOTCAPABLE, __WASI_ERRNO_PERM);
  }
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "rights");
  return finish();
}
