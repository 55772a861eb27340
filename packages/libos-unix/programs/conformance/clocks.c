/* Clocks: resolutions above 0, times that do not go back, and no clock of another number. */
#include "check.h"

int main(void) {
  const __wasi_clockid_t clocks[] = {__WASI_CLOCKID_REALTIME, __WASI_CLOCKID_MONOTONIC};
  for (int i = 0; i < 2; i++) {
    __wasi_timestamp_t step = 0, before = 0, now = 0;
    DONE(__wasi_clock_res_get(clocks[i], &step));
    HOLDS(step > 0);
    HOLDS(step <= 1000000000);
    DONE(__wasi_clock_time_get(clocks[i], 1, &before));
    HOLDS(before > 0);
    for (int round = 0; round < 100; round++) {
      DONE(__wasi_clock_time_get(clocks[i], round % 2, &now));
      HOLDS(clocks[i] != __WASI_CLOCKID_MONOTONIC || now >= before);
      before = now;
    }
  }
  __wasi_timestamp_t time;
  REFUSED(__wasi_clock_time_get(100, 0, &time), __WASI_ERRNO_INVAL);
  REFUSED(__wasi_clock_res_get(100, &time), __WASI_ERRNO_INVAL);
  return finish();
}
