/*
 * gatewire/doctor.h: why a gateway cannot be reached, or that it can.
 *
 * A doctor is a client that connects once, tells how each step of it went, and leaves:
 *
 *   name       the host name, or the proxy's, is looked up
 *   tcp        a connection to one of the addresses, or to the proxy
 *   proxy      the tunnel
 *   tls        the handshake, with CA and name if there are no pins
 *   pin        the certificate is one of the pinned
 *   upgrade    HTTP becomes WebSocket (RFC 6455 section 4)
 *   challenge  the gateway's first message
 *   auth       the signed connect request and the gateway's hello
 *   tick       the first tick, which shows that what the gateway sends by itself arrives
 *
 * Each is GW_EVENT_DOCTOR_STEP, in this order, also those that are not needed or never reached; GW_EVENT_DOCTOR_DONE is the end.
 */
#ifndef GATEWIRE_DOCTOR_H
#define GATEWIRE_DOCTOR_H

#include "base.h"
#include "client.h"
#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_event.subject of GW_EVENT_DOCTOR_STEP */
enum {
  GW_DOCTOR_NAME = 1,
  GW_DOCTOR_TCP = 2,
  GW_DOCTOR_PROXY = 3,
  GW_DOCTOR_TLS = 4,
  GW_DOCTOR_PIN = 5,
  GW_DOCTOR_UPGRADE = 6,
  GW_DOCTOR_CHALLENGE = 7,
  GW_DOCTOR_AUTH = 8,
  GW_DOCTOR_TICK = 9
};

/* flags */
enum {
  /* Be content with the hello: a tick takes as long as the gateway's interval, 30 s as a rule.  It is waited for one and a half of
   * it, at least a second more than it. */
  GW_DOCTOR_NO_TICK = 1u << 0
};

/* Starts and returns.
 *   options  as for gw_client_open, time limits too; what is about reconnecting, calls and queues is not used;
 *            alternates are refused: each URL is another examination, and so is GW_CLIENT_ASK_CREDENTIALS.  Without identity_file
 *            the gateway sees a device that it does not know, and may ask for an approval that no later client can use.
 *   doctor   set to the id that is the source of its events; user_data is that of the options
 * Statuses: as gw_client_open; GW_ERR_FLAGS for unknown flags.  Threads: any. */
GW_EXPORT gw_status gw_doctor_start(gw_context *context, const gw_client_options *options, uint32_t flags,
                                    uint64_t *doctor);

/* Ends it now: no further step, GW_EVENT_DOCTOR_DONE with GW_ERR_CANCELLED.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE (it has ended already), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_doctor_cancel(gw_context *context, uint64_t doctor);

#ifdef __cplusplus
}
#endif
#endif
