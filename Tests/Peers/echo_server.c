/* A listener that sends every message back as it came.  With --commands a counterpart asks with a text for what it wants to see:
 *
 *   close CODE REASON    closes with this code and reason
 *   ping PAYLOAD         sends this ping, and when it is answered the text "pong PAYLOAD"
 *   parts ONE TWO ...    sends the words as one text message, a frame for each
 *
 *   echo_server [CERTIFICATE KEY] [--commands] [--no-deflate] [--takeover]
 *
 * The first line of its output is the URL; then comes a line for each end.  It runs until it is killed. */
#include <gatewire/gatewire.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gw_context *context;
static gw_listener *listener;
static bool takes_commands;

/* A peer that has gone is no failure of the server; everything else is. */
static void demand(gw_status status, const char *call) {
  if (status >= 0 || status == GW_ERR_GONE || status == GW_ERR_STATE) return;
  fprintf(stderr, "%s: %s\n", call, gw_status_name(status));
  exit(1);
}

static void send_text(uint64_t connection, const char *text, size_t size, uint32_t flags) {
  demand(gw_listener_send(listener, connection, GW_TEXT, text, size, flags), "gw_listener_send");
}

static void send_parts(uint64_t connection, const char *words) {
  const char *space;
  while ((space = strchr(words, ' ')) != NULL) {
    send_text(connection, words, (size_t)(space - words), GW_SEND_PART);
    words = space + 1;
  }
  send_text(connection, words, strlen(words), 0);
}

static void report_pong(uint64_t connection, gw_slice payload) {
  char text[256];
  int size = snprintf(text, sizeof text, "pong %.*s", (int)payload.len, (const char *)payload.ptr);
  send_text(connection, text, (size_t)size, 0);
}

/* Does what a text asks for; false if it is no command. */
static bool obey(uint64_t connection, gw_slice payload) {
  char text[256], *rest;
  if (payload.len >= sizeof text) return false;
  if (payload.len > 0) memcpy(text, payload.ptr, payload.len);
  text[payload.len] = 0;
  if (strncmp(text, "close ", 6) == 0) {
    unsigned long code = strtoul(text + 6, &rest, 10);
    demand(gw_listener_disconnect(listener, connection, (uint32_t)code, *rest ? rest + 1 : NULL), "gw_listener_disconnect");
  } else if (strncmp(text, "ping ", 5) == 0) {
    demand(gw_listener_ping(listener, connection, text + 5, payload.len - 5), "gw_listener_ping");
  } else if (strncmp(text, "parts ", 6) == 0) {
    send_parts(connection, text + 6);
  } else {
    return false;
  }
  return true;
}

static void take(const gw_event *event) {
  switch (event->type) {
  case GW_EVENT_SOCKET_MESSAGE:
    if (takes_commands && event->code == GW_TEXT && obey(event->connection, event->payload)) return;
    demand(gw_listener_send(listener, event->connection, event->code, event->payload.ptr, event->payload.len, 0),
           "gw_listener_send");
    break;
  case GW_EVENT_SOCKET_PONG:
    if (takes_commands) report_pong(event->connection, event->payload);
    break;
  case GW_EVENT_SOCKET_CLOSED:
    printf("closed %s %s %u %.*s\n", gw_status_name(event->status), event->flags & GW_EVENT_CLEAN ? "clean" : "unclean",
           event->code, (int)event->name.len, (const char *)event->name.ptr);
    break;
  default:
    break;
  }
}

int main(int argc, char **argv) {
  gw_socket_limits limits;
  gw_listener_options options;
  gw_slice url;
  setvbuf(stdout, NULL, _IOLBF, 0);
  gw_socket_limits_init(&limits);
  limits.ping_interval_ms = GW_NEVER;
  limits.deflate_threshold_bytes = 1; /* so that every message shows what compression does to it */
  limits.max_queued_bytes = 64u << 20;
  gw_listener_options_init(&options);
  options.limits = &limits;
  options.flags = GW_LISTENER_CONTROL | GW_LISTENER_PLAINTEXT;
  for (int at = 1; at < argc; ++at) {
    if (strcmp(argv[at], "--commands") == 0) {
      takes_commands = true;
    } else if (strcmp(argv[at], "--no-deflate") == 0) {
      options.flags |= GW_LISTENER_NO_DEFLATE;
    } else if (strcmp(argv[at], "--takeover") == 0) {
      options.flags |= GW_LISTENER_DEFLATE_TAKEOVER;
    } else if (at + 1 < argc) {
      options.flags &= ~(uint32_t)GW_LISTENER_PLAINTEXT;
      options.certificate_file = argv[at];
      options.key_file = argv[++at];
    }
  }
  demand(gw_context_new(NULL, &context), "gw_context_new");
  demand(gw_listener_open(context, &options, &listener), "gw_listener_open");
  demand(gw_listener_get_text(listener, GW_SERVER_URL, &url), "gw_listener_get_text");
  printf("%.*s\n", (int)url.len, (const char *)url.ptr);
  for (;;) {
    gw_event events[64];
    gw_batch batch;
    gw_batch_init(&batch);
    demand(gw_context_poll(context, -1, events, 64, sizeof *events, &batch), "gw_context_poll");
    for (uint32_t at = 0; at < batch.count; ++at) take(&events[at]);
  }
}
