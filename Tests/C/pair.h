/* A listener and a socket that is connected to it, in one context, over TLS with the pin unless told otherwise. */
#ifndef GATEWIRE_TEST_PAIR_H
#define GATEWIRE_TEST_PAIR_H

#include "host.h"

typedef struct link_pair {
  host host;
  gw_listener *listener;
  gw_socket *socket;
  uint64_t peer; /* the socket as the listener knows it */
  char url[256], pin[80];
} link_pair;

gw_listener_options listening(void);
gw_socket_options opening(void);

bool listen_on(link_pair *link, gw_listener_options options);

/* Starts connecting to the listener; the options need no url and no pins. */
bool start(link_pair *link, gw_socket_options options);

/* Waits until both ends have opened, in either order; socket_event: the socket's, or NULL. */
bool both_open(link_pair *link, kept_event *socket_event);

/* All of it, with these options. */
bool link_open_with(link_pair *link, gw_listener_options serving, gw_socket_options options);
bool link_open(link_pair *link);
void link_close(link_pair *link);

gw_socket_state socket_state(const link_pair *link);   /* of the socket; all zero if it cannot be asked */
gw_socket_state accepted_state(const link_pair *link); /* of the listener's end */

#endif
