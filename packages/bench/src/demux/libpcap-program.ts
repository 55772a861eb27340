/** A program in C that classifies a trace with libpcap's interpreter. */

/**
 * Reads the trace and the expressions from the files it is given, and compiles
 * each expression; then obeys one command a line: `answers` prints the line of
 * the first expression that accepts each frame, or -1; `time FIRST PACKETS`
 * prints the nanoseconds of processor time that one of so many packets took.
 */
export const LIBPCAP_PROGRAM = `
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct bpf_program *programs;
static long filters, packets;
static unsigned char **frames;
static uint32_t *lengths;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static int fail(const char *what) {
  printf("error %s\\n", what);
  return 1;
}

static long classify(long packet) {
  const unsigned char *frame = frames[packet];
  uint32_t length = lengths[packet];
  for (long i = 0; i < filters; i++)
    if (bpf_filter(programs[i].bf_insns, frame, length, length)) return i;
  return -1;
}

static int read_trace(const char *path) {
  FILE *file = fopen(path, "rb");
  uint32_t head[2];
  if (!file || fread(head, 4, 2, file) != 2) return 1;
  packets = head[0];
  frames = malloc(packets * sizeof *frames);
  lengths = malloc(packets * sizeof *lengths);
  unsigned char *memory = aligned_alloc(64, (head[1] + 63) / 64 * 64);
  if (!frames || !lengths || !memory) return 1;
  for (long i = 0; i < packets; i++) {
    uint32_t place[2];
    if (fread(place, 4, 2, file) != 2) return 1;
    frames[i] = memory + place[0];
    lengths[i] = place[1];
  }
  if (fread(memory, 1, head[1], file) != head[1]) return 1;
  fclose(file);
  return 0;
}

static int read_filters(const char *path) {
  static char line[4096];
  FILE *file = fopen(path, "r");
  pcap_t *capture = pcap_open_dead(DLT_EN10MB, 65535);
  if (!file || !capture || !fgets(line, sizeof line, file)) return fail("cannot read the expressions");
  long count = atol(line);
  programs = calloc(count, sizeof *programs);
  if (!programs) return fail("no memory");
  for (; filters < count; filters++) {
    if (!fgets(line, sizeof line, file)) return fail("too few expressions");
    line[strcspn(line, "\\n")] = 0;
    if (pcap_compile(capture, &programs[filters], line, 1, PCAP_NETMASK_UNKNOWN))
      return fail(pcap_geterr(capture));
  }
  fclose(file);
  return 0;
}

int main(int argc, char **argv) {
  char line[256];
  volatile long sum = 0;
  long first, times;
  if (argc != 3 || read_trace(argv[1])) return fail("cannot read the trace");
  if (read_filters(argv[2])) return 1;
  printf("ready\\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "time %ld %ld", &first, &times) == 2) {
      double begun = now();
      for (long i = 0, at = first % packets; i < times; i++) {
        sum += classify(at);
        if (++at == packets) at = 0;
      }
      printf("%f\\n", (now() - begun) / times);
    } else
      for (long i = 0; i < packets; i++) printf("%ld%c", classify(i), i + 1 < packets ? ' ' : '\\n');
    fflush(stdout);
  }
  return 0;
}
`;
