/* Prints its arguments and its environment; ends with the number that EXIT says. */
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int count, char **arguments) {
  for (int i = 0; i < count; i++) printf("argument %d: [%s]\n", i, arguments[i]);
  for (char **entry = environ; *entry != NULL; entry++) printf("environment: [%s]\n", *entry);
  const char *code = getenv("EXIT");
  return code == NULL ? 0 : atoi(code);
}
