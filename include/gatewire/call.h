/*
 * gatewire/call.h: calls to a gateway, and what each connection to it begins with.
 *
 * A call ends in exactly one of: answered (GW_OK), rejected (GW_ERR_REJECTED), not sent (GW_ERR_NOT_SENT: it has
 * certainly not run), or unknown (GW_ERR_OUTCOME_UNKNOWN, GW_ERR_CALL_TIMEOUT: it may have run).  The library never sends a
 * call twice.  Whoever repeats one whose outcome is unknown does it with the same idempotency key, where the method takes one.
 *
 * After each hello the frames leave in this order: the subscriptions, the calls of the initial sync, the calls that waited for a
 * connection, then those made after GW_EVENT_CLIENT_CONNECTED.
 */
#ifndef GATEWIRE_CALL_H
#define GATEWIRE_CALL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What client.h opens. */
typedef struct gw_client gw_client;

/* gw_call_options.flags */
enum {
  /* An answer whose payload has "status":"accepted" is reported as GW_EVENT_CALL_ACCEPTED, and the call goes on to the
   * next answer. */
  GW_CALL_EXPECT_FINAL = 1u << 0,
  /* Put "idempotencyKey" into the params, which must be an object without one, or none at all: idempotency_key, or a new random
   * UUID.  For methods that take it (chat.send, agent, send, poll, message.action, sessions.send); others may refuse it. */
  GW_CALL_IDEMPOTENT = 1u << 1,
  /* Do not keep the call for a later connection, whatever the client's offline options say. */
  GW_CALL_ONLINE_ONLY = 1u << 2,
  /* Send traceparent also to gateways of protocol 3, which refuse frames with members that they do not know. */
  GW_CALL_TRACE_ALWAYS = 1u << 3
};

typedef struct gw_call_options {
  uint32_t struct_size;
  uint32_t flags;
  /* From the time that the frame is queued to be sent.  0: the client's call_timeout_ms, or none with GW_CALL_EXPECT_FINAL; GW_NEVER: none;
   * at most 2147483647 is used.  While a call without a time limit is in flight, the gateway's ticks are watched for it. */
  uint32_t timeout_ms;
  uint32_t reserved;
  void *user_data; /* handed back in the events of this call; never read */

  /* With GW_CALL_IDEMPOTENT: the key, 1 to 256 bytes.  NULL: a new one.  Where the outcome is not known, the terminal event names the key:
   * with it the host can ask again and gets the outcome of the first call, as long as the gateway remembers it (about 5 minutes). */
  const char *idempotency_key;

  /* W3C trace context of the call, at most 128 bytes; sent to gateways of protocol 4 and later.  A call that waits for a connection goes
   * by the protocol of the connection before. */
  const char *traceparent;
} gw_call_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_call_options_init(gw_call_options *options);

/* Queues a request.
 *   method       name of the method
 *   params       params_len bytes of JSON, checked and sent verbatim; NULL and 0: no params member
 *   options      may be NULL
 *   call         set to the id of the call, which is the subject of its events
 * Statuses: GW_OK, GW_QUEUED (taken; hold back), GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_JSON_TEXT, GW_ERR_STATE (not
 * connected now), GW_ERR_TOO_BIG (above the gateway's policy.maxPayload), GW_ERR_LIMIT (max_calls), GW_ERR_FULL (of max_queued_bytes, or
 * without a connection of the offline options), GW_ERR_GONE, GW_ERR_FORKED.
 * Threads: any. */
GW_EXPORT gw_status gw_client_call(gw_client *client, const char *method, const void *params, size_t params_len,
                                   const gw_call_options *options, uint64_t *call);

/* Ends a call now: GW_EVENT_CALL_DONE with GW_ERR_CANCELLED.  Nothing is sent: the gateway may still run it.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE (it has ended already).  Threads: any. */
GW_EXPORT gw_status gw_client_cancel(gw_client *client, uint64_t call);

/* --- without a connection --- */

/* Calls made while there is no connection are kept in their order and sent after the next hello.  One whose time passes, that the gateway
 * would not take, or that is left when the client ends, ends with GW_ERR_NOT_SENT. */
typedef struct gw_offline_options {
  uint32_t struct_size;
  uint32_t flags;      /* 0 */
  uint32_t max_calls;  /* 0: 256; all count against the client's max_calls as well */
  uint32_t max_bytes;  /* of their frames.  0: 1 MiB */
  uint32_t time_to_live_ms; /* of each.  0: 60000; GW_NEVER: no limit */
  uint32_t reserved;
} gw_offline_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_offline_options_init(gw_offline_options *options);

/* --- what each connection begins with --- */

/* Keeps a call that is made on the present connection, if there is one, and on each that comes, because what it asks for ends with the
 * connection (sessions.subscribe, sessions.messages.subscribe).  Each time GW_EVENT_SUBSCRIBED tells how it went.
 *   params         as for gw_client_call
 *   user_data      handed back in its events; never read
 *   subscription   set to its id, which is the subject of its events
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_JSON_TEXT, GW_ERR_LIMIT (1024 of them, or 1 MiB), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_subscribe(gw_client *client, const char *method, const void *params, size_t params_len,
                                        void *user_data, uint64_t *subscription);

/* Forgets a subscription: no event of it follows.  Nothing is sent; where the gateway is to stop at once, call its own method for that.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE (there is none of that id).  Threads: any. */
GW_EXPORT gw_status gw_client_unsubscribe(gw_client *client, uint64_t subscription);

/* One call of the initial sync (gw_client_options.sync_calls): copied by gw_client_open. */
typedef struct gw_sync_call {
  const char *method;
  const void *params; /* params_len bytes of JSON; NULL and 0: none */
  size_t params_len;
} gw_sync_call;

/* --- catching up --- */

/* code of GW_EVENT_RESYNC */
enum {
  GW_RESYNC_RECONNECT = 1, /* the connection is a new one */
  GW_RESYNC_GAP = 2        /* the gateway's numbers show that events are missing */
};

/* Holds events back after each GW_EVENT_RESYNC, so that none of them meets a picture of the gateway that is older than it: until
 * gw_client_resynced, or until the time or the room is used up, which GW_EVENT_CLIENT_WARNING tells with the name "resync". */
typedef struct gw_resync_options {
  uint32_t struct_size;
  uint32_t flags;          /* 0 */
  uint32_t timeout_ms;     /* 0: 10000; GW_NEVER: no limit */
  uint32_t max_held_bytes; /* memory for them.  0: 4 MiB */
} gw_resync_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_resync_options_init(gw_resync_options *options);

/* The host has caught up: what was held since the GW_EVENT_RESYNC with this subject comes now, in its order.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE (nothing is held for it: it is not the last one, its time is over, or no options were
 * given).  Threads: any. */
GW_EXPORT gw_status gw_client_resynced(gw_client *client, uint64_t resync);

#ifdef __cplusplus
}
#endif
#endif
