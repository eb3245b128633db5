/*
 * gatewire/server.h: a gateway inside your own process, speaking the OpenClaw protocol (or GoClaw's dialect of it, see goclaw.h).
 *
 * It sends the challenge, verifies the device signature and the token, says hello, ticks, and answers health,
 * agents.list, sessions.list and chat.send from small built-in data.  Every other method is an event that the host
 * answers by id.
 */
#ifndef GATEWIRE_SERVER_H
#define GATEWIRE_SERVER_H

#include "base.h"
#include "context.h"
#include "goclaw.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gw_server gw_server;

/* gw_server_options.flags */
enum {
  GW_SERVER_PLAINTEXT = 1u << 0,        /* no TLS; only for loopback addresses */
  GW_SERVER_NO_DEFLATE = 1u << 1,       /* do not agree to permessage-deflate */
  GW_SERVER_DEFLATE_TAKEOVER = 1u << 2, /* keep the compression window between messages if the peer does */
  GW_SERVER_NO_BUILTIN = 1u << 3,       /* hand every method to the host */
  GW_SERVER_REQUIRE_DEVICE = 1u << 4,   /* refuse peers without a device identity */
  GW_SERVER_CLIENT_OPTIONAL = 1u << 5   /* with client_ca_file: let clients in that show no certificate */
};

typedef struct gw_server_options {
  uint32_t struct_size;
  uint32_t flags;

  const char *address; /* literal address to listen on.  NULL: 127.0.0.1 */

  /* TLS.  Both NULL: a self-signed certificate for a fresh P-256 key is made, valid for names. */
  const char *certificate_file; /* PEM, leaf first */
  const char *key_file;         /* PEM */
  const char *key_passphrase;   /* of an encrypted key; kept for gw_server_reload_certificate, wiped when freed */
  /* PEM file of the CAs that clients must have a certificate of (RFC 8446 section 4.3.2); NULL: they are not asked for one. */
  const char *client_ca_file;
  const char *const *names;     /* DNS names and addresses for the certificate.  NULL: localhost, 127.0.0.1, ::1 */
  size_t name_count;

  /* What peers must present.  Both NULL: no shared credential is asked for (auth mode "none"). */
  const char *token;
  const char *password;

  const char *version; /* server version in the hello.  NULL: the library's */

  void *user_data; /* handed back in every event of this server; never read */

  uint32_t port;                 /* 0: the kernel picks one; see gw_server_port */
  uint32_t protocol;             /* 0: 4; 3 behaves as the older gateways */
  uint32_t tick_interval_ms;     /* 0: 30000 */
  uint32_t handshake_timeout_ms; /* TLS, upgrade and connect together.  0: 15000 */
  uint32_t close_timeout_ms;     /* 0: 5000 */
  uint32_t request_timeout_ms;   /* for the host to answer a GW_EVENT_PEER_REQUEST.  0: 30000 */
  uint32_t ping_interval_ms;     /* 0: 25000; GW_NEVER: no pings */
  uint32_t pong_timeout_ms;      /* 0: 20000 */
  uint32_t max_connections;      /* 0: 1024 */
  uint32_t max_message_bytes;    /* after hello; 64 KiB before it.  0: 26214400 */
  uint32_t max_queued_bytes;     /* outgoing, per peer; a peer above it is closed as a slow consumer.  0: 52428800 */
  uint32_t max_requests;         /* unanswered, per peer.  0: 1024 */
  uint32_t deflate_threshold_bytes; /* 0: 1024 */
  uint32_t dialect;                 /* GW_DIALECT_OPENCLAW or GW_DIALECT_GOCLAW */
  const gw_goclaw_server_options *goclaw; /* with the latter; may be NULL.  password, protocol, tick_interval_ms, ping_interval_ms,
                                             pong_timeout_ms, permessage-deflate and GW_SERVER_REQUIRE_DEVICE are not of that dialect */
} gw_server_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_server_options_init(gw_server_options *options);

/* Listens; peers can connect as soon as it returns.  Details of a failure in gw_context_last_error.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_PLAINTEXT, GW_ERR_CERTIFICATE, GW_ERR_LISTEN,
 * GW_ERR_SYSTEM, GW_ERR_FORKED.
 * Threads: any.  Owned: free with gw_server_free. */
GW_EXPORT gw_status gw_server_open(gw_context *context, const gw_server_options *options, gw_server **out);

/* The id that is the source of this server's events; 0 for NULL.  Threads: any. */
GW_EXPORT uint64_t gw_server_id(const gw_server *server);

/* The port that it listens on; 0 for NULL or after the end.  Threads: any. */
GW_EXPORT uint32_t gw_server_port(const gw_server *server);

/* which, for gw_server_get_text */
enum {
  GW_SERVER_URL = 1,             /* "wss://127.0.0.1:18789"; GoClaw: with "/ws" */
  GW_SERVER_CERTIFICATE_PIN = 2, /* SHA-256 of the leaf certificate, 64 hex digits: what clients pin */
  GW_SERVER_KEY_PIN = 3,         /* SHA-256 of its SubjectPublicKeyInfo, 64 hex digits */
  GW_SERVER_CERTIFICATE = 4      /* the certificate as PEM */
};

/* Text about the server; empty for what a plaintext server has not.  Borrowed: lives as long as the handle.
 * Statuses: GW_OK, GW_ERR_ARGUMENT.  Threads: any. */
GW_EXPORT gw_status gw_server_get_text(const gw_server *server, uint32_t which, gw_slice *out);

/* Reads certificate_file and key_file again, with client_ca_file, and shows the new certificate to those who connect from now on;
 * connections that are there stay.  gw_server_get_text tells of the new one afterwards; texts that were borrowed before stay valid.  If
 * it fails nothing changes.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_CERTIFICATE, GW_ERR_STATE (the certificate does not come from a file), GW_ERR_GONE,
 * GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_server_reload_certificate(gw_server *server);

/* Answers a request.  payload: JSON, checked and sent verbatim; NULL and 0: no payload member.  final: 0 keeps the request
 * open for a further answer (the first one of an accepted run), else it ends here.
 * Statuses: GW_OK, GW_QUEUED, GW_ERR_ARGUMENT, GW_ERR_JSON_TEXT, GW_ERR_GONE (answered already, timed out, or the peer has
 * left), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_server_reply(gw_server *server, uint64_t request, const void *payload, size_t payload_len,
                                    uint32_t final);

/* Answers a request with an error.  code and message: required, not empty.  details: JSON or NULL and 0.
 * retry_after_ms: 0: the error is not retryable.
 * Statuses: as gw_server_reply.  Threads: any. */
GW_EXPORT gw_status gw_server_reject(gw_server *server, uint64_t request, const char *code, const char *message,
                                     const void *details, size_t details_len, uint32_t retry_after_ms);

/* Sends an event to one peer, or to every connected peer that may see it (connection 0).  payload: JSON or NULL and 0.
 * Statuses: GW_OK, GW_QUEUED, GW_ERR_ARGUMENT, GW_ERR_JSON_TEXT, GW_ERR_GONE (no such peer), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_server_push(gw_server *server, uint64_t connection, const char *event, const void *payload,
                                   size_t payload_len);

/* Closes one peer.  code and reason: as gw_client_close.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_server_disconnect(gw_server *server, uint64_t connection, uint32_t code, const char *reason);

/* Stops listening, sends every peer a shutdown event and a close frame (1012), and ends with GW_EVENT_SERVER_CLOSED.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_server_stop(gw_server *server, const char *reason);

/* Frees the handle; a running server stops as in gw_server_stop as long as its context is polled.  NULL is ignored.
 * Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_server_free(gw_server *server);

#ifdef __cplusplus
}
#endif
#endif
