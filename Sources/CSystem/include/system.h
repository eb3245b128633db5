/* The system for Swift in a build that has no Glibc module: headers, and macros and variadic functions as plain functions. */
#ifndef GATEWIRE_CSYSTEM_H
#define GATEWIRE_CSYSTEM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Constants that the importer gives different Swift types. */
static const uint32_t gw_epoll_in = EPOLLIN;
static const uint32_t gw_epoll_out = EPOLLOUT;
static const uint32_t gw_epoll_edge = EPOLLET;
static const int gw_event_flags = EFD_CLOEXEC | EFD_NONBLOCK;
static const int gw_timer_flags = TFD_CLOEXEC | TFD_NONBLOCK;
static const int gw_timer_cancel_on_set = TFD_TIMER_CANCEL_ON_SET;
static const int gw_socket_stream = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

/* Calls whose address argument is a transparent union in C. */
static inline int gw_connect(int fd, const struct sockaddr *address, socklen_t length) {
  return connect(fd, address, length);
}

static inline int gw_bind(int fd, const struct sockaddr *address, socklen_t length) {
  return bind(fd, address, length);
}

static inline int gw_getsockname(int fd, struct sockaddr *address, socklen_t *length) {
  return getsockname(fd, address, length);
}

static inline int gw_getpeername(int fd, struct sockaddr *address, socklen_t *length) {
  return getpeername(fd, address, length);
}

static inline int gw_accept(int fd, struct sockaddr *address, socklen_t *length) {
  return accept4(fd, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static inline ssize_t gw_send(int fd, const void *bytes, size_t size) { return send(fd, bytes, size, MSG_NOSIGNAL); }

static inline int gw_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }

static inline const char *gw_error_text(int error, char *buffer, size_t size) {
  return strerror_r(error, buffer, size);
}

/* The system call itself: the function that glibc links for it is newer than the systems that the library runs on. */
static inline int gw_stat(const char *path, struct stat *status) {
  return (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

static inline int gw_fcntl(int fd, int command, int argument) { return fcntl(fd, command, argument); }

static inline int gw_errno(void) { return errno; }

/* A count that one thread raises and another looks at, without a lock. */
static inline void gw_count_up(uint64_t *count) { __atomic_fetch_add(count, 1, __ATOMIC_RELAXED); }
static inline uint64_t gw_count(const uint64_t *count) { return __atomic_load_n(count, __ATOMIC_RELAXED); }

/* Threads with all signals blocked (threads.c).  Start answers an error number. */
int gw_thread_start(pthread_t *thread, void *(*run)(void *), void *argument);
void gw_thread_join(pthread_t thread);
void gw_thread_detach(pthread_t thread);

/* pthread_mutex_trylock (threads.c). */
int gw_mutex_trylock(pthread_mutex_t *mutex);

/* One page that a forked child finds zeroed, so that a fork is noticed without a system call.  NULL: no memory. */
static inline uint32_t *gw_fork_mark(void) {
  long size = sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return NULL;
  if (madvise(page, (size_t)size, MADV_WIPEONFORK) != 0) {
    munmap(page, (size_t)size);
    return NULL;
  }
  return page;
}

static inline void gw_fork_mark_free(uint32_t *mark) {
  if (mark)
    munmap(mark, (size_t)sysconf(_SC_PAGESIZE));
}

#endif
