/*
 * gatewire/socketio.h: a Socket.IO client (protocol 5 over Engine.IO 4), on WebSocket alone.
 *
 * A gw_client with gw_client_options.dialect = GW_DIALECT_SOCKETIO.  It dials when the first namespace is joined, answers the server's
 * pings, takes a server that is silent for pingInterval + pingTimeout for lost, and after a loss tries again with the delays of
 * the official client and joins its namespaces anew.  It works with servers of Socket.IO 3 and later.
 *
 * Of gw_client_options these count: url, alternates, trust, route, headers, user_data, the time limits of connecting, hello_timeout_ms (0: 20000; for
 * the server's open packet and for its answer to each join), call_timeout_ms (acknowledgements), reconnect_initial_ms (0: 1000), reconnect_max_ms
 * (0: 5000), max_message_bytes, max_queued_bytes, max_calls (acknowledgements in flight, of either side), those of deflate, flags.  What is said to a
 * gateway (credentials, device, protocol range, offline, sync, resync), and observe, must not be set.
 *
 * URL.  http, https, ws or wss.  Its path is the namespace that gw_sio_join takes for NULL, its query goes into the request, whose path is
 * gw_sio_options.path; user and password are dropped.
 *
 * Namespaces.  Joined by gw_sio_join, from then on a namespace is joined again after every reconnect, until one event, GW_EVENT_SIO_LEFT,
 * ends it: it was left, the server refused or disconnected it, or the client ended.  All share one connection.  When the last one has
 * ended the connection is closed, and the client rests (GW_EVENT_CLIENT_DISCONNECTED with GW_EVENT_PAUSED) until one is joined again.
 *
 * Arguments are a JSON array, `[1,{"a":true}]`, and up to ten attachments: binary data, which the JSON names where it belongs by
 * {"_placeholder":true,"num":0}, 0 being the first.  Without attachments such an object is an ordinary one.
 *
 * Delivery.  At most once: what is emitted is sent once.  Before a namespace is joined, and while there is no connection, events are kept and sent, in
 * their order, when it is joined; before that come the events that the server sent ahead, after it GW_EVENT_SIO_JOINED.
 *
 * Recovery.  Where the server offers connection state recovery, each join after a loss asks for it: GW_EVENT_RECOVERED says that the session went on
 * and that no event is missing.  Such a server adds a string to the arguments of its events, which is left there.
 */
#ifndef GATEWIRE_SOCKETIO_H
#define GATEWIRE_SOCKETIO_H

#include "base.h"
#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_sio_options.flags */
enum {
  GW_SIO_NO_TRAILING_SLASH = 1u << 0 /* send path as it is; else a slash is added where it has none at its end */
};

/* For gw_client_options.sio. */
typedef struct gw_sio_options {
  uint32_t struct_size;
  uint32_t flags;

  const char *path; /* of the request.  NULL: "/socket.io" */
  const gw_header *query; /* pairs for the query, in place of the URL's; EIO and transport are the library's */
  size_t query_count;

  uint32_t auth_timeout_ms; /* for the host to answer GW_EVENT_SIO_AUTH.  0: 60000 */

  /* Reconnect: reconnect_initial_ms, doubled each time, plus or minus jitter_percent of it at most, then held below reconnect_max_ms.
   * Begins anew with each namespace that is joined. */
  uint32_t jitter_percent; /* 0: 50; at most 100; GW_NEVER: none */
  uint32_t max_attempts;   /* failed attempts in a row after which the client ends.  0: no limit */

  /* Limits. */
  uint32_t max_namespaces;      /* 0: 64 */
  uint32_t max_attachments;     /* of one packet that comes.  0: 10 */
  uint32_t max_packet_bytes;    /* of one packet that comes, with its attachments.  0: 26214400 (25 MiB) */
  uint32_t max_buffered_events; /* kept for a namespace until it is joined.  0: 1024 */
  uint32_t max_buffered_bytes;  /* 0: 4 MiB */
  uint32_t reserved;
} gw_sio_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_sio_options_init(gw_sio_options *options);

/* --- namespaces --- */

/* gw_sio_join_options.flags */
enum {
  GW_SIO_ASK_AUTH = 1u << 0 /* ask with GW_EVENT_SIO_AUTH at each join; not together with auth */
};

typedef struct gw_sio_join_options {
  uint32_t struct_size;
  uint32_t flags;
  const void *auth; /* auth_len bytes of JSON, an object, sent at each join; NULL and 0: none.  Never logged, never part of an event or error,
                     * wiped when freed */
  size_t auth_len;
  void *user_data; /* handed back in the events of this namespace; never read */
} gw_sio_join_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_sio_join_options_init(gw_sio_join_options *options);

/* Joins a namespace.
 *   name          "/chat"; NULL: the path of the URL.  No comma, no question mark, no control character
 *   options       may be NULL
 *   out           set to the id of the namespace, which is the connection of its events
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_JSON_TEXT, GW_ERR_STATE (it is joined, or being joined, already; not a
 * Socket.IO client), GW_ERR_LIMIT (max_namespaces), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_sio_join(gw_client *client, const char *name, const gw_sio_join_options *options, uint64_t *out);

/* Leaves a namespace: GW_EVENT_SIO_LEFT follows.  Events that were kept for it are dropped, acknowledgements that it waits for end.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STATE (not a Socket.IO client), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_sio_leave(gw_client *client, uint64_t namespace_id);

/* Answers a GW_EVENT_SIO_AUTH, whose subject is the question.  auth as in gw_sio_join_options; sent once, then wiped.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_JSON_TEXT, GW_ERR_STATE (not a Socket.IO client), GW_ERR_GONE (it was answered already, too late, or the
 * connection has ended), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_sio_auth(gw_client *client, uint64_t question, const void *auth, size_t auth_len);

/* --- events --- */

/* gw_sio_emit_options.flags */
enum {
  GW_SIO_ACK = 1u << 0,     /* ask the server for an acknowledgement: GW_EVENT_SIO_ACK follows in any case */
  GW_SIO_VOLATILE = 1u << 1 /* drop the event if it cannot be sent at once */
};

typedef struct gw_sio_emit_options {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t timeout_ms; /* for the acknowledgement, from now.  0: the client's call_timeout_ms; GW_NEVER: none */
  uint32_t reserved;
  void *user_data; /* handed back in GW_EVENT_SIO_ACK; never read */
  const gw_slice *attachments; /* at most 10 */
  size_t attachment_count;
} gw_sio_emit_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_sio_emit_options_init(gw_sio_emit_options *options);

/* Sends an event, or keeps it until its namespace is joined.
 *   event        its name; not connect, connect_error, disconnect, disconnecting, newListener or removeListener
 *   args         args_len bytes of JSON, an array, checked and sent verbatim; NULL and 0: no arguments
 *   options      may be NULL
 *   ack          with GW_SIO_ACK set to the id of the acknowledgement, which gw_client_cancel takes, else to 0; may be NULL without it
 * Statuses: GW_OK, GW_QUEUED (taken; hold back), GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_JSON_TEXT, GW_ERR_TOO_BIG (above the server's
 * maxPayload, for which it would close the connection), GW_ERR_LIMIT (max_calls, attachments), GW_ERR_FULL (max_queued_bytes, max_buffered_events,
 * max_buffered_bytes), GW_ERR_NOT_SENT (it was volatile), GW_ERR_STATE (not a Socket.IO client), GW_ERR_GONE (the namespace has ended),
 * GW_ERR_FORKED.
 * Threads: any. */
GW_EXPORT gw_status gw_sio_emit(gw_client *client, uint64_t namespace_id, const char *event, const void *args, size_t args_len,
                                const gw_sio_emit_options *options, uint64_t *ack);

/* Acknowledges a GW_EVENT_SIO_EVENT, once: ack is its subject.  args and attachments as for gw_sio_emit.
 * Statuses: GW_OK, GW_QUEUED, GW_ERR_ARGUMENT, GW_ERR_JSON_TEXT, GW_ERR_TOO_BIG, GW_ERR_LIMIT, GW_ERR_FULL, GW_ERR_STATE (not a Socket.IO client),
 * GW_ERR_GONE (it was acknowledged already, or its connection has ended), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_sio_ack(gw_client *client, uint64_t ack, const void *args, size_t args_len, const gw_slice *attachments,
                               size_t attachment_count);

#ifdef __cplusplus
}
#endif
#endif
