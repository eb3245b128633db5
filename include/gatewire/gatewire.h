/*
 * gatewire: a secure, always-on RPC link to an agent gateway, and a gateway of your own, in one library.
 *
 *   base.h      status codes, slices, the sized-struct rule, version and layout queries
 *   context.h   the context: one file descriptor to watch, one function that does the work and hands out events
 *   event.h     the events and what each field means for each type
 *   route.h     which way leads to the server: proxies, Unix sockets, addresses of your own
 *   trust.h     which servers are believed: pins, CAs, asking; how TLS is spoken
 *   client.h    a gateway connection that heals itself
 *   call.h      calls and answers, and what each connection begins with
 *   observe.h   what a client has done: sums, times, log, flight recorder
 *   socketio.h  a Socket.IO client: namespaces, events, acknowledgements
 *   doctor.h    why a gateway cannot be reached, step by step
 *   server.h    a gateway inside your own process
 *   socket.h    any WebSocket: messages in and out, as client and as server
 *
 * One program in five lines of thought: make a context, open a client in it, call gw_context_poll in a loop,
 * look at the events it fills in, free the client and the context.
 *
 * Promises, each with a test:
 *   - no signal handler, no SIGPIPE, no output, no environment variable read unless a route or a file of identity or tokens asks for
 *     it, no global set-up call;
 *   - no thread unless asked for, except a short-lived one while a host name is looked up (a literal address
 *     needs none);
 *   - every descriptor is close-on-exec; in a forked child every call answers GW_ERR_FORKED;
 *   - no function pointer anywhere in this interface: the library never calls the host;
 *   - each client, server, connection and call ends in exactly one event;
 *   - a call is never sent twice by the library;
 *   - no bytes from a peer and no argument ends the process.  Running out of memory does, therefore every size
 *     is limited and every limit is an option.
 *
 * Threads: every function may be called from any thread.  Functions of one context exclude one another; none
 * but gw_context_poll waits.
 *
 * Ownership: what comes through an out-pointer to a handle is yours and has a matching ..._free.  Everything else is
 * borrowed, and its comment names the end of the loan.  All memory that you pass in is copied before return.
 */
#ifndef GATEWIRE_H
#define GATEWIRE_H

#include "base.h"
#include "context.h"
#include "event.h"
#include "route.h"
#include "trust.h"
#include "client.h"
#include "credentials.h"
#include "call.h"
#include "observe.h"
#include "socketio.h"
#include "doctor.h"
#include "server.h"
#include "socket.h"

#endif
