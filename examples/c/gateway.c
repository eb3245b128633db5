/* A gateway inside this program, with a method of its own: clock.now.
 *
 *   cc gateway.c $(pkg-config --cflags --libs gatewire) -o gateway
 *   ./gateway
 *   gatewire call wss://127.0.0.1:PORT clock.now --pin PIN
 */
#include <gatewire/gatewire.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t interrupted;

/* The library installs no handler; this one is the program's.  A signal does not end a gw_context_poll, so the loop
 * below polls with a time limit and looks at the flag. */
static void interrupt(int number) {
  (void)number;
  interrupted = 1;
}

static void answer(gw_server *server, const gw_event *request) {
  char payload[64];
  if (request->name.len == 9 && memcmp(request->name.ptr, "clock.now", 9) == 0) {
    int len = snprintf(payload, sizeof payload, "{\"seconds\":%lld}", (long long)time(NULL));
    gw_server_reply(server, request->subject, payload, (size_t)len, 1);
  } else {
    gw_server_reject(server, request->subject, "INVALID_REQUEST", "unknown method", NULL, 0, 0);
  }
}

int main(void) {
  gw_context *context = NULL;
  gw_server *server = NULL;
  gw_server_options options;
  gw_server_options_init(&options);
  if (gw_context_new(NULL, &context) != GW_OK || gw_server_open(context, &options, &server) != GW_OK) {
    gw_error error = {.struct_size = sizeof error};
    gw_context_last_error(context, &error);
    fprintf(stderr, "%.*s\n", (int)error.text.len, (const char *)error.text.ptr);
    gw_context_free(context);
    return 1;
  }
  gw_slice url, pin;
  gw_server_get_text(server, GW_SERVER_URL, &url);
  gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &pin);
  printf("%.*s --pin %.*s\n", (int)url.len, (const char *)url.ptr, (int)pin.len, (const char *)pin.ptr);
  fflush(stdout);

  signal(SIGINT, interrupt);
  signal(SIGTERM, interrupt);
  int stopping = 0;
  for (int running = 1; running;) {
    gw_event events[64];
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(context, 200, events, 64, sizeof *events, &batch) < 0) break;
    for (uint32_t at = 0; at < batch.count; ++at) {
      if (events[at].type == GW_EVENT_PEER_REQUEST) answer(server, &events[at]);
      if (events[at].type == GW_EVENT_SERVER_CLOSED) running = 0;
    }
    if (interrupted && !stopping) {
      stopping = 1;
      gw_server_stop(server, "stopped"); /* GW_EVENT_SERVER_CLOSED follows */
    }
  }
  gw_server_free(server);
  gw_context_free(context);
  return 0;
}
