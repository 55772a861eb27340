/* Symbolic links: followed or not, dangling, in circles, cut off when read, and never out of the directory. */
#include "check.h"

static int follow(__wasi_fd_t directory, const char *name, __wasi_oflags_t how) {
  __wasi_fd_t found;
  int outcome = __wasi_path_open(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, name, how, 0, 0, 0, &found);
  if (outcome == 0) (void)__wasi_fd_close(found);
  return outcome;
}

int main(void) {
  uint8_t bytes[10] = {0};
  __wasi_size_t used = 0;
  __wasi_filestat_t stat = {0};
  __wasi_fd_t directory = scratch("links");
  DONE(__wasi_path_create_directory(directory, "target"));
  DONE(__wasi_path_symlink("target", directory, "link"));
  REFUSED(try_open(directory, "link", __WASI_OFLAGS_DIRECTORY, 0), __WASI_ERRNO_LOOP, __WASI_ERRNO_NOTDIR);
  REFUSED(try_open(directory, "link", 0, 0), __WASI_ERRNO_LOOP, __WASI_ERRNO_ACCES);
  DONE(follow(directory, "link", __WASI_OFLAGS_DIRECTORY));
  DONE(follow(directory, "link/.", 0));
  DONE(try_open(directory, "link/.", 0, 0));
  DONE(__wasi_path_filestat_get(directory, 0, "link", &stat));
  EQUAL(stat.filetype, __WASI_FILETYPE_SYMBOLIC_LINK);
  EQUAL(stat.size, 6);
  DONE(__wasi_path_filestat_get(directory, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, "link", &stat));
  EQUAL(stat.filetype, __WASI_FILETYPE_DIRECTORY);
  DONE(__wasi_path_readlink(directory, "link", bytes, sizeof bytes, &used));
  EQUAL(used, 6);
  EQUAL(memcmp(bytes, "target\0\0\0", 10), 0);
  memset(bytes, 0, sizeof bytes);
  DONE(__wasi_path_readlink(directory, "link", bytes, 4, &used));
  EQUAL(used, 4);
  EQUAL(memcmp(bytes, "targ\0", 6), 0);
  REFUSED(__wasi_path_readlink(directory, "target", bytes, 4, &used), __WASI_ERRNO_INVAL);
  REFUSED(__wasi_path_readlink(directory, "none", bytes, 4, &used), __WASI_ERRNO_NOENT);
  REFUSED(__wasi_path_symlink("other", directory, "link"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_symlink("other", directory, "target/"), __WASI_ERRNO_EXIST);
  REFUSED(__wasi_path_symlink("other", directory, "new/"), __WASI_ERRNO_NOENT);
  DONE(__wasi_path_unlink_file(directory, "link"));
  DONE(__wasi_path_remove_directory(directory, "target"));

  make_file(directory, "target");
  DONE(__wasi_path_symlink("target", directory, "link"));
  REFUSED(follow(directory, "link", __WASI_OFLAGS_DIRECTORY), __WASI_ERRNO_NOTDIR);
  REFUSED(try_open(directory, "link", 0, 0), __WASI_ERRNO_LOOP, __WASI_ERRNO_ACCES);
  DONE(follow(directory, "link", 0));
  DONE(__wasi_path_unlink_file(directory, "link"));
  DONE(__wasi_path_unlink_file(directory, "target"));

  DONE(__wasi_path_symlink("none", directory, "dangling"));
  REFUSED(follow(directory, "dangling", 0), __WASI_ERRNO_NOENT);
  REFUSED(try_open(directory, "dangling", 0, 0), __WASI_ERRNO_LOOP, __WASI_ERRNO_ACCES);
  REFUSED(follow(directory, "dangling", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL), __WASI_ERRNO_EXIST);
  DONE(__wasi_path_unlink_file(directory, "dangling"));

  DONE(__wasi_path_symlink("circle", directory, "circle"));
  REFUSED(follow(directory, "circle", 0), __WASI_ERRNO_LOOP);
  REFUSED(try_open(directory, "circle/below", 0, 0), __WASI_ERRNO_LOOP);
  DONE(__wasi_path_unlink_file(directory, "circle"));
  DONE(__wasi_path_symlink("b", directory, "a"));
  DONE(__wasi_path_symlink("a", directory, "b"));
  REFUSED(follow(directory, "a", 0), __WASI_ERRNO_LOOP);
  DONE(__wasi_path_unlink_file(directory, "a"));
  DONE(__wasi_path_unlink_file(directory, "b"));
  remove_scratch(directory, "links");
  return finish();
}
