/* A program beside the test that is asked by lines: one line in, one line out. */
#ifndef GATEWIRE_TEST_CHILD_H
#define GATEWIRE_TEST_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct child {
  pid_t pid;
  int in, out;
} child;

/* Starts argv[0], found through PATH.  Its input ends with this program, and with it the child. */
bool child_start(child *child, char *const argv[]);

/* Sends a line, if there is one, and reads one, at most for 20 s.  answer has no newline. */
bool child_ask(child *child, const char *line, char *answer, size_t size);

/* Ends its input and waits until it has gone. */
void child_end(child *child);

#endif
