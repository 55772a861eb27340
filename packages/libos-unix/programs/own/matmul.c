/* Multiplies matrices of 150 by 150 doubles. */
#include <stdio.h>
#include <stdlib.h>

#define N 150
static double a[N][N], b[N][N], c[N][N];

int main(int count, char **arguments) {
  int rounds = count > 1 ? atoi(arguments[1]) : 1;
  double sum = 0;
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        a[i][j] = (i * 3 + j * 7 + round) % 11 - 5;
        b[i][j] = (i + j * 5) % 13 / 4.0;
      }
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        double cell = 0;
        for (int k = 0; k < N; k++) cell += a[i][k] * b[k][j];
        c[i][j] = cell;
      }
    for (int i = 0; i < N; i++) sum += c[i][(i * 7 + round) % N];
  }
  printf("%.6f\n", sum);
  return 0;
}
