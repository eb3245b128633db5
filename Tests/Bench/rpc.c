/*
 * RPC round trips of one C client against a gateway: how many a second, and how much processor time each takes.
 *
 *   rpc URL [PIN] [--token T] [--window N] [--calls N] [--seconds S] [--method M] [--thread]
 *
 * Keeps `window` calls in flight until `calls` have been answered or `seconds` have passed.  Prints one JSON line.
 * --calls without --seconds gives runs of a fixed length, for counting instructions as the difference of two.
 */
#include <gatewire/gatewire.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fail(gw_context *context, const char *what, gw_status status) {
  gw_error error = {.struct_size = sizeof error};
  gw_context_last_error(context, &error);
  fprintf(stderr, "rpc: %s: %s %.*s\n", what, gw_status_name(status), (int)error.text.len, (const char *)error.text.ptr);
  exit(1);
}

int main(int argc, char **argv) {
  const char *url = NULL, *pin = NULL, *token = NULL, *method = "health";
  unsigned window = 1;
  unsigned long calls = 0;
  double seconds = 0;
  gw_context_options context_options;
  gw_context_options_init(&context_options);
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--token") == 0) token = value, i++;
    else if (strcmp(argv[i], "--window") == 0) window = (unsigned)atoi(value), i++;
    else if (strcmp(argv[i], "--calls") == 0) calls = strtoul(value, NULL, 10), i++;
    else if (strcmp(argv[i], "--seconds") == 0) seconds = atof(value), i++;
    else if (strcmp(argv[i], "--method") == 0) method = value, i++;
    else if (strcmp(argv[i], "--thread") == 0) context_options.takeover_ms = GW_TAKEOVER_ALWAYS;
    else if (!url) url = argv[i];
    else pin = argv[i];
  }
  if (!url || (calls == 0 && seconds == 0)) {
    fprintf(stderr, "usage: rpc URL [PIN] [--token T] [--window N] (--calls N | --seconds S) [--method M] [--thread]\n");
    return 2;
  }

  gw_context *context;
  gw_status status = gw_context_new(&context_options, &context);
  if (status < 0) return 1;
  gw_client_options options;
  gw_client_options_init(&options);
  options.url = url;
  options.token = token;
  options.pins = pin ? &pin : NULL;
  options.pin_count = pin ? 1 : 0;
  gw_client *client;
  status = gw_client_open(context, &options, &client);
  if (status < 0) fail(context, "gw_client_open", status);

  static gw_event events[256];
  gw_batch batch;
  gw_batch_init(&batch);
  unsigned long answered = 0, sent = 0;
  double began = 0, cpu_began = 0, ends = 0;
  int done = 0;
  while (!done) {
    status = gw_context_poll(context, -1, events, 256, sizeof events[0], &batch);
    if (status < 0) fail(context, "gw_context_poll", status);
    unsigned due = 0;
    for (uint32_t i = 0; i < batch.count; i++) {
      const gw_event *event = &events[i];
      if (event->type == GW_EVENT_CLIENT_CONNECTED) {
        due = window;
        began = now();
        cpu_began = cpu();
        ends = seconds > 0 ? began + seconds : 0;
      } else if (event->type == GW_EVENT_CALL_DONE) {
        if (event->status != GW_OK) fail(context, "call", event->status);
        answered++;
        due++;
      } else if (event->type == GW_EVENT_CLIENT_DISCONNECTED || event->type == GW_EVENT_CLIENT_CLOSED) {
        fprintf(stderr, "rpc: %s %.*s\n", gw_status_name(event->status), (int)event->text.len,
                (const char *)event->text.ptr);
        return 1;
      }
    }
    if (ends > 0 && now() >= ends) done = 1;
    for (; due > 0 && !done && (calls == 0 || sent < calls); due--, sent++) {
      uint64_t call;
      status = gw_client_call(client, method, NULL, 0, NULL, &call);
      if (status < 0) fail(context, "gw_client_call", status);
    }
    if (calls > 0 && answered >= calls) done = 1;
  }
  double wall = now() - began, used = cpu() - cpu_began;
  printf("{\"window\":%u,\"calls\":%lu,\"seconds\":%.3f,\"per_second\":%.0f,\"cpu_us_per_call\":%.3f}\n", window, answered,
         wall, (double)answered / wall, used * 1e6 / (double)answered);
  gw_client_free(client);
  gw_context_free(context);
  return 0;
}
