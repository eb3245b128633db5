#define _GNU_SOURCE
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint32_t host_takeover = GW_TAKEOVER_NEVER;

void host_read_arguments(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what was said before it */
  if (argc > 1 && strcmp(argv[1], "thread") == 0) host_takeover = GW_TAKEOVER_ALWAYS;
  if (argc > 1 && strcmp(argv[1], "guardian") == 0) host_takeover = 20;
}

int64_t host_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool host_open(host *host) {
  memset(host, 0, sizeof *host);
  gw_context_options options;
  gw_context_options_init(&options);
  options.takeover_ms = host_takeover;
  return gw_context_new(&options, &host->context) == GW_OK;
}

void host_close(host *host) {
  gw_context_free(host->context);
  memset(host, 0, sizeof *host);
}

static void keep(gw_slice *slice, char *memory, size_t size) {
  size_t len = slice->len < size - 1 ? slice->len : size - 1;
  if (len > 0) memcpy(memory, slice->ptr, len);
  memory[len] = 0;
  slice->ptr = (const uint8_t *)memory;
  slice->len = len;
}

void host_keep(const gw_event *event, kept_event *out) {
  out->event = *event;
  keep(&out->event.name, out->name, sizeof out->name);
  keep(&out->event.text, out->text, sizeof out->text);
  keep(&out->event.payload, out->payload, sizeof out->payload);
}

bool host_next(host *host, int32_t timeout_ms, kept_event *out) {
  int64_t end = host_now() + timeout_ms;
  while (host->next >= host->count) {
    int64_t left = end - host_now();
    gw_batch batch;
    gw_batch_init(&batch);
    gw_status status = gw_context_poll(host->context, left > 0 ? (int32_t)left : 0, host->batch,
                                       sizeof host->batch / sizeof *host->batch, sizeof *host->batch, &batch);
    if (status != GW_OK && status != GW_TIMEOUT) {
      printf("# gw_context_poll: %s\n", gw_status_name(status));
      return false;
    }
    host->next = 0;
    host->count = status == GW_OK ? batch.count : 0;
    if (host->count == 0 && left <= 0) return false;
  }
  host_keep(&host->batch[host->next++], out);
  return true;
}

bool host_wait(host *host, uint32_t type, uint64_t source, kept_event *out) {
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (host_now() < end) {
    if (!host_next(host, (int32_t)(end - host_now()), out)) break;
    if (out->event.type == type && (source == 0 || out->event.source == source)) return true;
    bool is_end = out->event.type == GW_EVENT_CLIENT_CLOSED || out->event.type == GW_EVENT_CLIENT_DISCONNECTED;
    if (is_end && out->event.status != GW_OK && (source == 0 || out->event.source == source))
      printf("# passed over %s: %s: %s\n", gw_event_type_name(out->event.type), gw_status_name(out->event.status),
             out->text);
  }
  printf("# waited in vain for %s\n", gw_event_type_name(type));
  return false;
}

gw_client_options host_client_options(const char *url) {
  gw_client_options options;
  gw_client_options_init(&options);
  options.url = url;
  options.flags = GW_CLIENT_NO_RECONNECT;
  options.close_timeout_ms = 200;
  return options;
}

gw_server_options host_server_options(void) {
  gw_server_options options;
  gw_server_options_init(&options);
  options.close_timeout_ms = 200;
  return options;
}

bool host_client_end(host *host, const gw_client_options *options, kept_event *out) {
  gw_client *client = NULL;
  gw_status status = gw_client_open(host->context, options, &client);
  if (status != GW_OK) {
    printf("# gw_client_open: %s\n", gw_status_name(status));
    return false;
  }
  bool ended = host_wait(host, GW_EVENT_CLIENT_CLOSED, gw_client_id(client), out);
  gw_client_free(client);
  return ended;
}
