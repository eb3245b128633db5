/* Wrong arguments: every function answers with a status and never ends the process. */
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdlib.h>

#define PIN "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
#define LONG_REASON                                                                                                    \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"   \
  "23456789012345"

static host the;

/* A gateway that never answers: clients of it stay as they are. */
static const char *silent_url;

static void say_nothing(peer *peer) { peer_wait_end(peer); }

static void null_is_a_status(void) {
  gw_slice slice;
  gw_client *client = NULL;
  gw_server *server = NULL;
  gw_batch batch;
  gw_event event;
  uint64_t id;
  gw_batch_init(&batch);
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_server_options serving = host_server_options();

  gw_client_options_init(NULL);
  gw_call_options_init(NULL);
  gw_context_options_init(NULL);
  gw_server_options_init(NULL);
  gw_batch_init(NULL);
  gw_client_free(NULL);
  gw_server_free(NULL);
  gw_context_free(NULL);

  CHECK_STATUS(gw_context_new(NULL, NULL), GW_ERR_ARGUMENT);
  CHECK(gw_context_fd(NULL) == -1);
  CHECK_STATUS(gw_context_poll(NULL, 0, &event, 1, sizeof event, &batch), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_poll(the.context, 0, NULL, 1, sizeof event, &batch), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_poll(the.context, 0, &event, 1, sizeof event, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_flush(NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_wake(NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_last_error(NULL, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_context_last_error(the.context, NULL), GW_ERR_ARGUMENT);

  CHECK_STATUS(gw_client_open(NULL, &options, &client), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_open(the.context, NULL, &client), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_open(the.context, &options, NULL), GW_ERR_ARGUMENT);
  CHECK(gw_client_id(NULL) == 0);
  CHECK_STATUS(gw_client_call(NULL, "health", NULL, 0, NULL, &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_cancel(NULL, 1), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_close(NULL, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_get_state(NULL, NULL), GW_ERR_ARGUMENT);

  CHECK_STATUS(gw_server_open(NULL, &serving, &server), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_open(the.context, NULL, &server), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_open(the.context, &serving, NULL), GW_ERR_ARGUMENT);
  CHECK(gw_server_id(NULL) == 0);
  CHECK(gw_server_port(NULL) == 0);
  CHECK_STATUS(gw_server_get_text(NULL, GW_SERVER_URL, &slice), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_reply(NULL, 1, NULL, 0, 1), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_reject(NULL, 1, "A", "b", NULL, 0, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_push(NULL, 0, "a", NULL, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_disconnect(NULL, 1, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_stop(NULL, NULL), GW_ERR_ARGUMENT);
  CHECK(client == NULL && server == NULL);
}

static void context_options_are_sized(void) {
  struct {
    gw_context_options options;
    unsigned char tail[64];
  } larger = {0};
  gw_context *context = NULL;
  gw_context_options_init(&larger.options);

  larger.options.struct_size = 0;
  CHECK_STATUS(gw_context_new(&larger.options, &context), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger.options - 1;
  CHECK_STATUS(gw_context_new(&larger.options, &context), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger;
  larger.tail[63] = 1;
  CHECK_STATUS(gw_context_new(&larger.options, &context), GW_ERR_STRUCT_SIZE);
  larger.tail[63] = 0;
  larger.options.flags = 1u << 31;
  CHECK_STATUS(gw_context_new(&larger.options, &context), GW_ERR_FLAGS);
  larger.options.flags = 0;
  CHECK_STATUS(gw_context_new(&larger.options, &context), GW_OK);
  gw_context_free(context);
}

static void client_options_are_sized(void) {
  struct {
    gw_client_options options;
    unsigned char tail[64];
  } larger = {0};
  gw_client *client = NULL;
  larger.options = host_client_options(silent_url);

  larger.options.struct_size = 0;
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger.options - 1;
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger;
  larger.tail[0] = 1;
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_ERR_STRUCT_SIZE);
  larger.tail[0] = 0;
  larger.options.flags |= 1u << 31;
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_ERR_FLAGS);
  larger.options.flags &= ~(1u << 31);
  larger.options.dialect = 77;
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_ERR_ARGUMENT);
  larger.options.dialect = GW_DIALECT_OPENCLAW;
  CHECK(client == NULL);
  CHECK_STATUS(gw_client_open(the.context, &larger.options, &client), GW_OK);
  gw_client_free(client);
}

static void server_options_are_sized(void) {
  struct {
    gw_server_options options;
    unsigned char tail[64];
  } larger = {0};
  gw_server *server = NULL;
  larger.options = host_server_options();
  larger.options.flags = GW_SERVER_PLAINTEXT;

  larger.options.struct_size = 0;
  CHECK_STATUS(gw_server_open(the.context, &larger.options, &server), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger.options - 1;
  CHECK_STATUS(gw_server_open(the.context, &larger.options, &server), GW_ERR_STRUCT_SIZE);
  larger.options.struct_size = sizeof larger;
  larger.tail[63] = 1;
  CHECK_STATUS(gw_server_open(the.context, &larger.options, &server), GW_ERR_STRUCT_SIZE);
  larger.tail[63] = 0;
  larger.options.flags |= 1u << 31;
  CHECK_STATUS(gw_server_open(the.context, &larger.options, &server), GW_ERR_FLAGS);
  larger.options.flags &= ~(1u << 31);
  larger.options.dialect = 99;
  CHECK(gw_server_open(the.context, &larger.options, &server) < 0);
  larger.options.dialect = GW_DIALECT_OPENCLAW;
  CHECK(server == NULL);
  CHECK_STATUS(gw_server_open(the.context, &larger.options, &server), GW_OK);
  gw_server_free(server);
}

static void outputs_are_sized(void) {
  gw_batch batch;
  gw_event events[2];
  gw_error error = {0};
  gw_batch_init(&batch);
  batch.struct_size = 0;
  CHECK_STATUS(gw_context_poll(the.context, 0, events, 2, sizeof *events, &batch), GW_ERR_STRUCT_SIZE);
  gw_batch_init(&batch);
  CHECK(gw_context_poll(the.context, 0, events, 2, sizeof *events - 1, &batch) < 0);
  CHECK(gw_context_poll(the.context, 0, events, 2, 0, &batch) < 0);
  CHECK_STATUS(gw_context_last_error(the.context, &error), GW_ERR_STRUCT_SIZE);
  error.struct_size = sizeof error;
  CHECK_STATUS(gw_context_last_error(the.context, &error), GW_OK);
}

static void newer_events_may_lie_further_apart(void) {
  struct {
    gw_event event;
    unsigned char newer[40];
  } events[4];
  host other;
  REQUIRE(host_open(&other));
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_client *client = NULL;
  REQUIRE_STATUS(gw_client_open(other.context, &options, &client), GW_OK);
  gw_batch batch;
  gw_batch_init(&batch);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (batch.count == 0 && host_now() < end)
    gw_context_poll(other.context, 1000, &events[0].event, 4, sizeof *events, &batch);
  REQUIRE(batch.count >= 1);
  CHECK(events[0].event.type == GW_EVENT_CLIENT_CLOSED);
  CHECK_STATUS(events[0].event.status, GW_ERR_CONNECT);
  gw_client_free(client);
  host_close(&other);
}

static gw_status opened(gw_client_options options) {
  gw_client *client = NULL;
  gw_status status = gw_client_open(the.context, &options, &client);
  if (status != GW_OK && client != NULL) printf("# a handle came with %s\n", gw_status_name(status));
  gw_client_free(client);
  return status;
}

static void urls_are_strict(void) {
  static const char *const urls[] = {"",
                                     "gateway",
                                     "ftp://127.0.0.1",
                                     "ws://",
                                     "wss://:443",
                                     "ws://127.0.0.1:0",
                                     "ws://127.0.0.1:65536",
                                     "ws://127.0.0.1:x",
                                     "ws://[::1",

                                     "ws://127.0.0.1:-1"};
  for (size_t at = 0; at < sizeof urls / sizeof *urls; ++at) {
    gw_status status = opened(host_client_options(urls[at]));
    if (status != GW_ERR_URL && urls[at][0] != 0) printf("# \"%s\"\n", urls[at]);
    CHECK(status == GW_ERR_URL || (status == GW_ERR_ARGUMENT && urls[at][0] == 0));
  }
  CHECK_STATUS(opened(host_client_options(NULL)), GW_ERR_ARGUMENT);
}

static void plaintext_stays_on_loopback(void) {
  CHECK_STATUS(opened(host_client_options("ws://gateway.example")), GW_ERR_PLAINTEXT);
  CHECK_STATUS(opened(host_client_options("ws://192.0.2.1:18789")), GW_ERR_PLAINTEXT);
  CHECK_STATUS(opened(host_client_options("ws://192.168.1.2")), GW_ERR_PLAINTEXT);
  CHECK_STATUS(opened(host_client_options("ws://0.0.0.0:18789")), GW_ERR_PLAINTEXT);
  CHECK_STATUS(opened(host_client_options("ws://foo.localhost")), GW_ERR_PLAINTEXT);
  CHECK_STATUS(opened(host_client_options("ws://127.0.0.1:1")), GW_OK);
  CHECK_STATUS(opened(host_client_options("ws://[::1]:1")), GW_OK);
  CHECK_STATUS(opened(host_client_options("ws://localhost:1")), GW_OK);

  gw_client_options options = host_client_options("ws://203.0.113.1:1");
  options.flags |= GW_CLIENT_PLAINTEXT_PRIVATE;
  CHECK_STATUS(opened(options), GW_ERR_PLAINTEXT);
  options.url = "ws://gateway.example";
  CHECK_STATUS(opened(options), GW_ERR_PLAINTEXT);
}

static void plaintext_error_says_what_to_do(void) {
  gw_error error = {.struct_size = sizeof error};
  CHECK_STATUS(opened(host_client_options("ws://gateway.example")), GW_ERR_PLAINTEXT);
  REQUIRE_STATUS(gw_context_last_error(the.context, &error), GW_OK);
  CHECK_STATUS(error.status, GW_ERR_PLAINTEXT);
  CHECK(error.actor != GW_ACTOR_NONE);
  CHECK(error.text.len > 0);
}

static void pins_are_checked(void) {
  const char *pins[] = {PIN, "nonsense"};
  gw_client_options options = host_client_options("wss://127.0.0.1:1");
  options.pins = pins;
  options.pin_count = 2;
  CHECK_STATUS(opened(options), GW_ERR_PIN_TEXT);
  options.pin_count = 1;
  options.url = "ws://127.0.0.1:1";
  CHECK_STATUS(opened(options), GW_ERR_PIN_TEXT);
  options.url = "wss://127.0.0.1:1";
  pins[0] = NULL;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
  options.pins = NULL;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
  pins[0] = PIN;
  options.pins = pins;
  CHECK_STATUS(opened(options), GW_OK);
}

static void files_are_checked(void) {
  gw_client_options options = host_client_options("wss://127.0.0.1:1");
  options.ca_file = "/nonexistent/ca.pem";
  CHECK_STATUS(opened(options), GW_ERR_CERTIFICATE);
  options.ca_file = "/dev/null";
  CHECK_STATUS(opened(options), GW_ERR_CERTIFICATE);
  options.ca_file = NULL;
  options.identity_file = "/proc/nonexistent/identity";
  CHECK_STATUS(opened(options), GW_ERR_IDENTITY);
  options.identity_file = "/dev/null/identity";
  CHECK_STATUS(opened(options), GW_ERR_IDENTITY);
}

static void client_lists_are_checked(void) {
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  const char *none[] = {NULL};
  options.scope_count = 1;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
  options.scopes = none;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
  options.scopes = NULL;
  options.scope_count = 0;
  options.cap_count = 1;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
  options.cap_count = 0;

  static const gw_header headers[] = {
      {NULL, "v"},         {"X-A", NULL},           {"", "v"},        {"X A", "v"},        {"X-A", "v\r\nX-B: w"},
      {"X-A\r\nX-B", "v"}, {"Host", "v"},           {"Upgrade", "v"}, {"Connection", "v"}, {"Sec-WebSocket-Key", "v"},
      {"X-A", "v\nw"},     {"Content-Length", "1"},
  };
  for (size_t at = 0; at < sizeof headers / sizeof *headers; ++at) {
    options.headers = &headers[at];
    options.header_count = 1;
    gw_status status = opened(options);
    if (status != GW_ERR_ARGUMENT) printf("# header %s\n", headers[at].name ? headers[at].name : "NULL");
    CHECK_STATUS(status, GW_ERR_ARGUMENT);
  }
  options.headers = NULL;
  CHECK_STATUS(opened(options), GW_ERR_ARGUMENT);
}

static void protocol_range_is_checked(void) {
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  options.min_protocol = 4;
  options.max_protocol = 3;
  CHECK(opened(options) < 0);
}

static void calls_before_the_hello_are_refused(void) {
  gw_client_options options = host_client_options(silent_url);
  gw_client *client = NULL;
  uint64_t call = 0;
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);
  CHECK(gw_client_id(client) != 0);
  CHECK_STATUS(gw_client_call(client, "health", NULL, 0, NULL, &call), GW_ERR_STATE);
  CHECK_STATUS(gw_client_call(client, NULL, NULL, 0, NULL, &call), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_call(client, "", NULL, 0, NULL, &call), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_call(client, "health", NULL, 2, NULL, &call), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_call(client, "health", NULL, 0, NULL, NULL), GW_ERR_ARGUMENT);

  gw_call_options calling;
  gw_call_options_init(&calling);
  calling.struct_size = 4;
  CHECK_STATUS(gw_client_call(client, "health", NULL, 0, &calling, &call), GW_ERR_STRUCT_SIZE);
  gw_call_options_init(&calling);
  calling.flags = 1u << 31;
  CHECK_STATUS(gw_client_call(client, "health", NULL, 0, &calling, &call), GW_ERR_FLAGS);

  gw_client_state state = {0};
  CHECK_STATUS(gw_client_get_state(client, &state), GW_ERR_STRUCT_SIZE);
  CHECK_STATUS(gw_client_get_state(client, NULL), GW_ERR_ARGUMENT);
  state.struct_size = sizeof state;
  CHECK_STATUS(gw_client_get_state(client, &state), GW_OK);
  CHECK(state.connections == 0 && state.calls_in_flight == 0 && state.phase <= GW_PHASE_CLOSED);
  gw_client_free(client);
}

static void ids_that_never_were_are_gone(void) {
  gw_client_options options = host_client_options(silent_url);
  gw_server_options serving = host_server_options();
  gw_client *client = NULL;
  gw_server *server = NULL;
  serving.flags = GW_SERVER_PLAINTEXT;
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);
  REQUIRE_STATUS(gw_server_open(the.context, &serving, &server), GW_OK);
  static const uint64_t ids[] = {1, 0x100000001, 0xffffffff, UINT64_MAX};
  for (size_t at = 0; at < sizeof ids / sizeof *ids; ++at) {
    CHECK_STATUS(gw_client_cancel(client, ids[at]), GW_ERR_GONE);
    CHECK_STATUS(gw_server_reply(server, ids[at], "{}", 2, 1), GW_ERR_GONE);
    CHECK_STATUS(gw_server_reject(server, ids[at], "A", "b", NULL, 0, 0), GW_ERR_GONE);
    CHECK_STATUS(gw_server_push(server, ids[at], "a", "{}", 2), GW_ERR_GONE);
    CHECK_STATUS(gw_server_disconnect(server, ids[at], 0, NULL), GW_ERR_GONE);
  }
  CHECK(gw_client_cancel(client, 0) < 0);
  CHECK(gw_server_reply(server, 0, NULL, 0, 1) < 0);
  CHECK(gw_server_disconnect(server, 0, 0, NULL) < 0);
  gw_client_free(client);
  gw_server_free(server);
}

static void close_codes_are_checked(void) {
  static const uint32_t codes[] = {1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65536, UINT32_MAX};
  gw_client_options options = host_client_options(silent_url);
  gw_server_options serving = host_server_options();
  gw_client *client = NULL;
  gw_server *server = NULL;
  serving.flags = GW_SERVER_PLAINTEXT;
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);
  REQUIRE_STATUS(gw_server_open(the.context, &serving, &server), GW_OK);
  for (size_t at = 0; at < sizeof codes / sizeof *codes; ++at) {
    CHECK_STATUS(gw_client_close(client, codes[at], NULL), GW_ERR_ARGUMENT);
    CHECK(gw_server_disconnect(server, 1, codes[at], NULL) < 0);
  }
  CHECK_STATUS(gw_client_close(client, 1000, LONG_REASON), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_close(client, 1000, "\xff"), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_close(client, 4999, "done"), GW_OK);
  gw_client_free(client);
  gw_server_free(server);
}

static gw_status served(gw_server_options options) {
  gw_server *server = NULL;
  gw_status status = gw_server_open(the.context, &options, &server);
  if (status != GW_OK && server != NULL) printf("# a handle came with %s\n", gw_status_name(status));
  gw_server_free(server);
  return status;
}

static void server_options_are_checked(void) {
  gw_server_options options = host_server_options();
  options.flags = GW_SERVER_PLAINTEXT;
  options.address = "0.0.0.0";
  CHECK_STATUS(served(options), GW_ERR_PLAINTEXT);
  options.address = "no address";
  CHECK(served(options) < 0);
  options.address = "203.0.113.7";
  options.flags = 0;
  CHECK_STATUS(served(options), GW_ERR_LISTEN);
  options.address = NULL;
  options.port = 65536;
  CHECK_STATUS(served(options), GW_ERR_ARGUMENT);
  options.port = 0;
  options.protocol = 77;
  CHECK(served(options) < 0);
  options.protocol = 0;
  options.certificate_file = "/nonexistent/certificate.pem";
  CHECK(served(options) < 0);
  options.key_file = "/nonexistent/key.pem";
  CHECK_STATUS(served(options), GW_ERR_CERTIFICATE);
  options.certificate_file = "/dev/null";
  options.key_file = "/dev/null";
  CHECK_STATUS(served(options), GW_ERR_CERTIFICATE);
  options.certificate_file = NULL;
  options.key_file = NULL;
  const char *none[] = {NULL};
  options.name_count = 1;
  CHECK_STATUS(served(options), GW_ERR_ARGUMENT);
  options.names = none;
  CHECK_STATUS(served(options), GW_ERR_ARGUMENT);
}

static void server_calls_are_checked(void) {
  gw_server_options options = host_server_options();
  gw_server *server = NULL;
  gw_slice slice;
  options.flags = GW_SERVER_PLAINTEXT;
  REQUIRE_STATUS(gw_server_open(the.context, &options, &server), GW_OK);
  CHECK_STATUS(gw_server_get_text(server, GW_SERVER_URL, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_get_text(server, 0, &slice), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_get_text(server, 99, &slice), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &slice), GW_OK);
  CHECK(slice.len == 0);
  CHECK_STATUS(gw_server_push(server, 0, NULL, NULL, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_push(server, 0, "", NULL, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_push(server, 0, "a", NULL, 3), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_server_push(server, 0, "a", "{", 1), GW_ERR_JSON_TEXT);
  CHECK_STATUS(gw_server_push(server, 0, "a", "{}x", 3), GW_ERR_JSON_TEXT);
  CHECK_STATUS(gw_server_push(server, 0, "a", "{}", 2), GW_OK);
  CHECK(gw_server_reject(server, 1, NULL, "b", NULL, 0, 0) < 0);
  CHECK(gw_server_reject(server, 1, "", "b", NULL, 0, 0) < 0);
  CHECK(gw_server_reject(server, 1, "A", NULL, NULL, 0, 0) < 0);
  gw_server_free(server);
}

static void a_port_in_use_is_reported(void) {
  gw_server_options options = host_server_options();
  gw_server *server = NULL;
  options.flags = GW_SERVER_PLAINTEXT;
  REQUIRE_STATUS(gw_server_open(the.context, &options, &server), GW_OK);
  options.port = gw_server_port(server);
  CHECK(options.port > 0);
  CHECK_STATUS(served(options), GW_ERR_LISTEN);
  gw_server_free(server);
}

static void handles_may_outlive_their_context(void) {
  host other;
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_server_options serving = host_server_options();
  gw_client *client = NULL;
  gw_server *server = NULL;
  uint64_t call;
  gw_client_state state = {.struct_size = sizeof state};
  serving.flags = GW_SERVER_PLAINTEXT;
  REQUIRE(host_open(&other));
  REQUIRE_STATUS(gw_client_open(other.context, &options, &client), GW_OK);
  REQUIRE_STATUS(gw_server_open(other.context, &serving, &server), GW_OK);
  host_close(&other);
  CHECK_STATUS(gw_client_call(client, "health", NULL, 0, NULL, &call), GW_ERR_GONE);
  CHECK_STATUS(gw_client_cancel(client, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_ERR_GONE);
  CHECK_STATUS(gw_client_get_state(client, &state), GW_ERR_GONE);
  CHECK_STATUS(gw_server_push(server, 0, "a", NULL, 0), GW_ERR_GONE);
  CHECK_STATUS(gw_server_reply(server, 1, NULL, 0, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_server_reject(server, 1, "A", "b", NULL, 0, 0), GW_ERR_GONE);
  CHECK_STATUS(gw_server_disconnect(server, 1, 0, NULL), GW_ERR_GONE);
  CHECK_STATUS(gw_server_stop(server, NULL), GW_ERR_GONE);
  CHECK(gw_server_port(server) == 0);
  gw_client_free(client);
  gw_server_free(server);
}

static void closed_handles_answer(void) {
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_client *client = NULL;
  kept_event event;
  uint64_t call;
  gw_client_state state = {.struct_size = sizeof state};
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&the, GW_EVENT_CLIENT_CLOSED, gw_client_id(client), &event));
  CHECK_STATUS(event.event.status, GW_ERR_CONNECT);
  gw_status status = gw_client_call(client, "health", NULL, 0, NULL, &call);
  CHECK(status == GW_ERR_GONE || status == GW_ERR_STATE);
  CHECK_STATUS(gw_client_cancel(client, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_ERR_GONE);
  status = gw_client_get_state(client, &state);
  CHECK(status == GW_ERR_GONE || (status == GW_OK && state.phase == GW_PHASE_CLOSED));
  gw_client_free(client);
}

static void a_thousand_contexts_come_and_go(void) {
  for (int round = 0; round < 1000; ++round) {
    gw_context *context = NULL;
    REQUIRE_STATUS(gw_context_new(NULL, &context), GW_OK);
    CHECK(gw_context_fd(context) >= 0);
    gw_context_free(context);
  }
}

static void wake_ends_a_poll(void) {
  host other;
  gw_batch batch;
  gw_event event;
  REQUIRE(host_open(&other));
  gw_batch_init(&batch);
  CHECK_STATUS(gw_context_poll(other.context, 0, &event, 1, sizeof event, &batch), GW_TIMEOUT);
  CHECK_STATUS(gw_context_wake(other.context), GW_OK);
  CHECK_STATUS(gw_context_poll(other.context, HOST_DEADLINE_MS, &event, 1, sizeof event, &batch), GW_OK);
  CHECK(batch.count == 0);
  CHECK_STATUS(gw_context_poll(other.context, 1, &event, 1, sizeof event, &batch), GW_TIMEOUT);
  host_close(&other);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  if (!host_open(&the)) return 99;
  peer_server *silent = peer_listen(say_nothing, NULL, 100);
  silent_url = peer_url(silent);
  RUN("NULL is a status in every function", null_is_a_status);
  RUN("context options: short, larger, unknown flag", context_options_are_sized);
  RUN("client options: short, larger, unknown flag", client_options_are_sized);
  RUN("server options: short, larger, unknown flag", server_options_are_sized);
  RUN("structs that are filled in must say their size", outputs_are_sized);
  RUN("events of a newer caller may lie further apart", newer_events_may_lie_further_apart);
  RUN("URLs are strict", urls_are_strict);
  RUN("plain ws:// stays on loopback", plaintext_stays_on_loopback);
  RUN("the last error says what to do", plaintext_error_says_what_to_do);
  RUN("pins are checked before connecting", pins_are_checked);
  RUN("CA and identity files are checked before connecting", files_are_checked);
  RUN("scopes, caps and headers are checked", client_lists_are_checked);
  RUN("a protocol range that is none is refused", protocol_range_is_checked);
  RUN("calls before the hello are refused", calls_before_the_hello_are_refused);
  RUN("ids that never were are gone", ids_that_never_were_are_gone);
  RUN("close codes and reasons as RFC 6455 section 7.4 allows", close_codes_are_checked);
  RUN("server options are checked", server_options_are_checked);
  RUN("server calls are checked", server_calls_are_checked);
  RUN("a port in use is reported", a_port_in_use_is_reported);
  RUN("handles may outlive their context", handles_may_outlive_their_context);
  RUN("closed handles answer", closed_handles_answer);
  RUN("a thousand contexts come and go", a_thousand_contexts_come_and_go);
  RUN("wake ends a poll", wake_ends_a_poll);
  host_close(&the);
  peer_join(silent);
  return test_finish();
}
