/*
 * gatewire/goclaw.h: GoClaw's dialect of the gateway protocol, for gw_client and gw_server.
 *
 * The client speaks first (there is no challenge), names its user, and without a token is paired: an admin approves a code
 * once, and a sender id lets the client in from then on.
 */
#ifndef GATEWIRE_GOCLAW_H
#define GATEWIRE_GOCLAW_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_client_options.dialect and gw_server_options.dialect */
enum {
  GW_DIALECT_GOCLAW = 1,
  /* Clients only: a gateway that sends no challenge within 3 s (or challenge_timeout_ms, if that is shorter) is spoken to in
   * GoClaw's dialect. */
  GW_DIALECT_DETECT = 2
};

/*
 * What a client says of itself in the connect request, beside the token, the password's place being empty, and the locale of
 * gw_client_options.  What only OpenClaw's dialect knows (identity_file, client_..., role, scopes, caps) is not sent.
 *
 * Without a token and without a sender id that the gateway knows, the gateway makes a pairing request: GW_EVENT_PAIRING shows its
 * code, and the client asks every 3 s whether it was approved, for as long as the code lives (60 minutes).  When it expires the client
 * ends with GW_ERR_CONNECT_REJECTED and the name PAIRING_EXPIRED.  A lost connection does not make a new code count, and after
 * three requests the client ends with PAIRING_PENDING rather than fill the gateway's list.
 *
 * A gateway's requests have at most 524288 bytes (GW_ERR_TOO_BIG).  It drops answers that find its queue full, so every call has a time
 * limit: call_timeout_ms, or 600 s for chat.send and with GW_CALL_EXPECT_FINAL.  A connection on which not even a ping came for 65 s has
 * ended (GW_ERR_TICK_TIMEOUT).
 */
typedef struct gw_goclaw_options {
  uint32_t struct_size;
  uint32_t flags; /* 0 */

  const char *user_id;     /* the user for whom the client acts; chat.send needs one */
  const char *sender_id;   /* kept from a GW_EVENT_PAIRING "approved": lets the client in without a token */
  const char *tenant_id;   /* UUID or slug */
  const char *tenant_hint; /* slug, for clients without a token */
} gw_goclaw_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_goclaw_options_init(gw_goclaw_options *options);

/* A key that lets its holder in: with a role, and as the user that it belongs to. */
typedef struct gw_goclaw_key {
  const char *key;     /* goclaw_ and 32 hex digits, by convention */
  const char *scopes;  /* separated by spaces: operator.admin makes an admin; operator.write, operator.approvals or operator.pairing an
                          operator; others a viewer */
  const char *user_id; /* NULL: whom the client names */
} gw_goclaw_key;

/* gw_goclaw_server_options.flags */
enum {
  GW_GOCLAW_NO_PAIRING = 1u << 0,    /* refuse who brings no credential */
  GW_GOCLAW_OWNERSHIP_UNAUTHORIZED = 1u << 1 /* answer for another user's session as release 3.14 does: UNAUTHORIZED, "permission
                                                denied: session", in place of FORBIDDEN, "session does not belong to user" */
};

/*
 * The embedded gateway in this dialect: path /ws, GET /health, ping every 30 s, a read deadline of 60 s that messages and pongs renew,
 * messages of at most 524288 bytes (close 1009), 256 outgoing messages, beyond which they are dropped silently.
 *
 * It lets in, in this order: the gateway token (gw_server_options.token) as admin, or as owner where user_id is one of owner_ids; a
 * key; whoever comes, as operator, if there is no token and it listens on a loopback address; a paired sender as operator.
 * Who brings no token may ask for pairing; else UNAUTHORIZED.
 *
 * Built in: connect, health, status, agents.list, sessions.list, chat.send (an agent that says back what it is told, as
 * "agent" events and then the answer), chat.history, chat.inject, chat.abort, chat.session.status, browser.pairing.status and
 * device.pair.*.  Other methods that the dialect knows are GW_EVENT_PEER_REQUEST once the role allows them.
 */
typedef struct gw_goclaw_server_options {
  uint32_t struct_size;
  uint32_t flags;

  const gw_goclaw_key *keys;
  size_t key_count;
  const char *const *owner_ids; /* NULL: "system" */
  size_t owner_id_count;
  const char *const *allowed_origins; /* exact, or "*"; NULL: every origin.  Others get 403 */
  size_t allowed_origin_count;

  uint32_t calls_per_minute; /* chat.send, for each user, 5 at once.  0: 20; GW_NEVER: no limit */
  uint32_t ping_interval_ms; /* 0: 30000; GW_NEVER: no pings */
  uint32_t read_timeout_ms;  /* 0: 60000; GW_NEVER: none */
  uint32_t max_queued_messages; /* 0: 256 */
} gw_goclaw_server_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_goclaw_server_options_init(gw_goclaw_server_options *options);

#ifdef __cplusplus
}
#endif
#endif
