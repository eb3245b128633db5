/*
 * gatewire/context.h: the engine that clients and servers live in.
 *
 * A context holds one descriptor.  It is readable when gw_context_poll has something to do or to give.  Two ways to use
 * it:
 *
 *   your event loop    watch gw_context_fd for reading (level-triggered); when it is readable, gw_context_poll with
 *                      timeout 0
 *   a plain loop       gw_context_poll with a timeout; no descriptor needed
 *
 * And three ways to share the work, takeover_ms, with the same host code:
 *
 *   GW_TAKEOVER_NEVER    the host's polls do all input and output; there is no thread.  A host that computes for longer
 *                        than a peer waits for a pong loses its connections.
 *   milliseconds         the host's polls do it, without a hand-off between threads.  When the host has not polled for
 *                        that long although there was something to do, a guardian thread steps in: it reads, answers
 *                        pings, keeps all time limits, sends what is queued, heals lost connections and queues events up
 *                        to event_budget; beyond it reading stops and TCP slows the peers down.  With the host's next
 *                        poll it steps back.
 *   GW_TAKEOVER_ALWAYS   a thread of the library does all of it, from the start; the host polls only to collect events
 *
 * What is sent (calls, replies, pushes) leaves together with the next gw_context_poll or gw_context_flush, in one
 * system call for all that was queued.  With an event loop of the host's the descriptor becomes readable after a send, so nothing is
 * forgotten; a host that calls gw_context_flush itself once a turn says GW_CONTEXT_HOST_FLUSHES and saves that wake-up.
 */
#ifndef GATEWIRE_CONTEXT_H
#define GATEWIRE_CONTEXT_H

#include "base.h"
#include "event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gw_context gw_context;

/* gw_context_options.flags */
enum {
  /* The host calls gw_context_flush or gw_context_poll after sending; sends do not make the descriptor readable. */
  GW_CONTEXT_HOST_FLUSHES = 1u << 0
};

/* takeover_ms: who does the input and output. */
#define GW_TAKEOVER_NEVER GW_NEVER             /* only the host's polls; the default */
#define GW_TAKEOVER_ALWAYS (UINT32_MAX - 1u)   /* a library thread, from the start */
#define GW_TAKEOVER_DEFAULT 1000u              /* what bindings of languages with an interpreter lock ask for */

typedef struct gw_context_options {
  uint32_t struct_size;
  uint32_t flags;
  /* GW_TAKEOVER_NEVER (0 means the same), GW_TAKEOVER_ALWAYS, or the milliseconds after which a guardian thread steps in
   * for a host that does not poll.  As long as the host polls, that thread wakes up about once in this time; while there is
   * nothing to do it does not wake up at all.  Choose less than half of the shortest time that a peer waits
   * for a pong.  All signals are blocked on the library's threads. */
  uint32_t takeover_ms;
  /* Bytes of events that may wait for a host that does not poll before reading from the network stops.
   * 0: 4 MiB. */
  uint32_t event_budget;
} gw_context_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_context_options_init(gw_context_options *options);

/* Makes a context.  options: may be NULL.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_SYSTEM.
 * Threads: any.  Owned: free with gw_context_free. */
GW_EXPORT gw_status gw_context_new(const gw_context_options *options, gw_context **out);

/* Drops every connection at once, without closing handshakes, and frees the context.  NULL is ignored.  For a graceful
 * end close the clients and stop the servers first and poll until their last events.  Handles that outlive it
 * answer GW_ERR_GONE and still want their own free.  Must not run while another thread is inside gw_context_poll (use
 * gw_context_wake and join it first).  Waits for the library's threads to end, which they do at once.  Event memory of this context ends here.  Threads: any. */
GW_EXPORT void gw_context_free(gw_context *context);

/* The descriptor to watch for reading, -1 for NULL or in a forked child.  It belongs to the context: watch it, do not
 * read, write or close it.  Stop watching before gw_context_free.  Threads: any. */
GW_EXPORT int gw_context_fd(const gw_context *context);

typedef struct gw_batch {
  uint32_t struct_size;
  uint32_t count; /* events filled in */
  uint32_t flags; /* GW_BATCH_MORE */
  uint32_t reserved;
  /* One range that holds the bytes of most small payloads of this batch, so that a binding can copy it once and slice.
   * A payload may also lie outside of it.  Borrowed like the events. */
  const uint8_t *arena;
  size_t arena_len;
} gw_batch;

enum {
  GW_BATCH_MORE = 1u << 0 /* more events are ready now; the descriptor stays readable */
};

/* Does what there is to do (connect, read, write, time limits) and fills at most capacity events.
 *   timeout_ms   0: do not wait; negative: wait until something happens; else wait at most that long
 *   events       array of capacity elements that lie event_size bytes apart (sizeof(gw_event) of the caller; an older
 *                caller simply does not see newer fields)
 *   batch        required; struct_size set by gw_batch_init
 * The memory of the previous batch ends with this call, also when it returns GW_TIMEOUT.
 * Statuses: GW_OK (batch->count may be 0 after gw_context_wake), GW_TIMEOUT, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_BUSY (another
 * thread is polling), GW_ERR_FORKED, GW_ERR_SYSTEM.
 * Threads: any, one at a time.  Signals: an interrupted wait goes on with the time that is left. */
GW_EXPORT gw_status gw_context_poll(gw_context *context, int32_t timeout_ms, gw_event *events, size_t capacity,
                                    size_t event_size, gw_batch *batch);

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_batch_init(gw_batch *batch);

/* Hands everything that is queued to the kernel now, as far as it takes it; never waits.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_context_flush(gw_context *context);

/* Makes a gw_context_poll that waits, or the next one, return with what it has.  Never waits.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_context_wake(gw_context *context);

/* The host knows that the network is another one now: a new address, a new route, a VPN that came or went.  Every open
 * WebSocket connection of the context, of clients, sockets and servers alike, sends a ping at once (RFC 6455 section 5.5.2);
 * one from which nothing arrives within 5 seconds (or its pong limit, if that is shorter) ends with
 * GW_ERR_PONG_TIMEOUT, and a client then reconnects.  Connections whose pings or pong limit are switched off are left
 * alone.  Clients that wait for their next attempt begin it at once, and their waits grow from reconnect_initial_ms
 * again; the attempts stay counted.  Paused clients try again, too.  What is under way to a WebSocket connection, of clients and sockets, from the name to the
 * upgrade, is dropped and begun anew with its time limits, without an event.  Two go on: one over a descriptor of the host, which
 * can be used once, and one that waits for gw_trust_answer; so does a doctor.  Call it when the network has settled, not for each
 * step of a change.
 * The library does the same by itself when the machine has slept for a second or more.
 * Never waits; the pings leave with the next poll.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_context_network_changed(gw_context *context);

/* Why the last call on this context, its clients or its servers failed. */
typedef struct gw_error {
  uint32_t struct_size;
  gw_status status;
  uint32_t actor;
  uint32_t reserved;
  gw_slice text;
} gw_error;

/* Fills in the last error of the context; status GW_OK and an empty text if there was none.  out: struct_size must be set.
 * Borrowed: text lives until the next failing call on this context or something in it.  When several threads share a
 * context, this may be another thread's error.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE.  Threads: any. */
GW_EXPORT gw_status gw_context_last_error(const gw_context *context, gw_error *out);

#ifdef __cplusplus
}
#endif
#endif
