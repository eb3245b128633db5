/*
 * gatewire/socket.h: any WebSocket server, messages in and out, for what speaks none of the gateway protocols; and such a
 * server in your own process.
 *
 * A gw_socket is one connection: RFC 6455 with permessage-deflate (RFC 7692), strict.  It does not come back by itself: its end
 * is GW_EVENT_SOCKET_CLOSED, exactly one.  A gw_listener accepts such connections; each is known by an id.
 */
#ifndef GATEWIRE_SOCKET_H
#define GATEWIRE_SOCKET_H

#include "base.h"
#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gw_socket gw_socket;
typedef struct gw_listener gw_listener;

/* kind, for the functions that send */
enum {
  GW_TEXT = 1,  /* UTF-8; checked before it is sent */
  GW_BINARY = 2
};

/* flags, for the functions that send */
enum {
  GW_SEND_PART = 1u << 0,        /* more parts of this message follow, each with the same kind; the last one without it */
  GW_SEND_UNCOMPRESSED = 1u << 1 /* do not compress this message: for secrets, and for what is compressed already */
};

/* What both ends have in common.  Every field: 0 is the default. */
typedef struct gw_socket_limits {
  uint32_t struct_size;
  uint32_t max_message_bytes;       /* one message after inflation.  16777216 (16 MiB) */
  uint32_t max_fragments;           /* frames of one message.  131072 */
  uint32_t max_queued_bytes;        /* outgoing; more is refused with GW_ERR_FULL.  16777216 */
  uint32_t high_water_bytes;        /* from here on sends answer GW_QUEUED.  a quarter of max_queued_bytes */
  uint32_t low_water_bytes;         /* below it GW_EVENT_SOCKET_WRITABLE comes.  a quarter of high_water_bytes */
  uint32_t ping_interval_ms;        /* 30000; GW_NEVER: no pings */
  uint32_t pong_timeout_ms;         /* 20000 */
  uint32_t close_timeout_ms;        /* for the closing handshake.  5000 */
  uint32_t deflate_threshold_bytes; /* messages of fewer bytes are not compressed.  1024 */
  uint32_t deflate_level;           /* zlib level 1 to 9.  6 */
  uint32_t deflate_memory_level;    /* zlib memLevel 1 to 9.  8 */
  uint32_t client_max_window_bits;  /* 9 to 15.  15 */
  uint32_t server_max_window_bits;  /* 9 to 15.  15 */
} gw_socket_limits;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_socket_limits_init(gw_socket_limits *limits);

/* --- client --- */

/* gw_socket_options.flags */
enum {
  GW_SOCKET_PLAINTEXT_PRIVATE = 1u << 0, /* ws:// also to private addresses, .local and .ts.net names */
  GW_SOCKET_PLAINTEXT_ANY = 1u << 1,     /* ws:// to any host: everything can be read on the way */
  GW_SOCKET_NO_DEFLATE = 1u << 3,        /* do not offer permessage-deflate */
  GW_SOCKET_DEFLATE_TAKEOVER = 1u << 4,  /* keep the compression window between messages (RFC 7692 section 7.1.1) */
  GW_SOCKET_PARTS = 1u << 5,             /* hand over large messages in parts as they arrive (GW_EVENT_PART) */
  GW_SOCKET_CONTROL = 1u << 6,           /* report pings and pongs; they are answered in any case */
  GW_SOCKET_NEED_SUBPROTOCOL = 1u << 7   /* refuse a server that chooses none of the subprotocols */
};

typedef struct gw_socket_options {
  uint32_t struct_size;
  uint32_t flags;
  const char *url; /* required: ws:// or wss://; user and password in it become basic authorization */
  const char *const *pins; /* as in gw_client_options */
  size_t pin_count;
  const char *ca_file;
  const char *server_name;
  const gw_header *headers; /* added to the upgrade request, Origin and Cookie for example; reserved ones are refused */
  size_t header_count;
  const char *const *subprotocols; /* in the order of preference */
  size_t subprotocol_count;
  const gw_socket_limits *limits; /* NULL: the defaults */
  void *user_data;                /* handed back in every event of this socket; never read */
  uint32_t connect_timeout_ms;    /* name and TCP together.  0: 15000 */
  uint32_t tls_timeout_ms;        /* 0: 15000 */
  uint32_t upgrade_timeout_ms;    /* 0: 15000 */
  uint32_t reserved;
} gw_socket_options;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_socket_options_init(gw_socket_options *options);

/* Starts connecting and returns.  GW_EVENT_SOCKET_OPEN follows, or GW_EVENT_SOCKET_CLOSED.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_URL, GW_ERR_PLAINTEXT, GW_ERR_PIN_TEXT,
 * GW_ERR_CERTIFICATE (ca_file), GW_ERR_FORKED.
 * Threads: any.  Owned: free with gw_socket_free. */
GW_EXPORT gw_status gw_socket_open(gw_context *context, const gw_socket_options *options, gw_socket **out);

/* The id that is the source of this socket's events; 0 for NULL.  Threads: any. */
GW_EXPORT uint64_t gw_socket_id(const gw_socket *socket);

/* Queues a message or a part of one.  data may be NULL when size is 0.
 * Statuses: GW_OK, GW_QUEUED (taken; hold back until GW_EVENT_SOCKET_WRITABLE), GW_ERR_ARGUMENT, GW_ERR_FLAGS, GW_ERR_UTF8 (text that is not;
 * nothing was taken), GW_ERR_STATE (not open, or another kind than the parts before), GW_ERR_FULL, GW_ERR_GONE, GW_ERR_FORKED.
 * Threads: any. */
GW_EXPORT gw_status gw_socket_send(gw_socket *socket, uint32_t kind, const void *data, size_t size, uint32_t flags);

/* Sends a ping with at most 125 bytes (RFC 6455 section 5.5.2); keepalive pings go by themselves.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STATE, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_ping(gw_socket *socket, const void *data, size_t size);

/* Closes politely: what is queued is sent, then a close frame; GW_EVENT_SOCKET_CLOSED follows when the peer has answered, at
 * the latest after close_timeout_ms.  code and reason: as gw_client_close.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_close(gw_socket *socket, uint32_t code, const char *reason);

/* Frees the handle.  An open socket closes politely as long as its context is polled; its remaining events still come.
 * NULL is ignored.  Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_socket_free(gw_socket *socket);

/* gw_socket_state.phase: GW_PHASE_RESOLVE to GW_PHASE_UPGRADE, GW_PHASE_READY, GW_PHASE_CLOSING, GW_PHASE_CLOSED (client.h). */
typedef struct gw_socket_state {
  uint32_t struct_size;
  uint32_t phase;
  uint64_t queued_bytes;  /* bufferedAmount: not yet taken by the kernel */
  uint64_t round_trip_us; /* last keepalive ping, 0 if none was answered */
  uint32_t deflate;       /* 1 if permessage-deflate was agreed */
  uint32_t tls;           /* 1 if the connection is encrypted */
} gw_socket_state;

/* Fills in the present state.  out: struct_size must be set.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE.  Threads: any. */
GW_EXPORT gw_status gw_socket_get_state(const gw_socket *socket, gw_socket_state *out);

/* --- server --- */

/* gw_listener_options.flags */
enum {
  GW_LISTENER_PLAINTEXT = 1u << 0,        /* no TLS; only for loopback addresses */
  GW_LISTENER_NO_DEFLATE = 1u << 3,       /* do not agree to permessage-deflate */
  GW_LISTENER_DEFLATE_TAKEOVER = 1u << 4, /* keep the compression window between messages if the peer does */
  GW_LISTENER_PARTS = 1u << 5,            /* as GW_SOCKET_PARTS */
  GW_LISTENER_CONTROL = 1u << 6,          /* as GW_SOCKET_CONTROL */
  GW_LISTENER_ASK = 1u << 7               /* every upgrade request is GW_EVENT_SOCKET_REQUEST, for the host to decide */
};

typedef struct gw_listener_options {
  uint32_t struct_size;
  uint32_t flags;
  const char *address;          /* literal address.  NULL: 127.0.0.1 */
  const char *certificate_file; /* as in gw_server_options */
  const char *key_file;
  const char *const *names;
  size_t name_count;
  const char *const *origins; /* allowed Origin values, compared without case; NULL: any.  A missing Origin is always allowed */
  size_t origin_count;
  const char *const *subprotocols; /* in the order of preference; without GW_LISTENER_ASK the first that the peer offers is chosen */
  size_t subprotocol_count;
  const gw_socket_limits *limits; /* NULL: the defaults */
  void *user_data;                /* handed back in every event of this listener; never read */
  uint32_t port;                        /* 0: the kernel picks one; see gw_listener_port */
  uint32_t handshake_timeout_ms;        /* TLS, upgrade and the host's decision together.  0: 15000 */
  uint32_t max_connections;             /* 0: 1024 */
  uint32_t max_connections_per_address; /* 0: no limit of its own */
  uint32_t max_messages_per_second;     /* received, per connection; more is closed with 1008.  0: no limit */
  uint32_t reserved;
} gw_listener_options;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_listener_options_init(gw_listener_options *options);

/* Listens.  Statuses, threads and ownership: as gw_server_open; free with gw_listener_free. */
GW_EXPORT gw_status gw_listener_open(gw_context *context, const gw_listener_options *options, gw_listener **out);

/* The id that is the source of this listener's events; 0 for NULL.  Threads: any. */
GW_EXPORT uint64_t gw_listener_id(const gw_listener *listener);

/* The port that it listens on; 0 for NULL or after the end.  Threads: any. */
GW_EXPORT uint32_t gw_listener_port(const gw_listener *listener);

/* Text about the listener; which, out, ownership and statuses as gw_server_get_text.  Threads: any. */
GW_EXPORT gw_status gw_listener_get_text(const gw_listener *listener, uint32_t which, gw_slice *out);

/* Lets a connection in that GW_EVENT_SOCKET_REQUEST asked about; GW_EVENT_SOCKET_OPEN follows.  subprotocol: one that the peer offered, or NULL.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_listener_accept(gw_listener *listener, uint64_t connection, const char *subprotocol);

/* Answers it with an HTTP status from 400 to 599 and a text as body, and closes; GW_EVENT_SOCKET_CLOSED follows.
 * Statuses: as gw_listener_accept.  Threads: any. */
GW_EXPORT gw_status gw_listener_reject(gw_listener *listener, uint64_t connection, uint32_t status, const char *text);

/* As gw_socket_send, to one connection. */
GW_EXPORT gw_status gw_listener_send(gw_listener *listener, uint64_t connection, uint32_t kind, const void *data,
                                     size_t size, uint32_t flags);

/* As gw_socket_ping, to one connection. */
GW_EXPORT gw_status gw_listener_ping(gw_listener *listener, uint64_t connection, const void *data, size_t size);

/* Closes one connection.  code and reason: as gw_server_disconnect. */
GW_EXPORT gw_status gw_listener_disconnect(gw_listener *listener, uint64_t connection, uint32_t code, const char *reason);

/* As gw_socket_get_state, of one connection. */
GW_EXPORT gw_status gw_listener_get_state(const gw_listener *listener, uint64_t connection, gw_socket_state *out);

/* Stops listening, sends every connection what is queued for it and a close frame (1001), and ends with GW_EVENT_SERVER_CLOSED.
 * Statuses: GW_OK, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_listener_stop(gw_listener *listener);

/* Frees the handle; a running listener stops as in gw_listener_stop as long as its context is polled.  NULL is ignored.
 * Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_listener_free(gw_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
