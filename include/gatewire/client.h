/*
 * gatewire/client.h: a connection to an OpenClaw gateway that heals itself.
 *
 * gw_client_open returns at once.  The library resolves the name, connects, does the TLS handshake with the pins checked
 * inside it, upgrades to WebSocket, answers the gateway's challenge with a signed connect request, and reports
 * GW_EVENT_CLIENT_CONNECTED.  After a loss it tries again with growing, randomly spread delays (full jitter) until
 * gw_client_close, or until an error that trying again cannot mend.
 *
 * What is called on it stands in call.h.
 */
#ifndef GATEWIRE_CLIENT_H
#define GATEWIRE_CLIENT_H

#include "base.h"
#include "call.h"
#include "context.h"
#include "observe.h"
#include "route.h"
#include "socketio.h"
#include "trust.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_client_options.dialect */
enum {
  GW_DIALECT_OPENCLAW = 0,
  GW_DIALECT_SOCKETIO = 3 /* see socketio.h */
};

/* gw_client_options.flags */
enum {
  GW_CLIENT_PLAINTEXT_PRIVATE = 1u << 0, /* ws:// also to private addresses, .local and .ts.net names */
  GW_CLIENT_PLAINTEXT_ANY = 1u << 1,     /* ws:// to any host: credentials can be read on the way */
  GW_CLIENT_NO_RECONNECT = 1u << 2,      /* one connection; its end is the client's end */
  GW_CLIENT_NO_DEFLATE = 1u << 3,        /* do not offer permessage-deflate */
  GW_CLIENT_DEFLATE_TAKEOVER = 1u << 4,  /* keep the compression window between messages (RFC 7692 section 7.1.1) */
  GW_CLIENT_NO_DEVICE = 1u << 5,         /* connect without a device identity; gateways grant no scopes then */
  GW_CLIENT_PAUSE = 1u << 6,             /* where somebody must act first, pause instead of ending (credentials.h) */
  GW_CLIENT_ASK_CREDENTIALS = 1u << 7,   /* ask for credentials at each attempt (credentials.h) */
  GW_CLIENT_NEW_PARAMS = 1u << 8,        /* send members of the connect request that older gateways refuse */
  GW_CLIENT_ANY_NAMES = 1u << 9          /* client_id, client_mode, role and scopes may be others than this library knows */
};

/* What a node may do; one entry of gw_client_options.permissions. */
typedef struct gw_permission {
  const char *name;
  uint32_t granted; /* 1 or 0 */
  uint32_t reserved;
} gw_permission;

typedef struct gw_client_options {
  uint32_t struct_size;
  uint32_t flags;

  const char *url; /* required: ws:// or wss:// */

  /* Further URLs of the same gateway, at most 15, for which all else here holds too.  At each attempt they are dialled after url, in
   * their order, each 250 ms after the one before or at once when one fails (as RFC 8305 section 5 does with addresses).  The
   * first that proves who it is, by pin or by CA and name (ws://: that connects), is used and the others are dropped; only then
   * the first byte of HTTP is sent.  Not together with the addresses, unix_path or descriptor of a route. */
  const char *const *alternates;
  size_t alternate_count;

  /* Trust.  With pins, they alone decide; without, the CA chain and the host name do; trust can say otherwise. */
  const char *const *pins; /* SHA-256 of certificate, key or CA in the forms that trust.h lists; one that matches is enough; wss:// only */
  size_t pin_count;
  const char *ca_file;     /* PEM bundle used in place of the system's */
  const char *server_name; /* sent as SNI and verified, in place of the URL's host */
  const gw_trust_options *trust; /* NULL: as said above */

  /* Credentials, any of which may be NULL; credentials.h says which of them are sent.  Never logged, never part of an event or error,
   * wiped when freed. */
  const char *token;           /* the gateway's shared token */
  const char *bootstrap_token; /* pairs this device once */
  const char *device_token;    /* in place of a stored one */
  const char *password;
  const char *approval_runtime_token; /* gateways of protocol 4 only, see GW_CLIENT_NEW_PARAMS */
  const char *agent_identity_token;   /* likewise; agentRuntimeIdentityToken */

  /* Device identity (Ed25519).  A file of this library's own, made with mode 0600 if it is missing (its directory with
   * 0700); one of OpenClaw's own is read, but none is made in OpenClaw's directory.  NULL: a fresh identity that lives as long as the
   * client; gateways that pair devices will ask anew each time. */
  const char *identity_file;

  /* Keeps the device tokens that gateways issue, see credentials.h.  Needs identity_file.  NULL: they are kept in memory and live as long as
   * the client. */
  const char *token_file;

  /* What the client says of itself in the connect request (openclaw protocol, connect params). */
  const char *client_id;      /* NULL: "gateway-client" */
  const char *client_mode;    /* NULL: "backend" */
  const char *client_version; /* NULL: the library's version */
  const char *display_name;
  const char *platform; /* NULL: "linux" */
  const char *device_family;
  const char *model_identifier;
  const char *build_id;  /* with GW_CLIENT_NEW_PARAMS */
  const char *time_zone; /* with GW_CLIENT_NEW_PARAMS */
  const char *instance_id;
  const char *role; /* NULL: "operator" */
  const char *const *scopes; /* NULL: those that the stored device token was issued with, else operator.read and operator.write */
  size_t scope_count;
  const char *const *caps;
  size_t cap_count;
  const char *const *commands; /* that a node runs */
  size_t command_count;
  const gw_permission *permissions;
  size_t permission_count;
  const char *path_env;
  const char *extra_params; /* a JSON object, whose members are added to the request as they are; with GW_CLIENT_NEW_PARAMS */
  const char *locale;
  const char *user_agent;

  const gw_route_options *route; /* NULL: directly over TCP */

  const gw_header *headers; /* added to the upgrade request; reserved ones are refused */
  size_t header_count;

  void *user_data; /* handed back in every event of this client; never read */

  /* Protocol range offered.  0: 3 to 4. */
  uint32_t min_protocol;
  uint32_t max_protocol;

  /* Time limits, one for each phase. */
  uint32_t connect_timeout_ms;   /* name and TCP together.  0: 15000 */
  uint32_t tls_timeout_ms;       /* 0: 15000 */
  uint32_t upgrade_timeout_ms;   /* 0: 15000 */
  uint32_t challenge_timeout_ms; /* 0: 15000 */
  uint32_t credentials_timeout_ms; /* for the host to answer GW_EVENT_CREDENTIALS_REQUEST.  0: 10000 */
  uint32_t hello_timeout_ms;     /* 0: 15000 */
  uint32_t close_timeout_ms;     /* closing handshake.  0: 5000 */
  uint32_t call_timeout_ms;      /* calls without a limit of their own, see gw_call_options.timeout_ms.  0: 30000 */

  /* Liveness.  The gateway's ticks are always watched; ping is beside it. */
  uint32_t ping_interval_ms; /* 0: 30000; GW_NEVER: no pings */
  uint32_t pong_timeout_ms;  /* 0: 20000 */

  /* Reconnect: a random delay between 0 and a ceiling that doubles from initial to max, reset by each hello. */
  uint32_t reconnect_initial_ms; /* 0: 1000 */
  uint32_t reconnect_max_ms;     /* 0: 30000 */

  /* Limits. */
  uint32_t max_message_bytes; /* one message after inflation.  0: 26214400 (25 MiB) */
  uint32_t max_queued_bytes;  /* outgoing.  0: 16 MiB; the high mark is a quarter of it */
  uint32_t max_calls;         /* calls in flight.  0: 65536 */

  /* Messages of fewer bytes are not compressed.  0: 1024 */
  uint32_t deflate_threshold_bytes;

  uint32_t signature_version; /* of the device's proof: 2 or 3.  0: 3, which also binds platform and device_family */
  uint32_t dialect; /* GW_DIALECT_... */

  /* What each connection begins with, and what happens without one (call.h). */
  const gw_sync_call *sync_calls; /* run after each hello: GW_EVENT_SYNCED has their answers */
  size_t sync_count;              /* at most 32 */
  const gw_offline_options *offline; /* NULL: a call without a connection is refused */
  const gw_resync_options *resync;   /* NULL: no event is held back */

  const gw_observe_options *observe; /* NULL: no log, no flight recorder, no times by method */
  const gw_sio_options *sio; /* with GW_DIALECT_SOCKETIO (socketio.h).  NULL: the defaults */
} gw_client_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_client_options_init(gw_client_options *options);

/* Starts connecting and returns.  Everything that can be known to be wrong without the network is refused here; details in
 * gw_context_last_error.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_FLAGS, GW_ERR_URL, GW_ERR_PLAINTEXT, GW_ERR_PIN_TEXT,
 * GW_ERR_CERTIFICATE (ca_file and those of trust), GW_ERR_IDENTITY, GW_ERR_FORKED.
 * Threads: any.  Owned: free with gw_client_free. */
GW_EXPORT gw_status gw_client_open(gw_context *context, const gw_client_options *options, gw_client **out);

/* The id that is the source of this client's events; 0 for NULL.  Threads: any. */
GW_EXPORT uint64_t gw_client_id(const gw_client *client);

/* Closes politely: calls in flight and calls that wait for a connection end, a close frame is sent (code 1000 to 1014 as RFC 6455
 * section 7.4 allows, or 3000 to 4999; 0: 1000), GW_EVENT_CLIENT_CLOSED follows, at the latest after close_timeout_ms, as long as the context
 * is polled.  reason: at most 123 bytes, may be NULL.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_close(gw_client *client, uint32_t code, const char *reason);

/* Frees the handle.  An open client closes politely as long as its context is polled; its remaining events still come.
 * NULL is ignored.  Never waits; any order with gw_context_free.  Threads: any, also a finalizer's. */
GW_EXPORT void gw_client_free(gw_client *client);

/* Replaces the pins, all at once, for every TLS handshake that begins from now on; the present connection stays.  pins: as in
 * gw_client_options; NULL and 0: none, so that with GW_TRUST_DEFAULT the CA check decides from now on.
 * Statuses: GW_OK, GW_ERR_ARGUMENT (the trust mode needs a pin), GW_ERR_PIN_TEXT (nothing is replaced), GW_ERR_CERTIFICATE (CA certificates are needed
 * now and cannot be loaded), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_set_pins(gw_client *client, const char *const *pins, size_t pin_count);

/* Fills in what TLS agreed on in the present connection.  out: struct_size must be set.  Borrowed: the slices live until the next call of
 * this function with this handle, or gw_client_free.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_STATE (no connection, or one without TLS), GW_ERR_GONE, GW_ERR_FORKED.
 * Threads: any, one at a time for one handle. */
GW_EXPORT gw_status gw_client_get_tls(gw_client *client, gw_tls_state *out);

/* gw_client_state.phase */
enum {
  GW_PHASE_WAITING = 0, /* for the next attempt */
  GW_PHASE_RESOLVE = 1,
  GW_PHASE_CONNECT = 2,
  GW_PHASE_TLS = 3,
  GW_PHASE_UPGRADE = 4,
  GW_PHASE_CHALLENGE = 5, /* also while the host is asked for credentials */
  GW_PHASE_HELLO = 6,
  GW_PHASE_READY = 7,
  GW_PHASE_CLOSING = 8,
  GW_PHASE_CLOSED = 9,
  GW_PHASE_PROXY = 10, /* between GW_PHASE_CONNECT and GW_PHASE_TLS: a proxy opens the tunnel */
  GW_PHASE_PAUSED = 11 /* no attempt until the host acts */
};

typedef struct gw_client_state {
  uint32_t struct_size;
  uint32_t phase;
  uint32_t protocol;        /* agreed version, 0 before the first hello */
  uint32_t next_attempt_ms; /* time until the next attempt in GW_PHASE_WAITING */
  uint64_t connections;     /* hellos so far */
  uint64_t attempts;        /* attempts since the last hello */
  uint64_t calls_in_flight;
  uint64_t queued_bytes;    /* not yet taken by the kernel */
  uint64_t round_trip_us;   /* last ping, 0 if none was answered */
  uint32_t deflate;         /* 1 if permessage-deflate was agreed */
  uint32_t tls;             /* 1 if the connection is encrypted */
  /* How long each phase of this connection, or of the last attempt, took; 0 for what it did not need or has not reached. */
  uint64_t resolve_us;
  uint64_t connect_us;
  uint64_t proxy_us;
  uint64_t tls_us;
  uint64_t upgrade_us;
  uint64_t challenge_us;
  uint64_t hello_us;
  uint32_t endpoint; /* in use or tried: 0 for url, n for alternates[n - 1] */
  uint32_t reserved;
} gw_client_state;

/* Fills in the present state.  out: struct_size must be set.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE.  Threads: any. */
GW_EXPORT gw_status gw_client_get_state(const gw_client *client, gw_client_state *out);

#ifdef __cplusplus
}
#endif
#endif
