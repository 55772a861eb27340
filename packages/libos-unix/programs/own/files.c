/* Makes, writes, reads, moves and removes files below its first argument, and prints what it finds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[2][256];

static const char *at(int which, const char *directory, const char *name) {
  snprintf(path[which], sizeof path[which], "%s/%s", directory, name);
  return path[which];
}

static void show(const char *name) {
  struct stat found;
  if (stat(name, &found) != 0) {
    printf("%s: %s\n", name, strerror(errno));
    return;
  }
  printf("%s: %lld bytes, %d links\n", name, (long long)found.st_size, (int)found.st_nlink);
}

int main(int count, char **arguments) {
  const char *directory = count > 1 ? arguments[1] : "/";
  const char *one = at(0, directory, "one");
  const char *two = at(1, directory, "two");
  char text[64] = {0};
  show(one);
  FILE *file = fopen(one, "w+");
  if (file == NULL) return perror(one), 1;
  for (int i = 0; i < 1000; i++) fprintf(file, "line %d\n", i);
  fflush(file);
  show(one);
  fseek(file, 5000, SEEK_SET);
  if (fgets(text, sizeof text, file) == NULL) return perror("fgets"), 1;
  printf("in the middle: %s", text);
  printf("at: %ld\n", ftell(file));
  fclose(file);

  int appended = open(one, O_WRONLY | O_APPEND);
  printf("appended: %d\n", (int)write(appended, "end\n", 4));
  printf("reading what is only written: %d %s\n", (int)read(appended, text, 1), strerror(errno));
  close(appended);
  show(one);
  int changed = open(one, O_RDWR);
  printf("at 3: %d\n", (int)pwrite(changed, "XYZ", 3, 3));
  memset(text, 0, sizeof text);
  printf("from 0: %d ", (int)pread(changed, text, 10, 0));
  printf("[%s]\n", text);
  printf("still at: %lld\n", (long long)lseek(changed, 0, SEEK_CUR));
  printf("cut: %d\n", ftruncate(changed, 100));
  printf("end: %lld\n", (long long)lseek(changed, 0, SEEK_END));
  printf("before the start: %lld %s\n", (long long)lseek(changed, -1, SEEK_SET), strerror(errno));
  printf("longer: %d\n", ftruncate(changed, 8192));
  printf("synced: %d %d\n", fsync(changed), fdatasync(changed));
  close(changed);
  show(one);
  printf("linked: %d\n", link(one, two));
  show(two);
  printf("again: %d %s\n", link(one, two), strerror(errno));
  printf("unlinked: %d\n", unlink(one));
  show(one);
  printf("moved: %d\n", rename(two, one));
  show(one);
  show(two);
  printf("exclusive: %d %s\n", open(one, O_CREAT | O_EXCL | O_RDWR, 0666), strerror(errno));
  close(open(one, O_WRONLY | O_TRUNC));
  show(one);
  printf("removed: %d\n", remove(one));
  printf("removed again: %d %s\n", remove(one), strerror(errno));
  return 0;
}
