/* The remote increment of assembly/remote-increment.ts once more, in C. */
#include "handler.h"

enum { HEADERS = 42, REQUEST = 8, DATAGRAM = 17, HOPS = 64, FIRST_CLIENT_PORT = 1024 };

#define ANSWER 0x80000000u

static uint32_t word;
static uint8_t out[HEADERS + REQUEST];

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }

static uint32_t get32(const uint8_t *at) { return get16(at) << 16 | get16(at + 2); }

static void set16(uint8_t *at, uint32_t value) {
  at[0] = value >> 8;
  at[1] = value;
}

static void set32(uint8_t *at, uint32_t value) {
  set16(at, value >> 16);
  set16(at + 2, value);
}

static uint32_t fold(uint32_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static uint32_t sum_of(const uint8_t *at, uint32_t length) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i + 1 < length; i += 2) sum += get16(at + i);
  return length & 1 ? sum + ((uint32_t)at[length - 1] << 8) : sum;
}

static int is_plain(const uint8_t *message, uint32_t length) {
  if (length < HEADERS + REQUEST || get16(message + 12) != 0x0800) return 0;
  if (message[14] != 0x45 || message[23] != DATAGRAM || get16(message + 20) & 0x3fff) return 0;
  if ((message[0] | message[6]) & 1) return 0;
  if (message[26] == 0 || message[26] == 127 || message[26] >= 224) return 0;
  uint32_t total = get16(message + 16);
  return total >= 28 + REQUEST && 14 + total <= length && fold(sum_of(message + 14, 20)) == 0xffff;
}

static int is_intact(const uint8_t *message) {
  uint32_t bytes = get16(message + 38);
  if (bytes < 8 + REQUEST || bytes + 20 > get16(message + 16)) return 0;
  if (get16(message + 40) == 0) return 1;
  return fold(sum_of(message + 26, 8) + DATAGRAM + bytes + sum_of(message + 34, bytes)) == 0xffff;
}

static int is_answerable(const uint8_t *message) {
  uint32_t source = get16(message + 34);
  return source >= FIRST_CLIENT_PORT && source != get16(message + 36);
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) to[i] = from[i];
}

static void turn_round(const uint8_t *message) {
  copy(out, message + 6, 6);
  copy(out + 6, message, 6);
  copy(out + 12, message + 12, HEADERS + REQUEST - 12);
  copy(out + 26, message + 30, 4);
  copy(out + 30, message + 26, 4);
  copy(out + 34, message + 36, 2);
  copy(out + 36, message + 34, 2);
  out[22] = HOPS;
  uint32_t before = get16(message + 22), now = get16(out + 22);
  set16(out + 24, ~fold((~get16(message + 24) & 0xffff) + (~before & 0xffff) + now));
}

static void replace32(uint32_t at, uint32_t value) {
  uint32_t before = get32(out + at), checksum = get16(out + 40);
  set32(out + at, value);
  if (checksum == 0) return;
  uint32_t sum = (~checksum & 0xffff) + (~(before >> 16) & 0xffff) + (~before & 0xffff);
  uint32_t made = ~fold(sum + (value >> 16) + (value & 0xffff)) & 0xffff;
  set16(out + 40, made == 0 ? 0xffff : made);
}

int32_t handle(const uint8_t *message, uint32_t length) {
  if (!is_plain(message, length) || !is_answerable(message)) return 0;
  uint32_t tag = get32(message + HEADERS);
  if ((tag & ANSWER) != 0 || !is_intact(message)) return 0;
  word += get32(message + HEADERS + 4);
  turn_round(message);
  replace32(HEADERS, tag | ANSWER);
  replace32(HEADERS + 4, word);
  append(out, HEADERS + REQUEST);
  if (length > HEADERS + REQUEST) append(message + HEADERS + REQUEST, length - HEADERS - REQUEST);
  send();
  return 1;
}
