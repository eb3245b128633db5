/* A gateway's events in an event loop of one's own, here epoll with standard input beside the link: the library is one
 * descriptor among others.  The link heals itself; a line on standard input, or its end, ends the program.
 *
 *   cc events.c $(pkg-config --cflags --libs gatewire) -o events
 *   ./events wss://127.0.0.1:18789 PIN
 */
#include <gatewire/gatewire.h>

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static void print(const char *label, gw_slice name, gw_slice text) {
  printf("%s %.*s %.*s\n", label, (int)name.len, (const char *)name.ptr, (int)text.len, (const char *)text.ptr);
  fflush(stdout);
}

static void watch(int loop, int descriptor) {
  struct epoll_event interest = {.events = EPOLLIN, .data.fd = descriptor};
  epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &interest);
}

/* Takes everything that is there; 0 when the client has ended. */
static int drain(gw_context *context) {
  gw_event events[64];
  gw_batch batch;
  gw_batch_init(&batch);
  if (gw_context_poll(context, 0, events, 64, sizeof *events, &batch) < 0) return 0;
  for (uint32_t at = 0; at < batch.count; ++at) {
    const gw_event *event = &events[at];
    switch (event->type) {
    case GW_EVENT_CLIENT_CONNECTED:
      print("connected to", event->name, event->text);
      break;
    case GW_EVENT_GATEWAY_EVENT:
      print("event", event->name, event->payload);
      break;
    case GW_EVENT_CLIENT_DISCONNECTED:
      print("disconnected", event->name, event->text);
      break;
    case GW_EVENT_CLIENT_CLOSED:
      print("closed", event->name, event->text);
      return 0;
    default:
      break;
    }
  }
  return 1; /* what did not fit keeps the descriptor readable */
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: events URL PIN\n");
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
  if (gw_context_new(NULL, &context) != GW_OK || gw_client_open(context, &options, &client) != GW_OK) {
    gw_error error = {.struct_size = sizeof error};
    gw_context_last_error(context, &error);
    fprintf(stderr, "%.*s\n", (int)error.text.len, (const char *)error.text.ptr);
    gw_context_free(context);
    return 1;
  }

  int loop = epoll_create1(EPOLL_CLOEXEC);
  watch(loop, gw_context_fd(context));
  watch(loop, STDIN_FILENO);
  for (int running = 1; running;) {
    struct epoll_event ready[2];
    int count = epoll_wait(loop, ready, 2, -1);
    for (int at = 0; at < count; ++at) {
      if (ready[at].data.fd == STDIN_FILENO) {
        epoll_ctl(loop, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        gw_client_close(client, 0, NULL); /* GW_EVENT_CLIENT_CLOSED follows */
      } else {
        running = drain(context);
      }
    }
  }
  close(loop); /* stop watching, then free */
  gw_client_free(client);
  gw_context_free(context);
  return 0;
}
