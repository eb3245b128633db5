/* The far end of the connections that are cut: a gateway or a WebSocket server that a thread of this program keeps.  It
 * notes which calls it was asked to run, and that each of its connections ends once. */
#ifndef GATEWIRE_TEST_FAR_END_H
#define GATEWIRE_TEST_FAR_END_H

#include "../C/host.h"

#include <pthread.h>
#include <stdatomic.h>

enum { FAR_END_CALLS = 1 << 20, FAR_END_CONNECTIONS = 128 };

typedef struct far_end {
  host host;
  gw_server *server; /* one of them is NULL */
  gw_listener *listener;
  uint32_t port;
  char pin[80];
  pthread_t thread;
  uint64_t open[FAR_END_CONNECTIONS], last_end;
  atomic_uint open_count, surplus_ends;
} far_end;

/* A gateway that answers every method, or (is_raw) a listener that sends every message back. */
bool far_end_start(far_end *end, bool is_encrypted, bool is_raw);
void far_end_stop(far_end *end);

/* How often a call with the params {"number":N} was run, at any far end. */
unsigned far_end_runs(unsigned number);

#endif
