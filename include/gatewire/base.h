/*
 * gatewire/base.h: what every other header uses.
 *
 * Text in is UTF-8 and ends with NUL.  Bytes in and out, and all text out, are a pointer and a length and need not end
 * with NUL.  Times are milliseconds in a uint32_t whose name ends in _ms: 0 means the default, GW_NEVER no limit.
 *
 * Sized structs.  Every struct that can grow starts with struct_size, which the matching ..._init function sets.  Zero
 * in a field means the default.  Fields are only ever appended.  A struct shorter than the first version, an unknown
 * flag, or a non-zero field that this library does not know is refused, so that an option is never silently ignored.
 */
#ifndef GATEWIRE_BASE_H
#define GATEWIRE_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GW_EXPORT __attribute__((visibility("default")))
#else
#define GW_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define GW_VERSION_MAJOR 0
#define GW_VERSION_MINOR 1
#define GW_VERSION_PATCH 0

/* The number that bindings compare at load time; it moves only when something existing changes its meaning. */
#define GW_ABI_VERSION 0

/* "No limit" for a time, "as large as you like" is never offered for a size. */
#define GW_NEVER UINT32_MAX

/* Bytes or text.  ptr may be NULL when len is 0. */
typedef struct gw_slice {
  const uint8_t *ptr;
  size_t len;
} gw_slice;

/* 0 is good, positive is good with a remark, negative is an error.  Numbers are never changed and never reused. */
typedef int32_t gw_status;

enum {
  GW_OK = 0,
  GW_QUEUED = 1,  /* taken, but the outgoing queue is above its high mark: hold back until GW_EVENT_CLIENT_WRITABLE */
  GW_TIMEOUT = 2, /* gw_context_poll: nothing happened in the time given */

  /* -1xx: the call itself was wrong; nothing was done */
  GW_ERR_ARGUMENT = -100,    /* NULL, empty or out of range where that is not allowed */
  GW_ERR_STRUCT_SIZE = -101, /* struct_size too small, or a non-zero tail that this library does not know */
  GW_ERR_FLAGS = -102,       /* unknown flag */
  GW_ERR_GONE = -103,        /* the id or handle refers to something that has ended */
  GW_ERR_BUSY = -104,        /* another thread is inside gw_context_poll of this context */
  GW_ERR_STATE = -105,       /* not possible in this state, for example a call before the first hello */
  GW_ERR_FORKED = -106,      /* the context was made in another process */
  GW_ERR_URL = -107,         /* not a ws:// or wss:// URL that can be used */
  GW_ERR_PLAINTEXT = -108,   /* ws:// to a host that is not loopback, without permission */
  GW_ERR_PIN_TEXT = -109,    /* not a SHA-256 fingerprint, or a pin together with ws:// */
  GW_ERR_JSON_TEXT = -110,   /* params or payload given by the host is not valid JSON */
  GW_ERR_IDENTITY = -111,    /* the device identity or its tokens could not be read, made or stored */
  GW_ERR_CERTIFICATE = -112, /* certificate, key or CA file could not be read or do not belong together */
  GW_ERR_UNSUPPORTED = -113, /* asked for something that this build does not do */

  /* -2xx: the system or the network */
  GW_ERR_SYSTEM = -200,  /* a system call failed; the text names it */
  GW_ERR_RESOLVE = -201, /* the host name has no address */
  GW_ERR_CONNECT = -202, /* no address could be connected to */
  GW_ERR_CONNECT_TIMEOUT = -203,
  GW_ERR_LISTEN = -204, /* address in use or not ours */
  GW_ERR_LOST = -205,   /* the connection ended, or went silent, without a close frame of the peer's */
  GW_ERR_PROXY = -206,  /* the proxy could not be reached or does not speak as one */
  GW_ERR_PROXY_REFUSED = -207, /* the proxy said no; event code is its HTTP status or SOCKS reply, payload its HTTP answer as JSON */
  GW_ERR_PROXY_TIMEOUT = -208, /* the proxy did not open the tunnel in time */

  /* -3xx: TLS */
  GW_ERR_TLS = -300,         /* the handshake or a record failed */
  GW_ERR_TLS_PIN = -301,     /* the certificate matches none of the pins; payload is JSON, see GW_EVENT_TRUST_REQUEST */
  GW_ERR_TLS_CHAIN = -302,   /* the certificate does not lead to a trusted CA */
  GW_ERR_TLS_NAME = -303,    /* the certificate is for another name */
  GW_ERR_TLS_EXPIRED = -304, /* the certificate is expired or not yet valid */
  GW_ERR_TLS_ALPN = -305,    /* the peer does not speak http/1.1 */
  GW_ERR_TLS_TIMEOUT = -306,
  GW_ERR_TLS_REFUSED = -307, /* the host refused the certificate that GW_EVENT_TRUST_REQUEST showed */

  /* -4xx: the HTTP upgrade (RFC 6455 section 4) */
  GW_ERR_UPGRADE_REFUSED = -400, /* a status other than 101; event code is the status, payload JSON with the answer */
  GW_ERR_UPGRADE_INVALID = -401, /* the answer or request breaks HTTP or RFC 6455 section 4 */
  GW_ERR_UPGRADE_TIMEOUT = -402,

  /* -5xx: WebSocket (RFC 6455, RFC 7692) */
  GW_ERR_PROTOCOL = -500,     /* the peer broke RFC 6455 */
  GW_ERR_UTF8 = -501,         /* text that is not UTF-8 */
  GW_ERR_TOO_BIG = -502,      /* a message above the limit; the text has both numbers */
  GW_ERR_DEFLATE = -503,      /* compressed data that does not inflate */
  GW_ERR_CLOSED = -504,       /* the peer closed; event code is its close code */
  GW_ERR_PONG_TIMEOUT = -505, /* no answer to our ping */

  /* -6xx: the gateway protocol */
  GW_ERR_CHALLENGE_TIMEOUT = -600,
  GW_ERR_CHALLENGE = -601,        /* the challenge has no usable nonce */
  GW_ERR_CONNECT_REJECTED = -602, /* the gateway refused the connect request; name is its detail code */
  GW_ERR_PROTOCOL_RANGE = -603,   /* no common protocol version */
  GW_ERR_HELLO_TIMEOUT = -604,
  GW_ERR_HELLO = -605,        /* the hello is not readable */
  GW_ERR_TICK_TIMEOUT = -606, /* nothing arrived for more than two tick intervals */
  GW_ERR_REJECTED = -607,     /* a call was answered with an error; name is its code */
  GW_ERR_NOT_SENT = -608,     /* a call ended and no byte of it had left the process */
  GW_ERR_OUTCOME_UNKNOWN = -609, /* a call ended after it was sent and before it was answered */
  GW_ERR_CALL_TIMEOUT = -610,    /* the call's time limit passed after it was sent: outcome unknown */
  GW_ERR_JSON = -611,            /* the peer sent something that is not JSON; it was ignored */
  GW_ERR_FRAME = -612,           /* the peer sent JSON that is no frame of the protocol; it was ignored */
  GW_ERR_UNKNOWN_ID = -613,      /* the peer answered a call that was never made; it was ignored */
  GW_ERR_CANCELLED = -614,       /* ended by the host */
  GW_ERR_CREDENTIALS = -615,     /* the host was asked for credentials and gave none in time */

  /* -7xx: Socket.IO */
  GW_ERR_SIO_OPEN = -700,         /* the server's first message was no usable open packet of Engine.IO 4 */
  GW_ERR_SIO_PARSE = -701,        /* the server sent what is no packet */
  GW_ERR_SIO_PING_TIMEOUT = -702, /* the server sent no ping for longer than it said */
  GW_ERR_SIO_REFUSED = -703,      /* the server refused to let us join a namespace; text is its message */
  GW_ERR_SIO_DISCONNECTED = -704, /* the server disconnected a namespace */

  /* -9xx: resources */
  GW_ERR_LIMIT = -900, /* a limit of ours was reached; the text names it and has both numbers */
  GW_ERR_FULL = -901,  /* the outgoing queue is full; nothing was taken */
  GW_ERR_INTERNAL = -999
};

/* Who has to act before it can work. */
enum {
  GW_ACTOR_NONE = 0,     /* nobody: it heals by itself, or it was wanted */
  GW_ACTOR_PROGRAM = 1,  /* the program that uses the library: an option or an argument is wrong */
  GW_ACTOR_USER = 2,     /* a person: a credential, a pin or an approval is needed */
  GW_ACTOR_OPERATOR = 3, /* who runs the gateway */
  GW_ACTOR_NETWORK = 4   /* whoever keeps the network: name, route, proxy */
};

/* Stable identifier of a status, "GW_ERR_TLS_PIN"; "GW_ERR_UNKNOWN" for a number that this library does not know.
 * Static text, ends with NUL.  Threads: any. */
GW_EXPORT const char *gw_status_name(gw_status status);

/* One line that says what a status means.  Static text, ends with NUL.  Threads: any. */
GW_EXPORT const char *gw_status_text(gw_status status);

/* Identifier of an event type, "GW_EVENT_CALL_DONE"; "GW_EVENT_UNKNOWN" for others.  Static text, ends with NUL. */
GW_EXPORT const char *gw_event_type_name(uint32_t type);

/* GW_ABI_VERSION of the library that was loaded.  Threads: any. */
GW_EXPORT uint32_t gw_abi_version(void);

/* "0.1.0".  Static text, ends with NUL. */
GW_EXPORT const char *gw_version(void);

/* Version texts of the TLS and compression libraries in use, "OpenSSL 3.0.19 ...; zlib 1.2.13".  Static text, ends
 * with NUL. */
GW_EXPORT const char *gw_dependencies(void);

/* Numbers of the structs for gw_struct_size. */
enum {
  GW_STRUCT_SLICE = 1,
  GW_STRUCT_EVENT = 2,
  GW_STRUCT_BATCH = 3,
  GW_STRUCT_CONTEXT_OPTIONS = 4,
  GW_STRUCT_ERROR = 5,
  GW_STRUCT_HEADER = 6,
  GW_STRUCT_CLIENT_OPTIONS = 7,
  GW_STRUCT_CALL_OPTIONS = 8,
  GW_STRUCT_CLIENT_STATE = 9,
  GW_STRUCT_SERVER_OPTIONS = 10,
  GW_STRUCT_SOCKET_LIMITS = 11,
  GW_STRUCT_SOCKET_OPTIONS = 12,
  GW_STRUCT_SOCKET_STATE = 13,
  GW_STRUCT_LISTENER_OPTIONS = 14,
  GW_STRUCT_LISTENER_STATS = 15,
  GW_STRUCT_ROUTE_OPTIONS = 16,
  GW_STRUCT_TRUST_OPTIONS = 17,
  GW_STRUCT_TLS_STATE = 18,
  GW_STRUCT_OFFLINE_OPTIONS = 19,
  GW_STRUCT_RESYNC_OPTIONS = 20,
  GW_STRUCT_SYNC_CALL = 21,
  GW_STRUCT_OBSERVE_OPTIONS = 22,
  GW_STRUCT_CLIENT_STATS = 23,
  GW_STRUCT_METHOD_STATS = 24,
  GW_STRUCT_SIO_OPTIONS = 25,
  GW_STRUCT_SIO_JOIN_OPTIONS = 26,
  GW_STRUCT_SIO_EMIT_OPTIONS = 27,
  GW_STRUCT_PERMISSION = 28,
  GW_STRUCT_CREDENTIALS = 29
};

/* Size in bytes of a public struct as the library knows it, 0 for an unknown number.  A binding compares it at load
 * time with its own mirror.  Threads: any. */
GW_EXPORT size_t gw_struct_size(uint32_t which);

/* An HTTP header to send with the upgrade request.  Name and value: UTF-8, NUL-terminated, no CR or LF. */
typedef struct gw_header {
  const char *name;
  const char *value;
} gw_header;

/* Reads a certificate pin: 64 hex digits in any case, with or without colons, with or without a label such as "sha256:".
 * Writes 64 lower-case hex digits and NUL to out.  A pin of another kind (trust.h) is refused, for its digits alone would be taken for a
 * certificate's; gw_pin_read reads all kinds.
 * Statuses: GW_OK, GW_ERR_ARGUMENT (NULL), GW_ERR_PIN_TEXT.  Threads: any. */
GW_EXPORT gw_status gw_pin_normalize(const char *text, char out[65]);

#ifdef __cplusplus
}
#endif
#endif
