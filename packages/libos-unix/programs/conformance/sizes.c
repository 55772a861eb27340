/* Sizes and times: truncation, lengthening, allocation, advice, times that are set, kept and refused. */
#include "check.h"

int main(void) {
  __wasi_fd_t directory = scratch("sizes");
  __wasi_fd_t file = opened(directory, "file", __WASI_OFLAGS_CREAT,
                            __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_ADVISE |
                                __WASI_RIGHTS_FD_ALLOCATE | __WASI_RIGHTS_FD_DATASYNC | __WASI_RIGHTS_FD_SYNC |
                                __WASI_RIGHTS_FD_FILESTAT_GET | __WASI_RIGHTS_FD_FILESTAT_SET_SIZE |
                                __WASI_RIGHTS_FD_FILESTAT_SET_TIMES);
  EQUAL(stat_of(file).size, 0);
  EQUAL(stat_of(file).nlink, 1);
  EQUAL(stat_of(file).filetype, __WASI_FILETYPE_REGULAR_FILE);
  EQUAL(write_bytes(file, "0123456789", 10), 10);
  DONE(__wasi_fd_filestat_set_size(file, 4));
  EQUAL(stat_of(file).size, 4);
  DONE(__wasi_fd_filestat_set_size(file, 100));
  EQUAL(stat_of(file).size, 100);
  int outcome = __wasi_fd_allocate(file, 0, 50);
  if (outcome != __WASI_ERRNO_NOTSUP) {
    DONE(outcome);
    EQUAL(stat_of(file).size, 100);
    DONE(__wasi_fd_allocate(file, 100, 28));
    EQUAL(stat_of(file).size, 128);
  }
  DONE(__wasi_fd_advise(file, 0, 100, __WASI_ADVICE_SEQUENTIAL));
  REFUSED(__wasi_fd_advise(file, 0, 100, 77), __WASI_ERRNO_INVAL);
  DONE(__wasi_fd_datasync(file));
  DONE(__wasi_fd_sync(file));

  const __wasi_timestamp_t then = 1234567890000000000ull;
  __wasi_filestat_t stat = stat_of(file), by_name = {0};
  DONE(__wasi_path_filestat_get(directory, 0, "file", &by_name));
  EQUAL(by_name.ino, stat.ino);
  EQUAL(by_name.dev, stat.dev);
  EQUAL(by_name.size, stat.size);
  DONE(__wasi_fd_filestat_set_times(file, 7, then, __WASI_FSTFLAGS_MTIM));
  EQUAL(stat_of(file).mtim, then);
  EQUAL(stat_of(file).atim, stat.atim);
  DONE(__wasi_path_filestat_set_times(directory, 0, "file", then - 1000000000, 7, __WASI_FSTFLAGS_ATIM));
  EQUAL(stat_of(file).mtim, then);
  EQUAL(stat_of(file).atim, then - 1000000000);
  REFUSED(__wasi_path_filestat_set_times(directory, 0, "file", 0, 0, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW),
          __WASI_ERRNO_INVAL);
  REFUSED(__wasi_path_filestat_set_times(directory, 0, "file", 0, 0, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW),
          __WASI_ERRNO_INVAL);
  REFUSED(__wasi_fd_filestat_set_times(file, 0, 0, __WASI_FSTFLAGS_MTIM | __WASI_FSTFLAGS_MTIM_NOW), __WASI_ERRNO_INVAL);
  EQUAL(stat_of(file).mtim, then);
  DONE(__wasi_fd_filestat_set_times(file, 0, 0, __WASI_FSTFLAGS_MTIM_NOW));
  HOLDS(stat_of(file).mtim > then);
  DONE(__wasi_fd_close(file));
  DONE(try_open(directory, "file", __WASI_OFLAGS_TRUNC, __WASI_RIGHTS_FD_WRITE));
  DONE(__wasi_path_filestat_get(directory, 0, "file", &by_name));
  EQUAL(by_name.size, 0);
  DONE(__wasi_path_unlink_file(directory, "file"));
  remove_scratch(directory, "sizes");
  return finish();
}
