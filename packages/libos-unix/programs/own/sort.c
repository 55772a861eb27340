/* Sorts random numbers with a heap, with quick sort of its own and with the library's, and compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 50000
static unsigned given[COUNT], heap[COUNT], quick[COUNT], library[COUNT];

static void sift(unsigned *v, int at, int end) {
  for (int child; (child = 2 * at + 1) < end; at = child) {
    if (child + 1 < end && v[child + 1] > v[child]) child++;
    if (v[at] >= v[child]) return;
    unsigned t = v[at];
    v[at] = v[child];
    v[child] = t;
  }
}

static void heap_sort(unsigned *v, int count) {
  for (int i = count / 2; i-- > 0;) sift(v, i, count);
  for (int end = count - 1; end > 0; end--) {
    unsigned t = v[0];
    v[0] = v[end];
    v[end] = t;
    sift(v, 0, end);
  }
}

static void quick_sort(unsigned *v, int low, int high) {
  while (low < high) {
    unsigned middle = v[low + (high - low) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (v[i] < middle) i++;
      while (v[j] > middle) j--;
      if (i > j) break;
      unsigned t = v[i];
      v[i++] = v[j];
      v[j--] = t;
    }
    if (j - low < high - i) {
      quick_sort(v, low, j);
      low = i;
    } else {
      quick_sort(v, i, high);
      high = j;
    }
  }
}

static int compare(const void *left, const void *right) {
  unsigned l = *(const unsigned *)left, r = *(const unsigned *)right;
  return l < r ? -1 : l > r;
}

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 1;
  unsigned state = 42, sum = 0;
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < COUNT; i++) given[i] = state = state * 1664525 + 1013904223;
    memcpy(heap, given, sizeof given);
    memcpy(quick, given, sizeof given);
    memcpy(library, given, sizeof given);
    heap_sort(heap, COUNT);
    quick_sort(quick, 0, COUNT - 1);
    qsort(library, COUNT, sizeof *library, compare);
    if (memcmp(heap, quick, sizeof heap) || memcmp(heap, library, sizeof heap)) return puts("differ"), 1;
    for (int i = 0; i < COUNT; i++) sum = sum * 31 + heap[i];
  }
  printf("%u\n", sum);
  return 0;
}
