/* Never ends, and calls nothing. */
static volatile unsigned long long rounds;

int main(void) {
  for (;;) rounds++;
}
