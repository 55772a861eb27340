/* SHA-256 (FIPS 180-4) of standard input, or with a number of so many times 64 KiB of its own. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first 32 bits of the fractions of roots of the first primes are worked out, not listed. */
static uint32_t k[64], state[8];
static unsigned char block[64], page[65536];
static unsigned filled;
static uint64_t total;

/* The n-th root of `prime` as an integer times 2^32, by bisection; n is 2 or 3. */
static uint32_t fraction(unsigned prime, int n) {
  uint64_t low = 0, high = (uint64_t)32 << 32;
  while (high - low > 1) {
    uint64_t middle = low + (high - low) / 2;
    __int128 power = (__int128)middle * middle;
    if (n == 3) power = (power >> 32) * middle + (((power & 0xffffffff) * (__int128)middle) >> 32);
    if (power >> 64 < prime) low = middle;
    else high = middle;
  }
  return (uint32_t)low;
}

static void prepare(void) {
  int found = 0;
  for (unsigned n = 2; found < 64; n++) {
    int prime = 1;
    for (unsigned d = 2; d * d <= n; d++) prime &= n % d != 0;
    if (!prime) continue;
    if (found < 8) state[found] = fraction(n, 2);
    k[found++] = fraction(n, 3);
  }
}

#define ROTATED(x, n) ((x) >> (n) | (x) << (32 - (n)))

static void compress(const unsigned char *from) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)from[4 * i] << 24 | from[4 * i + 1] << 16 | from[4 * i + 2] << 8 | from[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (ROTATED(a, 7) ^ ROTATED(a, 18) ^ a >> 3) + w[i - 7] + (ROTATED(b, 17) ^ ROTATED(b, 19) ^ b >> 10);
  }
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t a = v[0], e = v[4];
    uint32_t one = v[7] + (ROTATED(e, 6) ^ ROTATED(e, 11) ^ ROTATED(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
    uint32_t two = (ROTATED(a, 2) ^ ROTATED(a, 13) ^ ROTATED(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + two;
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

static void add(const unsigned char *from, size_t length) {
  total += length;
  while (length > 0) {
    if (filled == 0 && length >= 64) {
      compress(from);
      from += 64;
      length -= 64;
      continue;
    }
    block[filled++] = *from++;
    length--;
    if (filled == 64) {
      compress(block);
      filled = 0;
    }
  }
}

static void finish(void) {
  uint64_t bits = total * 8;
  unsigned char end[8];
  for (int i = 0; i < 8; i++) end[i] = (unsigned char)(bits >> (56 - 8 * i));
  add((const unsigned char *)"\x80", 1);
  while (filled != 56) add((const unsigned char *)"", 1);
  add(end, 8);
  for (int i = 0; i < 8; i++) printf("%08x", (unsigned)state[i]);
  printf("\n");
}

int main(int count, char **arguments) {
  prepare();
  if (count > 1) {
    for (size_t i = 0; i < sizeof page; i++) page[i] = (unsigned char)(i * i >> 5);
    for (int round = atoi(arguments[1]); round > 0; round--) add(page, sizeof page);
  } else {
    for (size_t length; (length = fread(page, 1, sizeof page, stdin)) > 0;) add(page, length);
  }
  finish();
  return 0;
}
