/* Listing a directory: itself and its parent, numbers and kinds of entries, cookies, cut-off entries, many entries, entries that come and go. */
#include "check.h"

static uint8_t bytes[512];
static char names[8][64];
static __wasi_dirent_t entries[8];

/* Whole entries behind `cookie` in a buffer of `size` bytes; `end` when the buffer was not filled. */
static unsigned list(__wasi_fd_t directory, __wasi_dircookie_t *cookie, size_t size, int *end) {
  __wasi_size_t used = 0;
  unsigned count = 0;
  DONE(__wasi_fd_readdir(directory, bytes, size, *cookie, &used));
  HOLDS(used <= size);
  *end = used < size;
  for (size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
    __wasi_dirent_t entry;
    memcpy(&entry, bytes + at, sizeof entry);
    at += sizeof entry;
    if (at + entry.d_namlen > used) break;
    if (count < 8) {
      entries[count] = entry;
      snprintf(names[count], sizeof *names, "%.*s", (int)entry.d_namlen, (const char *)bytes + at);
    }
    count++;
    at += entry.d_namlen;
    *cookie = entry.d_next;
  }
  return count;
}

static int find(unsigned count, const char *name) {
  for (unsigned i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return (int)i;
  return -1;
}

int main(void) {
  int end = 0;
  char name[40];
  __wasi_dircookie_t cookie = 0;
  __wasi_fd_t directory = scratch("listing");
  unsigned count = list(directory, &cookie, sizeof bytes, &end);
  EQUAL(count, 2);
  EQUAL(end, 1);
  int self = find(count, "."), parent = find(count, "..");
  HOLDS(self >= 0 && parent >= 0);
  if (self >= 0) {
    EQUAL(entries[self].d_type, __WASI_FILETYPE_DIRECTORY);
    EQUAL(entries[self].d_ino, stat_of(directory).ino);
  }
  cookie = 0;
  list(directory, &cookie, 0, &end);
  list(directory, &cookie, 10, &end);
  EQUAL(cookie, 0);

  make_file(directory, "file");
  DONE(__wasi_path_create_directory(directory, "sub"));
  DONE(__wasi_path_symlink("file", directory, "link"));
  count = list(directory, &cookie, sizeof bytes, &end);
  EQUAL(count, 5);
  int file = find(count, "file"), sub = find(count, "sub"), link = find(count, "link");
  HOLDS(file >= 0 && sub >= 0 && link >= 0);
  if (file >= 0) {
    __wasi_filestat_t stat = {0};
    EQUAL(entries[file].d_type, __WASI_FILETYPE_REGULAR_FILE);
    DONE(__wasi_path_filestat_get(directory, 0, "file", &stat));
    EQUAL(entries[file].d_ino, stat.ino);
  }
  if (sub >= 0) EQUAL(entries[sub].d_type, __WASI_FILETYPE_DIRECTORY);
  if (link >= 0) EQUAL(entries[link].d_type, __WASI_FILETYPE_SYMBOLIC_LINK);
  char last[64];
  strcpy(last, names[4]);
  cookie = entries[3].d_next;
  EQUAL(list(directory, &cookie, sizeof bytes, &end), 1);
  EQUAL(strcmp(names[0], last), 0);
  EQUAL(list(directory, &cookie, sizeof bytes, &end), 0);
  EQUAL(end, 1);
  DONE(__wasi_path_unlink_file(directory, "link"));
  DONE(__wasi_path_unlink_file(directory, "file"));
  DONE(__wasi_path_remove_directory(directory, "sub"));

  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "one of many %d", i);
    make_file(directory, name);
  }
  unsigned total = 0;
  for (cookie = 0, end = 0; !end; total += count) {
    count = list(directory, &cookie, 200, &end);
    if (count == 0 && !end) break;
  }
  EQUAL(total, 502);
  for (int i = 0; i < 500; i++) {
    snprintf(name, sizeof name, "one of many %d", i);
    DONE(__wasi_path_unlink_file(directory, name));
  }
  __wasi_size_t used;
  REFUSED(__wasi_fd_readdir(nothing_open(), bytes, sizeof bytes, 0, &used), __WASI_ERRNO_BADF);
  REFUSED(__wasi_fd_readdir(1, bytes, sizeof bytes, 0, &used), __WASI_ERRNO_NOTDIR, __WASI_ERRNO_BADF,
          __WASI_ERRNO_NOTCAPABLE);
  remove_scratch(directory, "listing");
  return finish();
}
