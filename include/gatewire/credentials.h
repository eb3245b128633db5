/*
 * gatewire/credentials.h: how a gateway client proves itself, and what happens when it is refused.
 *
 * What is sent.  Of the credentials of gw_client_options, or of those given later:
 *
 *   token                  whenever it is there
 *   password               whenever it is there
 *   device token           device_token if it is there; else the stored one, when there is neither token nor password
 *   bootstrap_token        when there is no other credential, and no device token either
 *
 * The device signs token, else the device token, else bootstrap_token.  Without scopes in the options those are asked for that
 * the stored token was issued with: asking for more would need a new approval.
 *
 * Device tokens.  A gateway issues them to a device, in its hello.  They are stored by gateway (scheme, host and port of
 * gw_client_options.url), device and role, with the scopes that were granted; never shown to the host.  token_file is a file of this library's own: mode
 * 0600, its directory, if it is made, 0700; read at each attempt; replaced as a whole, under a lock (token_file and ".lock"), so
 * that any number of clients and processes can share it.  It may not lie in OpenClaw's own directory ($OPENCLAW_STATE_DIR, else
 * ~/.openclaw), where it would stop OpenClaw from starting: GW_ERR_ARGUMENT.  A file that is no token file is left as it is:
 * GW_ERR_IDENTITY when the client is opened, GW_EVENT_CLIENT_WARNING (GW_ERR_IDENTITY, name "token_file") later, as for one
 * that cannot be written; the client goes on with what it knows.
 *
 * A token that the gateway refuses (AUTH_DEVICE_TOKEN_MISMATCH) is removed.  Where it refuses the shared token, the client tries
 * once more, within 250 ms, with the stored one beside it: once for each hello, and only where the gateway is this machine or a pin alone
 * let it in (GW_TRUST_PIN or GW_TRUST_PIN_AND_CA, without GW_TRUST_ASK).
 *
 * What a refusal leads to.  The event's name is the gateway's detail code, its payload the details as they came (requestId,
 * recommendedNextStep and others):
 *
 *   tried again              codes that are not named here, or none; PAIRING_REQUIRED and AUTH_RATE_LIMITED where the gateway says
 *                            that waiting is enough; never before its retryAfterMs
 *   tried again slowly       AUTH_TOKEN_NOT_CONFIGURED, AUTH_PASSWORD_NOT_CONFIGURED: not before reconnect_max_ms
 *   tried again at times     AUTH_UNAUTHORIZED: paused at the third in a row; DEVICE_AUTH_NONCE_REQUIRED and DEVICE_AUTH_NONCE_MISMATCH: at the
 *                            second
 *   paused                   AUTH_REQUIRED, AUTH_TOKEN_MISSING, AUTH_TOKEN_MISMATCH, AUTH_PASSWORD_MISSING, AUTH_PASSWORD_MISMATCH,
 *                            AUTH_BOOTSTRAP_TOKEN_INVALID, AUTH_DEVICE_TOKEN_MISMATCH, AUTH_SCOPE_MISMATCH, AUTH_RATE_LIMITED,
 *                            AUTH_IDENTITY_HEADER_REQUIRED, AUTH_VERIFIED_USER_REQUIRED, PAIRING_REQUIRED, PAIRING_REJECTED, PAIRING_EXPIRED,
 *                            DEVICE_IDENTITY_REQUIRED, DEVICE_AUTH_INVALID, DEVICE_AUTH_DEVICE_ID_MISMATCH, DEVICE_AUTH_SIGNATURE_INVALID,
 *                            DEVICE_AUTH_PUBLIC_KEY_INVALID, CONTROL_UI_DEVICE_IDENTITY_REQUIRED, CONTROL_UI_ORIGIN_NOT_ALLOWED,
 *                            CONTROL_UI_BUILD_MISMATCH, CLIENT_VERSION_MISMATCH, PROTOCOL_MISMATCH
 *
 * Paused means: somebody must act first, and trying again before would only fail again, or lock this host out.  With GW_CLIENT_PAUSE the
 * client stays, in GW_PHASE_PAUSED, after a GW_EVENT_CLIENT_DISCONNECTED with GW_EVENT_PAUSED, until gw_client_resume (or another
 * network, see gw_context_network_changed) begins a new attempt.  Without it the client ends: GW_EVENT_CLIENT_CLOSED.
 */
#ifndef GATEWIRE_CREDENTIALS_H
#define GATEWIRE_CREDENTIALS_H

#include "base.h"
#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each may be NULL.  What is given replaces all that the client had; stored device tokens stay. */
typedef struct gw_credentials {
  uint32_t struct_size;
  uint32_t reserved;
  const char *token;
  const char *bootstrap_token;
  const char *device_token;
  const char *password;
  const char *approval_runtime_token;
  const char *agent_identity_token;
} gw_credentials;

/* Fills in the defaults: none of them.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_credentials_init(gw_credentials *credentials);

/* Replaces the credentials, from the next attempt on; the present connection and attempt stay.  A paused client needs
 * gw_client_resume, too.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_set_credentials(gw_client *client, const gw_credentials *credentials);

/* Answers a GW_EVENT_CREDENTIALS_REQUEST, whose subject is the question; from then on they are the client's credentials.  NULL: there are
 * none to give now, and the attempt ends with GW_ERR_CREDENTIALS; others follow after the usual delays.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE (it was answered already, or the attempt has ended), GW_ERR_FORKED.
 * Threads: any. */
GW_EXPORT gw_status gw_client_answer_credentials(gw_client *client, uint64_t question, const gw_credentials *credentials);

/* Begins a new attempt now, for a client that is paused or waits for its next one.  It has all that a first attempt has: the
 * delays begin anew, and the stored token may be tried once more.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STATE (it waits for nothing), GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_resume(gw_client *client);

#ifdef __cplusplus
}
#endif
#endif
