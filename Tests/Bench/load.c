/* What it costs to load the library: microseconds of dlopen, median of 101 fresh processes' first call.
 *   load PATH/libgatewire.so */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  double took[101];
  for (int i = 0; i < 101; i++) {
    int channel[2];
    if (pipe(channel) != 0) return 1;
    pid_t child = fork();
    if (child == 0) {
      struct timespec begin, end;
      /* OpenSSL and zlib are the system's: loaded before, so that the figure is the library's own. */
      dlopen("libssl.so.3", RTLD_NOW);
      dlopen("libz.so.1", RTLD_NOW);
      clock_gettime(CLOCK_MONOTONIC, &begin);
      void *library = dlopen(argv[1], RTLD_NOW);
      clock_gettime(CLOCK_MONOTONIC, &end);
      double microseconds =
          library ? (double)(end.tv_sec - begin.tv_sec) * 1e6 + (double)(end.tv_nsec - begin.tv_nsec) / 1e3 : -1;
      ssize_t written = write(channel[1], &microseconds, sizeof microseconds);
      _exit(written == sizeof microseconds ? 0 : 1);
    }
    close(channel[1]);
    if (read(channel[0], &took[i], sizeof took[i]) != sizeof took[i]) return 1;
    close(channel[0]);
    waitpid(child, NULL, 0);
  }
  qsort(took, 101, sizeof took[0], compare);
  printf("%.0f\n", took[50]);
  return took[0] < 0;
}
