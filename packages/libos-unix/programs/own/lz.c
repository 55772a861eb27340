/* A small LZ77 compressor: packs text of its own so many times, unpacks it again, and compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 200000
#define HASHES 4096
static unsigned char text[SIZE], packed[SIZE + SIZE / 8 + 16], unpacked[SIZE];
static int last[HASHES];

static void write_text(unsigned seed) {
  static const char *word[] = {"frame ", "page ", "slice ", "kernel ", "table\n", "guard ", "owner ", "entry "};
  int at = 0;
  while (at < SIZE) {
    seed = seed * 1103515245 + 12345;
    const char *next = word[(seed >> 16) & 7];
    for (; *next != 0 && at < SIZE; next++) text[at++] = (unsigned char)*next;
    if ((seed >> 20) % 5 == 0 && at < SIZE) text[at++] = (unsigned char)(seed >> 24);
  }
}

static unsigned hash(const unsigned char *at) {
  return ((at[0] << 16 | at[1] << 8 | at[2]) * 2654435761u) >> 20;
}

/* 0 length and bytes as they are; else length and a distance of two bytes. */
static int pack(void) {
  int out = 0, run = 0, at = 0;
  memset(last, -1, sizeof last);
  while (at < SIZE) {
    int length = 0, from = -1;
    if (at + 3 < SIZE) {
      unsigned h = hash(text + at);
      from = last[h];
      last[h] = at;
      if (from >= 0 && at - from < 65536)
        while (length < 255 && at + length < SIZE && text[from + length] == text[at + length]) length++;
    }
    if (length < 4) {
      if (run == 0) {
        packed[out] = 0;
        out += 2;
      }
      packed[out++] = text[at++];
      run++;
      packed[out - run - 1] = (unsigned char)run;
      if (run == 255) run = 0;
      continue;
    }
    run = 0;
    packed[out++] = (unsigned char)length;
    packed[out++] = (unsigned char)((at - from) >> 8);
    packed[out++] = (unsigned char)(at - from);
    at += length;
  }
  return out;
}

static int unpack(int end) {
  int out = 0;
  for (int at = 0; at < end;) {
    int length = packed[at++];
    if (length == 0) {
      for (int run = packed[at++]; run > 0; run--) unpacked[out++] = packed[at++];
      continue;
    }
    int distance = packed[at] << 8 | packed[at + 1];
    at += 2;
    for (; length > 0; length--, out++) unpacked[out] = unpacked[out - distance];
  }
  return out;
}

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 1;
  unsigned sum = 0;
  for (int round = 0; round < rounds; round++) {
    write_text(round + 1);
    int size = pack();
    memset(unpacked, 0, sizeof unpacked);
    if (unpack(size) != SIZE || memcmp(text, unpacked, SIZE) != 0) return puts("differ"), 1;
    for (int i = 0; i < size; i++) sum = sum * 31 + packed[i];
    sum += size;
  }
  printf("%u\n", sum);
  return 0;
}
