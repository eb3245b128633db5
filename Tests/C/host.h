/* What a host program writes around the library: one context, a loop that waits for an event, and the options that
 * the tests share.  Events are copied as far as the tests look at them, so that a test can ask for one after another. */
#ifndef GATEWIRE_TEST_HOST_H
#define GATEWIRE_TEST_HOST_H

#include <gatewire/gatewire.h>

#include <stdbool.h>

/* An event with its own copies of what it points to, each with a NUL behind it. */
typedef struct kept_event {
  gw_event event; /* slices point to memory of the kept event */
  char name[256];
  char text[1024];
  char payload[8192];
} kept_event;

typedef struct host {
  gw_context *context;
  gw_event batch[16];
  uint32_t count, next;
} host;

/* How contexts are driven: GW_TAKEOVER_NEVER, GW_TAKEOVER_ALWAYS or a short time.  Set from the program's argument "poll",
 * "thread" or "guardian". */
extern uint32_t host_takeover;
void host_read_arguments(int argc, char **argv);

/* The longest time that a test waits for something that must happen. */
enum { HOST_DEADLINE_MS = 20000 };

bool host_open(host *host);
void host_close(host *host);

/* The next event of a type from a source (0: any), others are passed over; false after the deadline. */
bool host_wait(host *host, uint32_t type, uint64_t source, kept_event *out);

/* Any next event within a time; false if none came. */
bool host_next(host *host, int32_t timeout_ms, kept_event *out);

/* A client's options as the tests use them: one attempt, time limits that fail a test rather than hold it up. */
gw_client_options host_client_options(const char *url);
gw_server_options host_server_options(void);

/* Opens a client on these options and waits for its end.  False if it could not be opened or did not end. */
bool host_client_end(host *host, const gw_client_options *options, kept_event *out);

/* Copies an event and what it points to. */
void host_keep(const gw_event *event, kept_event *out);

/* Milliseconds of a monotonic clock. */
int64_t host_now(void);

#endif
