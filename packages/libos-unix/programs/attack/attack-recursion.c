/* Calls itself without end, with a frame on no stack but the engine's. */
static volatile unsigned depth;

#pragma clang diagnostic ignored "-Winfinite-recursion"
__attribute__((noinline)) static unsigned down(unsigned a, unsigned b) {
  depth++;
  return down(b + 1, a) * 3 + depth;
}

int main(void) { return (int)down(1, 2); }
