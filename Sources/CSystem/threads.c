/* Threads by the names that glibc has had since its beginning: built on 2.34 or later, where libpthread moved into libc
 * under new version names, the library would otherwise not load on older systems. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#if defined(__GLIBC__) && defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__GLIBC__) && defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#endif
#ifdef OLDEST
__asm__(".symver pthread_create,pthread_create@" OLDEST);
__asm__(".symver pthread_join,pthread_join@" OLDEST);
__asm__(".symver pthread_detach,pthread_detach@" OLDEST);
__asm__(".symver pthread_sigmask,pthread_sigmask@" OLDEST);
__asm__(".symver pthread_mutex_trylock,pthread_mutex_trylock@" OLDEST);
#endif

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN int gw_thread_start(pthread_t *thread, void *(*run)(void *), void *argument) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  int error = pthread_create(thread, NULL, run, argument);
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
  return error;
}

HIDDEN void gw_thread_join(pthread_t thread) { pthread_join(thread, NULL); }

HIDDEN void gw_thread_detach(pthread_t thread) { pthread_detach(thread); }

HIDDEN int gw_mutex_trylock(pthread_mutex_t *mutex) { return pthread_mutex_trylock(mutex); }
