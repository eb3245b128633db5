/* A test is a function; RUN runs it and prints one line about it, as in the Test Anything Protocol.  CHECK notes a failure
 * and goes on, REQUIRE ends the test.  test_finish prints the sums and gives the exit status. */
#ifndef GATEWIRE_TEST_H
#define GATEWIRE_TEST_H

#include <gatewire/gatewire.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int test_passed, test_failed;
static bool test_is_failing;

static inline void test_note(const char *file, int line, const char *text) {
  test_is_failing = true;
  printf("# %s:%d: %s\n", file, line, text);
}

static inline void test_note_status(const char *file, int line, const char *call, gw_status seen, gw_status wanted) {
  test_is_failing = true;
  printf("# %s:%d: %s gave %s, wanted %s\n", file, line, call, gw_status_name(seen), gw_status_name(wanted));
}

static inline void test_run(const char *name, void (*test)(void)) {
  test_is_failing = false;
  test();
  test_is_failing ? ++test_failed : ++test_passed;
  printf("%s %d - %s\n", test_is_failing ? "not ok" : "ok", test_passed + test_failed, name);
  fflush(stdout);
}

static inline int test_finish(void) {
  printf("1..%d\n%d passed, %d failed\n", test_passed + test_failed, test_passed, test_failed);
  return test_failed > 0;
}

#define RUN(name, test) test_run(name, test)

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) test_note(__FILE__, __LINE__, #condition);                                                       \
  } while (0)

#define CHECK_STATUS(call, wanted)                                                                                     \
  do {                                                                                                                 \
    gw_status seen_ = (call);                                                                                          \
    if (seen_ != (wanted)) test_note_status(__FILE__, __LINE__, #call, seen_, (wanted));                               \
  } while (0)

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      test_note(__FILE__, __LINE__, #condition);                                                                       \
      return;                                                                                                          \
    }                                                                                                                  \
  } while (0)

#define REQUIRE_STATUS(call, wanted)                                                                                   \
  do {                                                                                                                 \
    gw_status seen_ = (call);                                                                                          \
    if (seen_ != (wanted)) {                                                                                           \
      test_note_status(__FILE__, __LINE__, #call, seen_, (wanted));                                                    \
      return;                                                                                                          \
    }                                                                                                                  \
  } while (0)

/* Whether a slice is exactly a text, or has it somewhere. */
static inline bool slice_is(gw_slice slice, const char *text) {
  return slice.len == strlen(text) && (slice.len == 0 || memcmp(slice.ptr, text, slice.len) == 0);
}

static inline bool slice_has(gw_slice slice, const char *text) {
  size_t len = strlen(text);
  for (size_t at = 0; at + len <= slice.len; ++at)
    if (memcmp(slice.ptr + at, text, len) == 0) return true;
  return false;
}

#endif
