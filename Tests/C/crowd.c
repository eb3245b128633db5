/* Eight threads call every function of the headers at once on one context.  Each thread has objects of its own to open
 * and free, and all of them share one client, gateway, socket and listener. */
#define _GNU_SOURCE
#include "host.h"
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 60 };

static host the;
static gw_server *server;
static gw_client *client;
static gw_listener *listener;
static gw_socket *socket_;
static char server_url[128], listener_url[128];
static atomic_int failed;
/* What events have named last. */
static _Atomic uint64_t last_request, last_peer, last_connection, last_asked;

/* A status that this function never has, whatever the other threads do. */
static void never(gw_status status, const char *function) {
  switch (status) {
  case GW_ERR_ARGUMENT:
  case GW_ERR_STRUCT_SIZE:
  case GW_ERR_FLAGS:
  case GW_ERR_FORKED:
  case GW_ERR_SYSTEM:
  case GW_ERR_JSON_TEXT:
  case GW_ERR_INTERNAL:
    if (failed++ < 5) printf("# %s gave %s\n", function, gw_status_name(status));
    break;
  default:
    break;
  }
}
#define CALL(function, ...) never(function(__VA_ARGS__), #function)

static void open_a_client(void) {
  gw_client *own = NULL;
  uint64_t call = 0;
  gw_client_options options = host_client_options(server_url);
  CALL(gw_client_open, the.context, &options, &own);
  if (gw_client_id(own) == 0) ++failed;
  CALL(gw_client_call, own, "health", NULL, 0, NULL, &call);
  CALL(gw_client_close, own, 0, "done");
  gw_client_free(own);
}

static void use_the_client(void) {
  uint64_t call = 0;
  gw_client_state state = {.struct_size = sizeof state};
  gw_call_options options;
  gw_call_options_init(&options);
  options.timeout_ms = 5;
  CALL(gw_client_call, client, "host.method", "{\"a\":1}", 7, NULL, &call);
  CALL(gw_client_cancel, client, call);
  CALL(gw_client_call, client, "host.method", NULL, 0, &options, &call);
  CALL(gw_client_call, client, "health", NULL, 0, NULL, &call);
  CALL(gw_client_get_state, client, &state);
}

static void use_servers(void) {
  gw_slice text;
  gw_server *own = NULL;
  gw_server_options options = host_server_options();
  options.flags = GW_SERVER_PLAINTEXT;
  CALL(gw_server_open, the.context, &options, &own);
  if (gw_server_id(own) == 0 || gw_server_port(own) == 0) ++failed;
  CALL(gw_server_stop, own, "done");
  gw_server_free(own);
  CALL(gw_server_get_text, server, GW_SERVER_URL, &text);
  CALL(gw_server_reply, server, last_request, "1", 1, 0);
  CALL(gw_server_reply, server, last_request, "2", 1, 1);
  CALL(gw_server_reject, server, last_request, "NO", "no", NULL, 0, 0);
  CALL(gw_server_push, server, 0, "all", "{}", 2);
  CALL(gw_server_push, server, last_peer, "one", NULL, 0);
}

static void use_listeners(void) {
  gw_slice text;
  gw_listener *own = NULL;
  gw_listener_options options;
  gw_socket_state state = {.struct_size = sizeof state};
  gw_listener_options_init(&options);
  options.flags = GW_LISTENER_PLAINTEXT;
  CALL(gw_listener_open, the.context, &options, &own);
  if (gw_listener_id(own) == 0 || gw_listener_port(own) == 0) ++failed;
  CALL(gw_listener_stop, own);
  gw_listener_free(own);
  uint64_t connection = last_connection;
  CALL(gw_listener_get_text, listener, GW_SERVER_URL, &text);
  CALL(gw_listener_accept, listener, last_asked, NULL);
  CALL(gw_listener_reject, listener, last_asked, 403, "no");
  CALL(gw_listener_send, listener, connection, GW_TEXT, "hello", 5, 0);
  CALL(gw_listener_ping, listener, connection, "p", 1);
  CALL(gw_listener_get_state, listener, connection, &state);
}

static void use_sockets(bool ends_a_connection) {
  gw_socket *own = NULL;
  gw_socket_limits limits;
  gw_socket_options options;
  gw_socket_state state = {.struct_size = sizeof state};
  gw_socket_limits_init(&limits);
  limits.close_timeout_ms = 500;
  gw_socket_options_init(&options);
  options.url = listener_url;
  options.limits = &limits;
  CALL(gw_socket_open, the.context, &options, &own);
  if (gw_socket_id(own) == 0) ++failed;
  CALL(gw_socket_send, own, GW_TEXT, "early", 5, 0);
  CALL(gw_socket_close, own, 1000, NULL);
  gw_socket_free(own);
  CALL(gw_socket_send, socket_, GW_BINARY, "\0\1\2", 3, GW_SEND_UNCOMPRESSED);
  CALL(gw_socket_ping, socket_, "p", 1);
  CALL(gw_socket_get_state, socket_, &state);
  if (ends_a_connection) {
    CALL(gw_listener_disconnect, listener, last_connection, 0, "enough");
    CALL(gw_server_disconnect, server, last_peer, 1012, "enough");
  }
}

static void use_the_context(void) {
  gw_event events[32];
  gw_batch batch;
  gw_error error = {.struct_size = sizeof error};
  gw_batch_init(&batch);
  if (gw_context_fd(the.context) < 0) ++failed;
  CALL(gw_context_flush, the.context);
  CALL(gw_context_wake, the.context);
  CALL(gw_context_network_changed, the.context);
  CALL(gw_context_last_error, the.context, &error);
  gw_status status = gw_context_poll(the.context, 1, events, 32, sizeof *events, &batch);
  never(status, "gw_context_poll");
  /* The events are of this thread until another one polls: their numbers are copies, what they point to is not looked at. */
  for (uint32_t at = 0; status == GW_OK && at < batch.count; ++at) {
    const gw_event *event = &events[at];
    switch (event->type) {
    case GW_EVENT_PEER_REQUEST: last_request = event->subject; break;
    case GW_EVENT_PEER_CONNECTED: last_peer = event->connection; break;
    case GW_EVENT_SOCKET_REQUEST: last_asked = event->connection; break;
    case GW_EVENT_SOCKET_OPEN: last_connection = event->connection; break;
    default: break;
    }
  }
}

static void use_what_needs_no_context(void) {
  char pin[65];
  gw_context *own = NULL;
  gw_context_options options;
  gw_context_options_init(&options);
  options.takeover_ms = host_takeover;
  CALL(gw_context_new, &options, &own);
  gw_context_free(own);
  CALL(gw_pin_normalize, "0000000000000000000000000000000000000000000000000000000000000000", pin);
  if (gw_abi_version() != GW_ABI_VERSION || gw_struct_size(GW_STRUCT_EVENT) < sizeof(gw_event)) ++failed;
  if (gw_version() == NULL || gw_dependencies() == NULL || gw_status_text(GW_ERR_GONE) == NULL) ++failed;
  if (gw_event_type_name(GW_EVENT_GAP) == NULL) ++failed;
}

static void *call_everything(void *number) {
  int first = (int)(intptr_t)number;
  for (int round = 0; round < ROUNDS; ++round) {
    /* Each thread begins elsewhere, so that every function meets every other. */
    for (int step = 0; step < 7; ++step) {
      switch ((first + round + step) % 7) {
      case 0: open_a_client(); break;
      case 1: use_the_client(); break;
      case 2: use_servers(); break;
      case 3: use_listeners(); break;
      case 4: use_sockets(first == 0 && round % 8 == 7); break;
      case 5: use_the_context(); break;
      default: use_what_needs_no_context(); break;
      }
    }
  }
  return NULL;
}

static void text_of(gw_slice from, char *to, size_t size) { snprintf(to, size, "%.*s", (int)from.len, (const char *)from.ptr); }

static void threads_call_everything_at_once(void) {
  pthread_t threads[THREADS];
  gw_slice text;
  kept_event event;
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_PLAINTEXT;
  gw_listener_options listening;
  gw_listener_options_init(&listening);
  listening.flags = GW_LISTENER_PLAINTEXT | GW_LISTENER_ASK;
  gw_socket_options opening;
  gw_socket_options_init(&opening);
  REQUIRE(host_open(&the));
  REQUIRE_STATUS(gw_server_open(the.context, &serving, &server), GW_OK);
  REQUIRE_STATUS(gw_listener_open(the.context, &listening, &listener), GW_OK);
  gw_server_get_text(server, GW_SERVER_URL, &text);
  text_of(text, server_url, sizeof server_url);
  gw_listener_get_text(listener, GW_SERVER_URL, &text);
  text_of(text, listener_url, sizeof listener_url);
  gw_client_options connecting = host_client_options(server_url);
  connecting.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  connecting.reconnect_initial_ms = 1;
  opening.url = listener_url;
  REQUIRE_STATUS(gw_client_open(the.context, &connecting, &client), GW_OK);
  REQUIRE_STATUS(gw_socket_open(the.context, &opening, &socket_), GW_OK);
  REQUIRE(host_wait(&the, GW_EVENT_CLIENT_CONNECTED, 0, &event));

  for (int at = 0; at < THREADS; ++at) pthread_create(&threads[at], NULL, call_everything, (void *)(intptr_t)at);
  for (int at = 0; at < THREADS; ++at) pthread_join(threads[at], NULL);
  CHECK(failed == 0);

  /* The context has come through: it still does what it is asked for, and comes to its ends. */
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_OK);
  CHECK(host_wait(&the, GW_EVENT_CLIENT_CLOSED, gw_client_id(client), &event));
  CHECK_STATUS(gw_server_stop(server, NULL), GW_OK);
  CHECK(host_wait(&the, GW_EVENT_SERVER_CLOSED, gw_server_id(server), &event));
  gw_socket_free(socket_);
  gw_client_free(client);
  gw_server_free(server);
  gw_listener_free(listener);
  host_close(&the);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("eight threads call every function at once", threads_call_everything_at_once);
  return test_finish();
}
