/*
 * gatewire/event.h: everything that happens, as data.
 *
 * gw_context_poll fills an array of these.  Hosts must ignore types that they do not know: new ones will come.
 *
 * Borrowed: every pointer in an event is valid until the next gw_context_poll of the same context, whatever that returns,
 * or until the context is freed.
 */
#ifndef GATEWIRE_EVENT_H
#define GATEWIRE_EVENT_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Fields that a type does not name are zero.  "Terminal" means: the last event of that thing, exactly one, whatever went
 * wrong.  source is always the id of the client or server, user_data that of its options (of a call: that of the call's).
 */
enum {
  /* --- clients --- */

  /* The gateway said hello; calls can be made.  connection: counts the connections of this client from 1.
   * payload: the hello as JSON, with credentials in it (auth.deviceToken) removed.  code: the protocol version agreed.
   * name: the server version. */
  GW_EVENT_CLIENT_CONNECTED = 1,

  /* An attempt failed or a connection ended, and the library will try again after retry_after_ms, or, with GW_EVENT_PAUSED, when the host
   * says so (gw_client_resume).
   * status, text, actor: why.  connection: as above, 0 for an attempt that never reached hello.
   * code: close code (RFC 6455 section 7.4) or HTTP status.  name: the gateway's detail code, if it gave one.
   * payload: JSON details (refused certificate as in GW_EVENT_TRUST_REQUEST, refused upgrade, error details), or empty. */
  GW_EVENT_CLIENT_DISCONNECTED = 2,

  /* Terminal for a client: it was closed, or the library has stopped trying because trying again cannot help.
   * Fields as in GW_EVENT_CLIENT_DISCONNECTED; status GW_OK after gw_client_close. */
  GW_EVENT_CLIENT_CLOSED = 3,

  /* Something that the peer sent was ignored (GW_ERR_JSON, GW_ERR_FRAME, GW_ERR_UNKNOWN_ID), the grant differs from what was
   * asked (GW_OK, name "scopes"), a device token could not be stored (GW_ERR_IDENTITY, name "token_file"), or events that were held are let
   * go (name "resync"); the connection goes on.  status, text, actor. */
  GW_EVENT_CLIENT_WARNING = 4,

  /* The outgoing queue fell below its low mark after a GW_QUEUED. */
  GW_EVENT_CLIENT_WRITABLE = 5,

  /* The gateway sent an event.  name: its name.  payload: its payload as JSON, verbatim, or empty.
   * sequence: the frame's seq, or GW_NO_SEQUENCE. */
  GW_EVENT_GATEWAY_EVENT = 6,

  /* Events are missing: sequence is the number received, code the number of missing ones (at most UINT32_MAX).  Comes
   * before the event that showed the gap. */
  GW_EVENT_GAP = 7,

  /* A call with GW_CALL_EXPECT_FINAL was accepted; the final answer is still to come.  subject: call id.
   * payload: JSON, verbatim. */
  GW_EVENT_CALL_ACCEPTED = 8,

  /* Terminal for a call.  subject: call id.  status GW_OK: payload is the answer as JSON, verbatim (may be empty).
   * GW_ERR_REJECTED: name is the error code, text the message, payload the whole error object as JSON,
   * retry_after_ms and GW_EVENT_RETRYABLE as the gateway says.  GW_ERR_NOT_SENT, GW_ERR_OUTCOME_UNKNOWN,
   * GW_ERR_CALL_TIMEOUT, GW_ERR_CANCELLED: text says why; name is the idempotency key of a call with GW_CALL_IDEMPOTENT. */
  GW_EVENT_CALL_DONE = 9,

  /* With GW_CLIENT_ASK_CREDENTIALS: the gateway has sent its challenge, and the connect request waits for the host's credentials.  Answer with
   * gw_client_answer_credentials within credentials_timeout_ms, after which the attempt ends with GW_ERR_CREDENTIALS.  subject: the question,
   * which only this attempt asks. */
  GW_EVENT_CREDENTIALS_REQUEST = 10,
  /* What the host knows of the gateway may be stale: fetch it anew (call.h).  Comes after GW_EVENT_CLIENT_CONNECTED of each connection but the
   * first, and after GW_EVENT_GAP.  subject: what gw_client_resynced is told; code: GW_RESYNC_...; sequence: of the last event that the
   * host has, or GW_NO_SEQUENCE. */
  GW_EVENT_RESYNC = 11,

  /* All calls of the initial sync have ended.  payload: a JSON array in their order, each {"method", "ok": true, "payload"} or {"method",
   * "ok": false, "error": {"code", "message", ...}}, code CALL_TIMEOUT where no answer came in time.  code: how many failed. */
  GW_EVENT_SYNCED = 12,

  /* With log_level of gw_observe_options: the client has done something (observe.h).  code: GW_LOG_...; name: "state", "failure" (text: one
   * line), "in", "out" (payload: the beginning of a frame without its secrets; subject: the size of all of it), or "dump" (payload: what
   * the flight recorder holds). */
  GW_EVENT_LOG = 13,

  /* A subscription was made anew on this connection.  subject: its id; user_data: its own.  status GW_OK: payload is the answer as JSON;
   * GW_ERR_REJECTED: fields as in GW_EVENT_CALL_DONE; GW_ERR_CALL_TIMEOUT, GW_ERR_TOO_BIG: text says why.  The subscription stays, whatever
   * became of it here. */
  GW_EVENT_SUBSCRIBED = 16,

  /* --- embedded gateway --- */

  /* A peer passed the handshake.  connection: its id.  payload: JSON with "client", "role", "scopes", "deviceId",
   * "remote", and with client_ca_file "certificate" if one was shown ("subject", "issuer", and the SHA-256 "sha256" and "keySha256");
   * no credential. */
  GW_EVENT_PEER_CONNECTED = 20,

  /* Terminal for a peer that connected (GW_EVENT_PEER_CONNECTED came before), or for one that failed earlier.
   * connection, text, code (close code); status GW_OK after a normal close of the peer (1000 or 1001); name: the detail code
   * that it was refused with, if any. */
  GW_EVENT_PEER_DISCONNECTED = 21,

  /* A peer called a method that is not built in.  Answer with gw_server_reply or gw_server_reject.
   * connection; subject: request id; name: method; payload: params as JSON, verbatim, or empty. */
  GW_EVENT_PEER_REQUEST = 22,

  /* Terminal for a server or a listener: it was stopped and all its connections have ended. */
  GW_EVENT_SERVER_CLOSED = 23,

  /* --- raw WebSocket (socket.h); connection: 0 for a gw_socket, else the id of the listener's connection --- */

  /* With GW_LISTENER_ASK: a peer asks to come in.  Answer with gw_listener_accept or gw_listener_reject.
   * name: the request target (path and query); payload: JSON with "headers" ([[name, value], ...]), "subprotocols", "remote",
   * "certificate" as in GW_EVENT_PEER_CONNECTED. */
  GW_EVENT_SOCKET_REQUEST = 30,

  /* The connection is open.  name: the subprotocol agreed, or empty.  payload: JSON with the peer's "headers" and, at a
   * listener, "target", "remote" and "certificate" (as in GW_EVENT_PEER_CONNECTED), at a gw_socket "redirects" (how many were followed) and "url" (the last one's, without user and
   * password). */
  GW_EVENT_SOCKET_OPEN = 31,

  /* A message, or with GW_EVENT_PART a part of one (GW_SOCKET_PARTS); the last part, which may be empty, comes without the flag.
   * payload: its bytes.  code: GW_TEXT (valid UTF-8, also each part by itself) or GW_BINARY. */
  GW_EVENT_SOCKET_MESSAGE = 32,

  /* With GW_SOCKET_CONTROL or GW_LISTENER_CONTROL: a ping (which was answered) or a pong arrived.  payload: its bytes. */
  GW_EVENT_SOCKET_PING = 33,
  GW_EVENT_SOCKET_PONG = 34,

  /* The outgoing queue fell below its low mark after a GW_QUEUED. */
  GW_EVENT_SOCKET_WRITABLE = 35,

  /* Terminal for a socket or a listener's connection, also for one that never opened.  status GW_OK: the host closed it and the
   * peer answered; GW_ERR_CLOSED: the peer closed it; else what went wrong.  code: the close code received, 1005 for none, 1006
   * for no close frame (RFC 6455 section 7.1.5), or the HTTP status of a refused upgrade.  text: one line; name: the peer's
   * close reason, verbatim; payload: JSON details, or empty.  flags: GW_EVENT_RETRYABLE, GW_EVENT_CLEAN, GW_EVENT_PEER_FIRST.
   * It comes when both close frames are through; TCP is ended after it, by the server first (section 7.1.1), within 2 s. */
  GW_EVENT_SOCKET_CLOSED = 36,

  /* --- doctor (doctor.h) --- */

  /* A step is judged.  subject: GW_DOCTOR_...; name: the same as a word, "tls"; code: how long it took, in microseconds.
   * text: one line for a person, with what to do if it failed.  status, actor: why it failed and who must act; with GW_OK an actor means
   * that it passed with a remark.  flags: GW_EVENT_SKIPPED, GW_EVENT_RETRYABLE.  payload: JSON, or empty: addresses that were
   * tried; TLS version, cipher and certificate; pins seen and wanted; HTTP status and headers (without Set-Cookie), of a refusal with its
   * "body"; protocol, scopes, tick interval; of a refused connect request its details. */
  GW_EVENT_DOCTOR_STEP = 50,

  /* Terminal for a doctor.  status GW_OK: every step passed or was not needed.  Else of the first that failed: name: the step;
   * status, actor, text (without the advice), payload, flags, retry_after_ms.  code: how long all of it took, in microseconds. */
  GW_EVENT_DOCTOR_DONE = 51,

  /* --- clients and sockets, with GW_TRUST_ASK (trust.h) --- */

  /* Inside a TLS handshake: the server would be refused for its certificate.  Answer with gw_trust_answer within answer_timeout_ms, after which the
   * attempt ends with GW_ERR_TLS_TIMEOUT.  subject: id of the question; status, text: why it would be refused; payload: JSON with the SHA-256 of
   * what was shown ("seen": [leaf], "seenKey": [its key], "seenCA": [...], "seenCAKey": [...]), "wanted" (the pins, [] if there are
   * none: a first use), "subject", "issuer", "notBefore", "notAfter" (RFC 3339), "names", "serverName" (which is verified), and "chain" (what the CA
   * check says, "ok" or why not).  That the server has the certificate's key is proved only when the handshake is done: keep what was
   * accepted when the connection is open. */
  GW_EVENT_TRUST_REQUEST = 40,

  /* --- Socket.IO (socketio.h); connection: the id of the namespace; user_data: that of its join --- */

  /* Of GW_EVENT_CLIENT_CONNECTED such a client says that the server's open packet has come: payload is JSON with "pingInterval",
   * "pingTimeout" and "maxPayload" (bytes, 0 if the server does not say), code the protocol version, 5. */

  /* With GW_SIO_ASK_AUTH: the namespace is about to be joined.  Answer with gw_sio_auth within auth_timeout_ms, after which it ends with
   * GW_ERR_CREDENTIALS.  subject: id of the question. */
  GW_EVENT_SIO_AUTH = 60,

  /* The namespace is joined, for the first time or again.  name: our id in it (sid), another one after each reconnect that was not
   * recovered.  flags: GW_EVENT_RECOVERED. */
  GW_EVENT_SIO_JOINED = 61,

  /* The connection under a namespace that was joined has ended; it will be joined again.  name: the reason in the official client's words,
   * "transport close", "transport error", "ping timeout" or "parse error"; status, text, actor, code: why. */
  GW_EVENT_SIO_DISCONNECTED = 62,

  /* Terminal for a namespace.  status GW_OK: it was left or the client was closed (name "io client disconnect").
   * GW_ERR_SIO_DISCONNECTED: by the server (name "io server disconnect").  GW_ERR_SIO_REFUSED: text is the server's message, payload the
   * data that it gave beside it, JSON or empty.  GW_ERR_CREDENTIALS: the host gave no auth object.  Else why the client has ended. */
  GW_EVENT_SIO_LEFT = 63,

  /* An event.  name: its name.  payload: its arguments, a JSON array.  text: an array of gw_slice, the attachments; code: how many.
   * subject: what gw_sio_ack takes, 0 where the server asks for no acknowledgement. */
  GW_EVENT_SIO_EVENT = 64,

  /* Terminal for an event that was emitted with GW_SIO_ACK.  subject: id of the acknowledgement; user_data: that of the emit.  status GW_OK: payload, text
   * and code as in GW_EVENT_SIO_EVENT.  Else text says why: GW_ERR_NOT_SENT (it has certainly not arrived), GW_ERR_OUTCOME_UNKNOWN (the
   * connection ended, or the namespace), GW_ERR_CALL_TIMEOUT, GW_ERR_TOO_BIG, GW_ERR_CANCELLED. */
  GW_EVENT_SIO_ACK = 65
};

/* gw_event.flags */
enum {
  GW_EVENT_RETRYABLE = 1u << 0, /* trying the same again later can help */
  GW_EVENT_PART = 1u << 1,      /* more parts of this message follow */
  GW_EVENT_CLEAN = 1u << 2,     /* both close frames were seen (RFC 6455 section 7.1.4) */
  GW_EVENT_PEER_FIRST = 1u << 3, /* the peer's close frame was the first */
  GW_EVENT_SKIPPED = 1u << 4,   /* the step was not needed, or never reached */
  GW_EVENT_PAUSED = 1u << 5,    /* no further attempt until the host acts */
  GW_EVENT_RECOVERED = 1u << 6  /* the session of before goes on, and no event is missing */
};

/* gw_event.sequence of a frame without seq. */
#define GW_NO_SEQUENCE UINT64_MAX

typedef struct gw_event {
  uint32_t type;
  gw_status status;
  uint64_t source;
  uint64_t connection;
  uint64_t subject;
  uint64_t sequence;
  void *user_data;
  gw_slice name;
  gw_slice payload;
  gw_slice text;
  uint32_t code;
  uint32_t flags;
  uint32_t actor;
  uint32_t retry_after_ms;
} gw_event;

#ifdef __cplusplus
}
#endif
#endif
