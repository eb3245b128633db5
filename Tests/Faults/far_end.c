#define _GNU_SOURCE
#include "far_end.h"

#include <stdio.h>
#include <string.h>

static atomic_uchar runs[FAR_END_CALLS];

unsigned far_end_runs(unsigned number) { return number < FAR_END_CALLS ? runs[number] : 0; }

static void came(far_end *end, uint64_t connection) {
  if (end->open_count < FAR_END_CONNECTIONS) end->open[end->open_count++] = connection;
}

/* One that never opened ends too. */
static void went(far_end *end, uint64_t connection) {
  if (connection == end->last_end) ++end->surplus_ends;
  end->last_end = connection;
  for (unsigned at = 0; at < end->open_count; ++at) {
    if (end->open[at] != connection) continue;
    end->open[at] = end->open[end->open_count - 1];
    --end->open_count;
    return;
  }
}

static void run_call(far_end *end, const kept_event *event) {
  unsigned number;
  if (sscanf(event->payload, "{\"number\":%u}", &number) == 1 && number < FAR_END_CALLS) ++runs[number];
  gw_server_reply(end->server, event->event.subject, "{\"done\":true}", 13, 1);
}

static void *keep(void *argument) {
  far_end *end = argument;
  kept_event event = {.event = {.type = 0}};
  /* The end of the server or listener is its last event. */
  do {
    if (!host_next(&end->host, 50, &event)) continue;
    switch (event.event.type) {
    case GW_EVENT_PEER_CONNECTED:
    case GW_EVENT_SOCKET_OPEN:
      came(end, event.event.connection);
      break;
    case GW_EVENT_PEER_DISCONNECTED:
    case GW_EVENT_SOCKET_CLOSED:
      went(end, event.event.connection);
      break;
    case GW_EVENT_PEER_REQUEST:
      run_call(end, &event);
      break;
    case GW_EVENT_SOCKET_MESSAGE:
      gw_listener_send(end->listener, event.event.connection, event.event.code, event.payload, event.event.payload.len,
                       0);
    }
  } while (event.event.type != GW_EVENT_SERVER_CLOSED);
  return NULL;
}

bool far_end_start(far_end *end, bool is_encrypted, bool is_raw) {
  gw_slice pin;
  memset(end, 0, sizeof *end);
  uint32_t takeover = host_takeover;
  host_takeover = GW_TAKEOVER_NEVER; /* the thread polls all the time */
  bool is_open = host_open(&end->host);
  host_takeover = takeover;
  if (!is_open) return false;
  if (is_raw) {
    gw_listener_options options;
    gw_listener_options_init(&options);
    if (!is_encrypted) options.flags |= GW_LISTENER_PLAINTEXT;
    if (gw_listener_open(end->host.context, &options, &end->listener) != GW_OK) return false;
    end->port = gw_listener_port(end->listener);
    gw_listener_get_text(end->listener, GW_SERVER_CERTIFICATE_PIN, &pin);
  } else {
    gw_server_options options = host_server_options();
    if (!is_encrypted) options.flags |= GW_SERVER_PLAINTEXT;
    if (gw_server_open(end->host.context, &options, &end->server) != GW_OK) return false;
    end->port = gw_server_port(end->server);
    gw_server_get_text(end->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  }
  snprintf(end->pin, sizeof end->pin, "%.*s", (int)pin.len, (const char *)pin.ptr);
  return pthread_create(&end->thread, NULL, keep, end) == 0;
}

void far_end_stop(far_end *end) {
  gw_server_free(end->server);
  gw_listener_free(end->listener);
  pthread_join(end->thread, NULL);
  host_close(&end->host);
}
