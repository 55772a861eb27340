/* Waiting: until a time from now and of a clock, for streams, for several at once, for nothing, and for what is not open. */
#include "check.h"

static __wasi_subscription_t clock_after(__wasi_userdata_t mark, __wasi_timestamp_t time, __wasi_subclockflags_t flags) {
  __wasi_subscription_t wait = {.userdata = mark};
  wait.u.tag = __WASI_EVENTTYPE_CLOCK;
  wait.u.u.clock = (__wasi_subscription_clock_t){__WASI_CLOCKID_MONOTONIC, time, 0, flags};
  return wait;
}

static __wasi_subscription_t stream(__wasi_userdata_t mark, __wasi_eventtype_t type, __wasi_fd_t number) {
  __wasi_subscription_t wait = {.userdata = mark};
  wait.u.tag = type;
  wait.u.u.fd_read.file_descriptor = number;
  return wait;
}

int main(void) {
  __wasi_subscription_t wait[3];
  __wasi_event_t event[3];
  __wasi_timestamp_t before = 0, after = 0;
  __wasi_size_t count = 77;
  REFUSED(__wasi_poll_oneoff(wait, event, 0, &count), __WASI_ERRNO_INVAL);

  DONE(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before));
  wait[0] = clock_after(0x1234567890abcdefull, 20000000, 0);
  DONE(__wasi_poll_oneoff(wait, event, 1, &count));
  DONE(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &after));
  EQUAL(count, 1);
  EQUAL(event[0].userdata, 0x1234567890abcdefll);
  EQUAL(event[0].error, 0);
  EQUAL(event[0].type, __WASI_EVENTTYPE_CLOCK);
  HOLDS(after - before >= 19000000);

  wait[0] = clock_after(5, after + 10000000, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
  DONE(__wasi_poll_oneoff(wait, event, 1, &count));
  EQUAL(count, 1);
  EQUAL(event[0].userdata, 5);
  DONE(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before));
  HOLDS(before >= after + 9000000);

  wait[0] = clock_after(6, 1, __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME);
  DONE(__wasi_poll_oneoff(wait, event, 1, &count));
  EQUAL(count, 1);

  wait[0] = clock_after(1, 2000000000ull, 0);
  wait[1] = stream(2, __WASI_EVENTTYPE_FD_WRITE, 1);
  wait[2] = stream(3, __WASI_EVENTTYPE_FD_WRITE, 2);
  DONE(__wasi_poll_oneoff(wait, event, 3, &count));
  HOLDS(count >= 1 && count <= 2);
  for (unsigned i = 0; i < count; i++) {
    HOLDS(event[i].userdata == 2 || event[i].userdata == 3);
    EQUAL(event[i].type, __WASI_EVENTTYPE_FD_WRITE);
    EQUAL(event[i].error, 0);
  }

  wait[0] = clock_after(1, 2000000000ull, 0);
  wait[1] = stream(9, __WASI_EVENTTYPE_FD_READ, nothing_open());
  DONE(__wasi_poll_oneoff(wait, event, 2, &count));
  EQUAL(count, 1);
  EQUAL(event[0].userdata, 9);
  EQUAL(event[0].error, __WASI_ERRNO_BADF);
  DONE(__wasi_sched_yield());
  return finish();
}
