/* See lua-errors.h. `exolith_protect` is left out of the unwinding: that is where it ends. */
#include "lua-errors.h"

#define UNWINDER(name) __attribute__((import_module("asyncify"), import_name(#name)))
UNWINDER(start_unwind) extern void start_unwind(void *record);
UNWINDER(stop_unwind) extern void stop_unwind(void);

/* Where unwound frames leave their locals. They are never read: nothing is rewound. */
static struct {
  char *next, *end;
  char bytes[1 << 20];
} frames;
static volatile int thrown;

void exolith_throw(void) {
  frames.next = frames.bytes;
  frames.end = frames.bytes + sizeof frames.bytes;
  thrown = 1;
  start_unwind(&frames);
}

void exolith_protect(void (*call)(struct lua_State *, void *), struct lua_State *state, void *argument) {
  char *stack;
  __asm__ volatile(".globaltype __stack_pointer, i32\n"
                   "global.get __stack_pointer\n"
                   "local.set %0"
                   : "=r"(stack));
  call(state, argument);
  if (!thrown) return;
  thrown = 0;
  stop_unwind();
  __asm__ volatile("local.get %0\n"
                   "global.set __stack_pointer"
                   :
                   : "r"(stack));
}
