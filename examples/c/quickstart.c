/* Connects to a gateway, makes one call, prints the answer.
 *
 *   cc quickstart.c $(pkg-config --cflags --libs gatewire) -o quickstart
 *   ./quickstart wss://127.0.0.1:18789 PIN [METHOD]
 */
#include <gatewire/gatewire.h>

#include <stdio.h>

static void print(const char *label, gw_slice text) {
  printf("%s%.*s\n", label, (int)text.len, (const char *)text.ptr);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: quickstart URL PIN [METHOD]\n");
    return 2;
  }
  gw_context *context = NULL;
  if (gw_context_new(NULL, &context) != GW_OK) return 1;

  const char *pins[] = {argv[2]};
  gw_client_options options;
  gw_client_options_init(&options);
  options.url = argv[1];
  options.pins = pins;
  options.pin_count = 1;
  options.flags = GW_CLIENT_NO_RECONNECT; /* a program that stays would leave this out */

  gw_client *client = NULL;
  gw_status status = gw_client_open(context, &options, &client);
  if (status != GW_OK) {
    gw_error error = {.struct_size = sizeof error};
    gw_context_last_error(context, &error);
    fprintf(stderr, "%s: %.*s\n", gw_status_name(status), (int)error.text.len, (const char *)error.text.ptr);
  }

  int result = 1;
  for (int running = status == GW_OK; running;) {
    gw_event events[16];
    gw_batch batch;
    gw_batch_init(&batch);
    status = gw_context_poll(context, -1, events, 16, sizeof *events, &batch);
    if (status < 0) break;
    for (uint32_t at = 0; at < batch.count; ++at) {
      const gw_event *event = &events[at];
      uint64_t call;
      switch (event->type) {
      case GW_EVENT_CLIENT_CONNECTED:
        gw_client_call(client, argc > 3 ? argv[3] : "health", NULL, 0, NULL, &call);
        break;
      case GW_EVENT_CALL_DONE:
        print(event->status == GW_OK ? "" : "rejected: ", event->status == GW_OK ? event->payload : event->text);
        result = event->status != GW_OK;
        gw_client_close(client, 0, NULL);
        break;
      case GW_EVENT_CLIENT_CLOSED:
        if (event->status != GW_OK) print("closed: ", event->text);
        running = 0;
        break;
      default: /* new types will come: ignore what is not known */
        break;
      }
    }
  }
  gw_client_free(client);
  gw_context_free(context);
  return result;
}
