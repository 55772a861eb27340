/* Makes directories and links below its first argument, lists them in order of name, and removes them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int compare(const void *left, const void *right) {
  return strcmp(*(char *const *)left, *(char *const *)right);
}

static const char *kind(unsigned char type) {
  return type == DT_DIR ? "directory" : type == DT_REG ? "file" : type == DT_LNK ? "link" : "other";
}

static void list(const char *name) {
  static char *found[512];
  int count = 0;
  DIR *directory = opendir(name);
  if (directory == NULL) {
    printf("%s: %s\n", name, strerror(errno));
    return;
  }
  for (struct dirent *entry; (entry = readdir(directory)) != NULL && count < 512;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char *line = malloc(strlen(entry->d_name) + 16);
    sprintf(line, "%s %s", entry->d_name, kind(entry->d_type));
    found[count++] = line;
  }
  closedir(directory);
  qsort(found, count, sizeof *found, compare);
  printf("%d in %s:", count, name);
  for (int i = 0; i < count; i++) {
    if (i < 8) printf(" %s;", found[i]);
    free(found[i]);
  }
  printf("\n");
}

static void say(const char *what, int outcome) {
  printf("%s: %s\n", what, outcome == 0 ? "done" : strerror(errno));
}

int main(int count, char **arguments) {
  char name[64];
  struct stat found;
  if (chdir(count > 1 ? arguments[1] : "/") != 0) return perror("chdir"), 1;
  say("made", mkdir("d", 0777));
  say("made again", mkdir("d", 0777));
  say("made below", mkdir("d/below", 0777));
  say("made below nothing", mkdir("nothing/below", 0777));
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "d/below/a-file-with-the-number-%d", i);
    close(open(name, O_CREAT | O_WRONLY, 0666));
  }
  list("d/below");
  list("d/../d/./below//");
  say("linked", symlink("below", "d/link"));
  list("d");
  list("d/link");
  memset(name, 0, sizeof name);
  printf("read link: %d [%s]\n", (int)readlink("d/link", name, sizeof name), name);
  printf("of the link: %d %d\n", lstat("d/link", &found), S_ISLNK(found.st_mode));
  printf("through the link: %d %d\n", stat("d/link", &found), S_ISDIR(found.st_mode));
  say("removed though not empty", rmdir("d/below"));
  say("unlinked a directory", unlink("d/below"));
  say("moved", rename("d/below", "d/moved"));
  say("moved below itself", rename("d/moved", "d/moved/a-file-with-the-number-0"));
  list("d/link");
  for (int i = 0; i < 300; i++) {
    snprintf(name, sizeof name, "d/moved/a-file-with-the-number-%d", i);
    if (unlink(name) != 0) say(name, -1);
  }
  say("removed", rmdir("d/moved"));
  say("unlinked the link", unlink("d/link"));
  say("removed the first", rmdir("d"));
  list("d");
  return 0;
}
