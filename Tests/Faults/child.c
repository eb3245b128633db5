#define _GNU_SOURCE
#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_DEADLINE_MS = 20000 };

bool child_start(child *child, char *const argv[]) {
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) return false;
  child->pid = fork();
  if (child->pid == 0) {
    dup2(in[0], 0);
    dup2(out[1], 1);
    execvp(argv[0], argv);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  child->in = in[1];
  child->out = out[0];
  return child->pid > 0;
}

bool child_ask(child *child, const char *line, char *answer, size_t size) {
  size_t len = line == NULL ? 0 : strlen(line);
  if (len > 0 && write(child->in, line, len) != (ssize_t)len) return false;
  for (size_t at = 0; at < size; ++at) {
    struct pollfd readable = {.fd = child->out, .events = POLLIN};
    if (poll(&readable, 1, CHILD_DEADLINE_MS) != 1 || read(child->out, answer + at, 1) != 1) return false;
    if (answer[at] != '\n') continue;
    answer[at] = 0;
    return true;
  }
  return false;
}

void child_end(child *child) {
  close(child->in);
  close(child->out);
  waitpid(child->pid, NULL, 0);
}
