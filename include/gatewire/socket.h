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
#include "route.h"
#include "trust.h"

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
  /* More parts of this message follow, each with the same kind; the last one, which may be empty, without it.  Each part is a
   * frame of its own, so nobody has to know the size of the whole (RFC 6455 section 5.4). */
  GW_SEND_PART = 1u << 0,
  /* Do not compress this message: for secrets, and for what is compressed already.  The first part decides for all. */
  GW_SEND_UNCOMPRESSED = 1u << 1,
  /* Compress it also below deflate_threshold_bytes.  Not together with GW_SEND_UNCOMPRESSED. */
  GW_SEND_COMPRESSED = 1u << 2
};

/* What both ends have in common.  Every field: 0 is the default, which stands at the end of its comment.  Sizes are inclusive: what
 * has exactly this size passes.  The compression fields are those of RFC 7692 section 7.1. */
typedef struct gw_socket_limits {
  uint32_t struct_size;
  uint32_t max_message_bytes;       /* one received message after inflation, else closed with 1009.  16777216 (16 MiB) */
  uint32_t max_fragments;           /* frames of one received message, else closed with 1008.  131072 */
  uint32_t max_queued_bytes;        /* outgoing; more is refused with GW_ERR_FULL.  16777216 */
  uint32_t high_water_bytes;        /* from here on sends answer GW_QUEUED.  a quarter of max_queued_bytes */
  uint32_t low_water_bytes;         /* below it GW_EVENT_SOCKET_WRITABLE comes.  a quarter of high_water_bytes */
  uint32_t ping_interval_ms;        /* 30000; GW_NEVER: no pings */
  uint32_t pong_timeout_ms;         /* how long a peer may be silent after a ping.  20000 */
  uint32_t close_timeout_ms;        /* for the closing handshake, with what is queued before it.  5000 */
  uint32_t deflate_threshold_bytes; /* messages of fewer bytes are not compressed.  1024 */
  uint32_t deflate_level;           /* zlib level 1 to 9.  6 */
  uint32_t deflate_memory_level;    /* zlib memLevel 1 to 9.  8 */
  uint32_t client_max_window_bits;  /* 9 to 15.  15 */
  uint32_t server_max_window_bits;  /* 9 to 15.  15 */
  uint32_t max_frame_bytes;         /* payload of one received frame, else closed with 1009.  max_message_bytes */
  uint32_t part_bytes;              /* least size of a GW_EVENT_PART; 1: whatever has arrived.  65536 */
  uint32_t max_unread_bytes;        /* received since the last poll; above it reading waits for the next.  What was read with the message
                                       that passed it, up to 256 KiB of frames, still comes.  4194304 */
  uint32_t max_memory_bytes;        /* of one connection: the unfinished message, the outgoing queue and the compression streams
                                       together; else GW_ERR_FULL or closed with 1009.  max_message_bytes + max_queued_bytes */
  uint32_t max_head_bytes;          /* of the peer's HTTP head, 1024 to 1048576.  16384 */
  uint32_t max_header_lines;        /* of the peer's HTTP head, 8 to 4096.  128 */
} gw_socket_limits;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_socket_limits_init(gw_socket_limits *limits);

/* --- client --- */

/* gw_socket_options.flags */
enum {
  GW_SOCKET_PLAINTEXT_PRIVATE = 1u << 0, /* ws:// also to private addresses, .local and .ts.net names */
  GW_SOCKET_PLAINTEXT_ANY = 1u << 1,     /* ws:// to any host: everything can be read on the way */
  GW_SOCKET_NO_DEFLATE = 1u << 3,        /* do not offer permessage-deflate */
  GW_SOCKET_CLIENT_TAKEOVER = 1u << 4,   /* keep our compression window between messages (RFC 7692 section 7.1.1.2) */
  GW_SOCKET_SERVER_TAKEOVER = 1u << 8,   /* let the server keep its own (RFC 7692 section 7.1.1.1) */
  GW_SOCKET_DEFLATE_TAKEOVER = GW_SOCKET_CLIENT_TAKEOVER | GW_SOCKET_SERVER_TAKEOVER,
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
  const gw_trust_options *trust; /* as in gw_client_options */
  const gw_route_options *route; /* NULL: directly over TCP */
  const gw_header *headers; /* added to the upgrade request, Origin and Cookie for example; reserved ones are refused */
  size_t header_count;
  const char *const *subprotocols; /* in the order of preference */
  size_t subprotocol_count;
  const gw_socket_limits *limits; /* NULL: the defaults */
  void *user_data;                /* handed back in every event of this socket; never read */
  uint32_t connect_timeout_ms;    /* name and TCP together.  0: 15000 */
  uint32_t tls_timeout_ms;        /* 0: 15000 */
  uint32_t upgrade_timeout_ms;    /* 0: 15000 */
  /* Redirects (301, 302, 303, 307, 308) to follow, at most 20; 0: none, they are refusals.  Never from wss:// to ws://;
   * pins and plaintext flags hold for the target too.  Authorization, Cookie, Proxy-Authorization and the URL's user and
   * password do not go to another origin, and server_name and resolved addresses (route.h) do not hold there.  A Unix socket
   * is kept to within the origin only; a connection of the host's own cannot be redirected.  The time limits count for each
   * hop anew. */
  uint32_t max_redirects;
} gw_socket_options;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_socket_options_init(gw_socket_options *options);

/* Starts connecting and returns.  GW_EVENT_SOCKET_OPEN follows, or GW_EVENT_SOCKET_CLOSED.  An answer other than 101 is
 * GW_ERR_UPGRADE_REFUSED: code is its status, payload JSON with "status", "headers" ([[name, value], ...]) and "body" (up to 64 KiB).
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_URL, GW_ERR_PLAINTEXT, GW_ERR_PIN_TEXT,
 * GW_ERR_CERTIFICATE (ca_file and those of trust), GW_ERR_FORKED.
 * Threads: any.  Owned: free with gw_socket_free. */
GW_EXPORT gw_status gw_socket_open(gw_context *context, const gw_socket_options *options, gw_socket **out);

/* The id that is the source of this socket's events; 0 for NULL.  Threads: any. */
GW_EXPORT uint64_t gw_socket_id(const gw_socket *socket);

/* Queues a message or a part of one.  data may be NULL when size is 0.  Everything that is sent before the next gw_context_poll or
 * gw_context_flush leaves in one burst, in the order in which it was queued.  A whole message is one frame, and control frames
 * stand between frames (RFC 6455 section 5.4): a Pong waits until what was queued before the peer's ping has left.  Where a peer does not
 * wait that long, send what is large with GW_SEND_PART, and each part when there was room (GW_EVENT_SOCKET_WRITABLE).
 * Statuses: GW_OK, GW_QUEUED (taken; hold back until GW_EVENT_SOCKET_WRITABLE), GW_ERR_ARGUMENT, GW_ERR_FLAGS, GW_ERR_UTF8 (text that is not;
 * nothing was taken), GW_ERR_STATE (not open, or another kind than the parts before), GW_ERR_FULL (nothing was taken), GW_ERR_TOO_BIG (more than
 * max_queued_bytes in one piece), GW_ERR_GONE, GW_ERR_FORKED.
 * Threads: any. */
GW_EXPORT gw_status gw_socket_send(gw_socket *socket, uint32_t kind, const void *data, size_t size, uint32_t flags);

/* Sends a ping with at most 125 bytes (RFC 6455 section 5.5.2); keepalive pings go by themselves.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STATE, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_ping(gw_socket *socket, const void *data, size_t size);

/* Closes politely: what is queued is sent, then a close frame; GW_EVENT_SOCKET_CLOSED follows when the peer has answered, at
 * the latest after close_timeout_ms.  code and reason: as gw_client_close.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_close(gw_socket *socket, uint32_t code, const char *reason);

/* Ends the connection at once: nothing that is queued is sent, no close frame, nobody is waited for.  GW_EVENT_SOCKET_CLOSED follows
 * with GW_ERR_CANCELLED and code 1006.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_abort(gw_socket *socket);

/* Reads nothing more from the peer until gw_socket_resume, so that TCP holds the peer back: for a host that cannot keep up.  What
 * was read before, up to 256 KiB of frames, still comes.  Pings of the peer wait with the rest, and silence is not held against it.
 * gw_socket_close ends the pause.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STATE (not open), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_pause(gw_socket *socket);

/* Reads on after gw_socket_pause.  Statuses and threads: as gw_socket_pause. */
GW_EXPORT gw_status gw_socket_resume(gw_socket *socket);

/* Frees the handle.  An open socket closes politely as long as its context is polled; its remaining events still come.
 * NULL is ignored.  Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_socket_free(gw_socket *socket);

/* Whose close frame was the first (RFC 6455 section 7.1.3). */
enum {
  GW_CLOSE_FIRST_NOBODY = 0, /* there was none yet, or the connection ended without */
  GW_CLOSE_FIRST_LOCAL = 1,
  GW_CLOSE_FIRST_PEER = 2
};

/*
 * phase: GW_PHASE_RESOLVE to GW_PHASE_UPGRADE, GW_PHASE_PROXY, GW_PHASE_READY, GW_PHASE_CLOSING, GW_PHASE_CLOSED (client.h).
 * Messages and their bytes are counted as the hosts see them, uncompressed; wire bytes are those of frames, without HTTP and TLS.
 * The ratio of compression is sent_after_deflate / sent_before_deflate, which count compressed messages only.
 */
typedef struct gw_socket_state {
  uint32_t struct_size;
  uint32_t phase;
  uint64_t queued_bytes;  /* bufferedAmount: not yet taken by the kernel */
  uint64_t round_trip_us; /* last keepalive ping, 0 if none was answered */
  uint32_t deflate;       /* 1 if permessage-deflate was agreed */
  uint32_t tls;           /* 1 if the connection is encrypted */
  uint32_t client_max_window_bits; /* as agreed (RFC 7692 section 7.1), 8 to 15; 0 without deflate, as the three below */
  uint32_t server_max_window_bits;
  uint32_t client_no_context_takeover;
  uint32_t server_no_context_takeover;
  uint32_t close_first;         /* GW_CLOSE_FIRST_... */
  uint32_t close_code_sent;     /* 0: no close frame; 1005: one without a code */
  uint32_t close_code_received; /* likewise */
  uint32_t reserved;
  uint64_t memory_bytes; /* what counts against max_memory_bytes now */
  uint64_t messages_received;
  uint64_t messages_sent;
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t wire_bytes_received;
  uint64_t wire_bytes_sent; /* with what is still queued */
  uint64_t received_before_inflate;
  uint64_t received_after_inflate;
  uint64_t sent_before_deflate;
  uint64_t sent_after_deflate;
  /* How long each phase took; 0 for what it did not need or has not reached, and at a listener. */
  uint64_t resolve_us;
  uint64_t connect_us;
  uint64_t proxy_us;
  uint64_t tls_us;
  uint64_t upgrade_us;
} gw_socket_state;

/* Fills in the present state; of a socket that has ended the last one, with phase GW_PHASE_CLOSED.  out: struct_size must be set.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE (the context was freed), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_socket_get_state(const gw_socket *socket, gw_socket_state *out);

/* As gw_client_get_tls, of a socket. */
GW_EXPORT gw_status gw_socket_get_tls(gw_socket *socket, gw_tls_state *out);

/*
 * --- server ---
 *
 * The opening handshake (RFC 6455 section 4.2) is judged before the host hears of it.  Refused are, with their HTTP status: what is no
 * valid request (400), an Origin that is not allowed (403), another method than GET (405), a request for no upgrade or for
 * another version than 13 (426, with Sec-WebSocket-Version: 13), a head above its limits (431), a connection above the limits (503
 * without TLS; under TLS it is closed at once, for the answer would cost a handshake).
 */

/* gw_listener_options.flags */
enum {
  GW_LISTENER_PLAINTEXT = 1u << 0,        /* no TLS; only for loopback addresses */
  GW_LISTENER_NO_DEFLATE = 1u << 3,       /* do not agree to permessage-deflate */
  GW_LISTENER_CLIENT_TAKEOVER = 1u << 4,  /* let clients keep their compression window between messages */
  GW_LISTENER_SERVER_TAKEOVER = 1u << 8,  /* keep our own, for peers that do not ask against it */
  GW_LISTENER_DEFLATE_TAKEOVER = GW_LISTENER_CLIENT_TAKEOVER | GW_LISTENER_SERVER_TAKEOVER,
  GW_LISTENER_PARTS = 1u << 5,            /* as GW_SOCKET_PARTS */
  GW_LISTENER_CONTROL = 1u << 6,          /* as GW_SOCKET_CONTROL */
  GW_LISTENER_CLIENT_OPTIONAL = 1u << 9,  /* with client_ca_file: let clients in that show no certificate */
  GW_LISTENER_ASK = 1u << 7               /* every upgrade request is GW_EVENT_SOCKET_REQUEST, for the host to decide */
};

typedef struct gw_listener_options {
  uint32_t struct_size;
  uint32_t flags;
  const char *address;          /* literal address.  NULL: 127.0.0.1 */
  const char *certificate_file; /* as in gw_server_options, with the three below */
  const char *key_file;
  const char *key_passphrase;
  const char *client_ca_file;
  const char *const *names;
  size_t name_count;
  /* Allowed Origin values, "https://example.org" for one, compared without case and without the scheme's default port; NULL: any.  A
   * missing Origin is always allowed: only browsers send it (RFC 6455 section 10.2). */
  const char *const *origins;
  size_t origin_count;
  const char *const *subprotocols; /* in the order of preference; without GW_LISTENER_ASK the first that the peer offers is chosen */
  size_t subprotocol_count;
  const gw_socket_limits *limits; /* NULL: the defaults */
  void *user_data;                /* handed back in every event of this listener; never read */
  uint32_t port;                        /* 0: the kernel picks one; see gw_listener_port */
  uint32_t handshake_timeout_ms;        /* TLS, upgrade and the host's decision together (503 without one).  0: 15000 */
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

/* As gw_server_reload_certificate. */
GW_EXPORT gw_status gw_listener_reload_certificate(gw_listener *listener);

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

/* As gw_socket_abort, of one connection. */
GW_EXPORT gw_status gw_listener_abort(gw_listener *listener, uint64_t connection);

/* As gw_socket_pause, of one connection. */
GW_EXPORT gw_status gw_listener_pause(gw_listener *listener, uint64_t connection);

/* As gw_socket_resume, of one connection. */
GW_EXPORT gw_status gw_listener_resume(gw_listener *listener, uint64_t connection);

/* As gw_socket_get_state, of one connection; GW_ERR_GONE once it has ended. */
GW_EXPORT gw_status gw_listener_get_state(const gw_listener *listener, uint64_t connection, gw_socket_state *out);

/* What TLS agreed on with one connection that is open; chain is what the client showed (client_ca_file), empty for nothing.  out:
 * struct_size must be set.  Borrowed: the slices live until the next call of this function with this handle, or gw_listener_free.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_STATE (no TLS, or its handshake is not done), GW_ERR_GONE,
 * GW_ERR_FORKED.  Threads: any, one at a time for one handle. */
GW_EXPORT gw_status gw_listener_get_tls(gw_listener *listener, uint64_t connection, gw_tls_state *out);

/* Sums since the listener was opened.  Messages and bytes as in gw_socket_state. */
typedef struct gw_listener_stats {
  uint32_t struct_size;
  uint32_t connections_now; /* open ones and those in their handshake */
  uint64_t connections;     /* that were opened in all */
  uint64_t refused;         /* that never opened: above a limit, or for what their handshake was */
  uint64_t messages_received;
  uint64_t messages_sent;
  uint64_t bytes_received;
  uint64_t bytes_sent;
  uint64_t wire_bytes_received;
  uint64_t wire_bytes_sent;
} gw_listener_stats;

/* Fills in the sums.  out: struct_size must be set.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_listener_get_stats(const gw_listener *listener, gw_listener_stats *out);

/* Stops listening; answers 503 to who is in the upgrade; sends every connection what is queued for it and a close frame (1001); and
 * ends with GW_EVENT_SERVER_CLOSED when all have answered, at the latest after close_timeout_ms.
 * Statuses: GW_OK, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_listener_stop(gw_listener *listener);

/* Frees the handle; a running listener stops as in gw_listener_stop as long as its context is polled.  NULL is ignored.
 * Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_listener_free(gw_listener *listener);

#ifdef __cplusplus
}
#endif
#endif
