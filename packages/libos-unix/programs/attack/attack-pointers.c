/* Gives the host addresses and lengths that lie outside of its memory; each must be refused with `fault` or another error. */
#include <stdint.h>
#include <stdio.h>
#include <wasi/api.h>

static int accepted;

static void must_fail(const char *what, int outcome) {
  if (outcome != 0) return;
  printf("accepted: %s\n", what);
  accepted++;
}

int main(void) {
  const uintptr_t size = __builtin_wasm_memory_size(0) * 65536u;
  const uintptr_t wild[] = {size, size - 1, size - 3, 0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu};
  for (unsigned i = 0; i < sizeof wild / sizeof *wild; i++) {
    uint8_t *at = (uint8_t *)wild[i];
    __wasi_size_t used;
    __wasi_ciovec_t out = {at, 16};
    __wasi_iovec_t in = {at, 16};
    must_fail("random_get", __wasi_random_get(at, 16));
    must_fail("fd_write from", __wasi_fd_write(1, &out, 1, &used));
    must_fail("fd_write list", __wasi_fd_write(1, (const __wasi_ciovec_t *)at, 2, &used));
    must_fail("fd_read list", __wasi_fd_read(0, (const __wasi_iovec_t *)at, 2, &used));
    must_fail("fd_read into", __wasi_fd_read(0, &in, 1, &used));
    must_fail("clock_time_get", __wasi_clock_time_get(0, 1, (__wasi_timestamp_t *)at));
    must_fail("environ_sizes_get", __wasi_environ_sizes_get((__wasi_size_t *)at, &used));
    must_fail("args_sizes_get", __wasi_args_sizes_get(&used, (__wasi_size_t *)at));
    must_fail("fd_fdstat_get", __wasi_fd_fdstat_get(1, (__wasi_fdstat_t *)at));
    must_fail("fd_prestat_get", __wasi_fd_prestat_get(3, (__wasi_prestat_t *)at));
    must_fail("poll_oneoff", __wasi_poll_oneoff((const __wasi_subscription_t *)at, (__wasi_event_t *)at, 1, &used));
  }
  printf("%d\n", accepted);
  return accepted;
}
