/* The C program of `make demo`: a call, a streamed run to its final answer, events, and a rejected call. */
#include <gatewire/gatewire.h>

#include <stdio.h>
#include <string.h>

static const char RUN[] = "{\"sessionKey\":\"main\",\"message\":\"Hello from C\",\"idempotencyKey\":\"demo-c\"}";

/* What the demo has seen so far; it succeeds when it has seen all of it. */
static struct { int health, accepted, streamed, final, rejected, closed; } seen;

static uint64_t health, run, unknown;

static void print(const char *label, gw_slice text) {
  printf("  C       %-10s %.*s%s\n", label, text.len > 90 ? 90 : (int)text.len, (const char *)text.ptr,
         text.len > 90 ? "..." : "");
}

static int is(gw_slice slice, const char *text) {
  return slice.len == strlen(text) && memcmp(slice.ptr, text, slice.len) == 0;
}

static void call_done(gw_client *client, const gw_event *event) {
  gw_call_options options;
  if (event->subject == health) {
    print("health", event->payload);
    seen.health = event->status == GW_OK;
    gw_call_options_init(&options);
    options.flags = GW_CALL_EXPECT_FINAL;
    gw_client_call(client, "chat.send", RUN, sizeof RUN - 1, &options, &run);
  } else if (event->subject == run) {
    print("final", event->payload);
    seen.final = event->status == GW_OK;
    gw_client_call(client, "no.such.method", "{}", 2, NULL, &unknown);
  } else if (event->subject == unknown) {
    print("rejected", event->text);
    seen.rejected = event->status == GW_ERR_REJECTED;
    gw_client_close(client, 0, NULL);
  }
}

static void handle(gw_client *client, const gw_event *event) {
  gw_client_state state = {.struct_size = sizeof state};
  switch (event->type) {
  case GW_EVENT_CLIENT_CONNECTED:
    gw_client_get_state(client, &state);
    printf("  C       connected  protocol %u, %s, %s\n", event->code, state.tls ? "TLS with pin" : "plaintext",
           state.deflate ? "compressed" : "not compressed");
    gw_client_call(client, "health", NULL, 0, NULL, &health);
    break;
  case GW_EVENT_CALL_ACCEPTED:
    print("accepted", event->payload);
    seen.accepted = 1;
    break;
  case GW_EVENT_GATEWAY_EVENT:
    if (!is(event->name, "chat")) break;
    print("chat", event->payload);
    ++seen.streamed;
    break;
  case GW_EVENT_CALL_DONE:
    call_done(client, event);
    break;
  case GW_EVENT_CLIENT_CLOSED:
    if (event->status != GW_OK) print(gw_status_name(event->status), event->text);
    seen.closed = 1 + (event->status != GW_OK);
    break;
  default:
    break;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: demo URL PIN\n");
    return 2;
  }
  gw_context *context = NULL;
  gw_client *client = NULL;
  gw_client_options options;
  const char *pins[] = {argv[2]};
  gw_client_options_init(&options);
  options.url = argv[1];
  options.pins = pins;
  options.pin_count = 1;
  options.flags = GW_CLIENT_NO_RECONNECT;
  if (gw_context_new(NULL, &context) != GW_OK || gw_client_open(context, &options, &client) != GW_OK) return 1;
  while (!seen.closed) {
    gw_event events[64];
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(context, 20000, events, 64, sizeof *events, &batch) != GW_OK) break;
    for (uint32_t at = 0; at < batch.count; ++at) handle(client, &events[at]);
  }
  gw_client_free(client);
  gw_context_free(context);
  return !(seen.health && seen.accepted && seen.streamed >= 2 && seen.final && seen.rejected && seen.closed == 1);
}
