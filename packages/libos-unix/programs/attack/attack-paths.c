/*
 * Tries to reach what is outside of its directories, with paths and with links of its own; what must not be
 * reached is named by its arguments. Prints what it got, and ends with how often it got through.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static int reached;

static void attempt(__wasi_fd_t directory, const char *path, __wasi_lookupflags_t follow) {
  __wasi_fd_t found;
  if (__wasi_path_open(directory, follow, path, 0, __WASI_RIGHTS_FD_READ, 0, 0, &found) != 0) return;
  char bytes[64] = {0};
  ssize_t length = read((int)found, bytes, sizeof bytes - 1);
  printf("reached %s: %d [%s]\n", path, (int)length, bytes);
  reached++;
  close((int)found);
}

int main(int count, char **arguments) {
  static const char *const before[] = {"", "/", "../", "../../", "../../../../../../../../", "./../", "inside/../../",
                                       "inside/../inside/../../", "//", ".//..//", "up/", "up/up/", "root/", "inside/up/"};
  const __wasi_fd_t directory = 3;
  (void)__wasi_path_create_directory(directory, "inside");
  (void)__wasi_path_symlink("..", directory, "up");
  (void)__wasi_path_symlink("../..", directory, "inside/up");
  (void)__wasi_path_symlink("/", directory, "root");
  for (int i = 1; i < count; i++) {
    char path[1024];
    for (unsigned b = 0; b < sizeof before / sizeof *before; b++)
      for (int follow = 0; follow < 2; follow++) {
        snprintf(path, sizeof path, "%s%s", before[b], arguments[i]);
        attempt(directory, path, follow);
        (void)__wasi_path_unlink_file(directory, "link");
        if (__wasi_path_symlink(path, directory, "link") == 0) attempt(directory, "link", follow);
      }
  }
  (void)__wasi_path_unlink_file(directory, "link");
  (void)__wasi_path_unlink_file(directory, "up");
  (void)__wasi_path_unlink_file(directory, "root");
  (void)__wasi_path_unlink_file(directory, "inside/up");
  (void)__wasi_path_remove_directory(directory, "inside");
  printf("%d\n", reached);
  return reached > 100 ? 100 : reached;
}
