/* The client that a fuzzing server examines: it asks how many cases there are, sends back in each what it gets, and has the
 * report written.
 *
 *   examinee URL AGENT */
#include <gatewire/gatewire.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static gw_context *context;

static void demand(gw_status status, const char *call) {
  if (status >= 0) return;
  fprintf(stderr, "%s: %s\n", call, gw_status_name(status));
  exit(1);
}

static gw_socket *open_socket(const char *url) {
  gw_socket *socket = NULL;
  gw_socket_limits limits;
  gw_socket_options options;
  gw_socket_limits_init(&limits);
  limits.ping_interval_ms = GW_NEVER;
  limits.deflate_threshold_bytes = 1; /* so that every message shows what compression does to it */
  limits.max_queued_bytes = 64u << 20;
  gw_socket_options_init(&options);
  options.url = url;
  options.limits = &limits;
  options.flags = GW_SOCKET_DEFLATE_TAKEOVER;
  demand(gw_socket_open(context, &options, &socket), "gw_socket_open");
  return socket;
}

static void echo(gw_socket *socket, const gw_event *event) {
  gw_status status = gw_socket_send(socket, event->code, event->payload.ptr, event->payload.len, 0);
  /* The case may have ended the connection meanwhile. */
  if (status != GW_ERR_STATE && status != GW_ERR_GONE) demand(status, "gw_socket_send");
}

/* Opens a connection and lives with it to its end.  Its messages are sent back or, with a place for it, read as a number.
 * That it fails is what most cases are about; one that never opened ends the program. */
static void converse(const char *url, unsigned *number) {
  gw_socket *socket = open_socket(url);
  bool opened = false, ended = false;
  while (!ended) {
    gw_event events[64];
    gw_batch batch;
    gw_batch_init(&batch);
    demand(gw_context_poll(context, -1, events, 64, sizeof *events, &batch), "gw_context_poll");
    for (uint32_t at = 0; at < batch.count; ++at) {
      const gw_event *event = &events[at];
      if (event->source != gw_socket_id(socket)) continue;
      if (event->type == GW_EVENT_SOCKET_OPEN) opened = true;
      if (event->type == GW_EVENT_SOCKET_CLOSED) ended = true;
      if (event->type != GW_EVENT_SOCKET_MESSAGE) continue;
      if (number == NULL) {
        echo(socket, event);
      } else {
        char text[16];
        snprintf(text, sizeof text, "%.*s", (int)event->payload.len, (const char *)event->payload.ptr);
        *number = (unsigned)strtoul(text, NULL, 10);
      }
    }
  }
  gw_socket_free(socket);
  if (opened) return;
  fprintf(stderr, "%s: no connection\n", url);
  exit(1);
}

int main(int argc, char **argv) {
  char url[512];
  unsigned count = 0;
  if (argc != 3) {
    fprintf(stderr, "usage: examinee URL AGENT\n");
    return 2;
  }
  demand(gw_context_new(NULL, &context), "gw_context_new");
  snprintf(url, sizeof url, "%s/getCaseCount", argv[1]);
  converse(url, &count);
  for (unsigned number = 1; number <= count; ++number) {
    snprintf(url, sizeof url, "%s/runCase?case=%u&agent=%s", argv[1], number, argv[2]);
    converse(url, NULL);
  }
  snprintf(url, sizeof url, "%s/updateReports?agent=%s", argv[1], argv[2]);
  converse(url, NULL);
  gw_context_free(context);
  return count == 0;
}
