#include "pair.h"

#include <stdio.h>
#include <string.h>

static void text_of(gw_slice from, char *to, size_t size) {
  snprintf(to, size, "%.*s", (int)from.len, (const char *)from.ptr);
}

bool listen_on(link_pair *link, gw_listener_options options) {
  gw_slice url, pin;
  memset(link, 0, sizeof *link);
  if (!host_open(&link->host)) return false;
  if (gw_listener_open(link->host.context, &options, &link->listener) != GW_OK) return false;
  gw_listener_get_text(link->listener, GW_SERVER_URL, &url);
  gw_listener_get_text(link->listener, GW_SERVER_CERTIFICATE_PIN, &pin);
  text_of(url, link->url, sizeof link->url);
  text_of(pin, link->pin, sizeof link->pin);
  return true;
}

bool start(link_pair *link, gw_socket_options options) {
  const char *pins[] = {link->pin};
  options.url = link->url;
  if (link->pin[0] != 0) {
    options.pins = pins;
    options.pin_count = 1;
  }
  return gw_socket_open(link->host.context, &options, &link->socket) == GW_OK;
}

gw_listener_options listening(void) {
  gw_listener_options options;
  gw_listener_options_init(&options);
  return options;
}

gw_socket_options opening(void) {
  gw_socket_options options;
  gw_socket_options_init(&options);
  return options;
}

bool both_open(link_pair *link, kept_event *socket_event) {
  kept_event event;
  bool here = false, there = false;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((!here || !there) && host_next(&link->host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type != GW_EVENT_SOCKET_OPEN) continue;
    if (event.event.source == gw_socket_id(link->socket)) {
      here = true;
      if (socket_event != NULL) host_keep(&event.event, socket_event);
    } else {
      there = true;
      link->peer = event.event.connection;
    }
  }
  return here && there;
}

bool link_open_with(link_pair *link, gw_listener_options serving, gw_socket_options options) {
  return listen_on(link, serving) && start(link, options) && both_open(link, NULL);
}

bool link_open(link_pair *link) { return link_open_with(link, listening(), opening()); }

void link_close(link_pair *link) {
  gw_socket_free(link->socket);
  gw_listener_free(link->listener);
  host_close(&link->host);
}

gw_socket_state socket_state(const link_pair *link) {
  gw_socket_state state = {.struct_size = sizeof state};
  if (gw_socket_get_state(link->socket, &state) != GW_OK) memset(&state, 0, sizeof state);
  return state;
}

gw_socket_state accepted_state(const link_pair *link) {
  gw_socket_state state = {.struct_size = sizeof state};
  if (gw_listener_get_state(link->listener, link->peer, &state) != GW_OK) memset(&state, 0, sizeof state);
  return state;
}
