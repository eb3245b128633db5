/* What a client has done: sums, times by method, the log and the flight recorder; and that no secret is in any of it. */
#include "host.h"
#include "test.h"

#define TOKEN "a-token-that-nobody-guesses"

typedef struct pair {
  host host;
  gw_server *server;
  gw_client *client;
} pair;

static bool pair_open(pair *pair, gw_observe_options *observe) {
  gw_slice url;
  char text[128];
  kept_event event;
  memset(pair, 0, sizeof *pair);
  gw_server_options serving = host_server_options();
  serving.flags |= GW_SERVER_PLAINTEXT;
  serving.token = TOKEN;
  if (!host_open(&pair->host) || gw_server_open(pair->host.context, &serving, &pair->server) != GW_OK) return false;
  gw_server_get_text(pair->server, GW_SERVER_URL, &url);
  snprintf(text, sizeof text, "%.*s", (int)url.len, (const char *)url.ptr);
  gw_client_options options = host_client_options(text);
  options.token = TOKEN;
  options.observe = observe;
  return gw_client_open(pair->host.context, &options, &pair->client) == GW_OK &&
         (observe == NULL || observe->log_level > 0 || host_wait(&pair->host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
}

static void pair_close(pair *pair) {
  gw_client_free(pair->client);
  gw_server_free(pair->server);
  host_close(&pair->host);
}

static bool call(pair *pair, const char *method) {
  uint64_t id;
  kept_event event;
  return gw_client_call(pair->client, method, NULL, 0, NULL, &id) == GW_OK &&
         host_wait(&pair->host, GW_EVENT_CALL_DONE, 0, &event);
}

static gw_observe_options observing(uint32_t flags, uint32_t level, uint32_t bytes) {
  gw_observe_options options;
  gw_observe_options_init(&options);
  options.flags = flags;
  options.log_level = level;
  options.recorder_bytes = bytes;
  return options;
}

static void sums_and_times_by_method(void) {
  pair pair;
  gw_observe_options observe = observing(GW_OBSERVE_METHODS, 0, 0);
  REQUIRE(pair_open(&pair, &observe));
  for (int at = 0; at < 3; ++at) REQUIRE(call(&pair, "health"));
  REQUIRE(call(&pair, "agents.list"));
  gw_client_stats stats = {.struct_size = sizeof stats};
  REQUIRE_STATUS(gw_client_get_stats(pair.client, &stats), GW_OK);
  CHECK(stats.attempts == 1 && stats.connections == 1 && stats.methods == 2);
  CHECK(stats.messages_sent == 5 && stats.messages_received >= 6);
  CHECK(stats.bytes_sent > 0 && stats.wire_bytes_sent > stats.messages_sent);
  CHECK(stats.connecting_us > 0 && stats.ready_us > 0 && stats.closing_us == 0);
  gw_method_stats times = {.struct_size = sizeof times};
  REQUIRE_STATUS(gw_client_get_method_stats(pair.client, 0, &times), GW_OK);
  CHECK(slice_is(times.method, "health") && times.answers == 3);
  CHECK(times.least_us > 0 && times.least_us <= times.mean_us && times.mean_us <= times.greatest_us);
  CHECK_STATUS(gw_client_get_method_stats(pair.client, 2, &times), GW_ERR_ARGUMENT);
  stats.struct_size = 8;
  CHECK_STATUS(gw_client_get_stats(pair.client, &stats), GW_ERR_STRUCT_SIZE);
  CHECK_STATUS(gw_client_get_stats(pair.client, NULL), GW_ERR_ARGUMENT);
  pair_close(&pair);
}

static void the_flight_recorder_has_the_way_to_the_hello_and_no_secret(void) {
  pair pair;
  gw_slice lines;
  gw_observe_options observe = observing(0, 0, 65536);
  observe.frame_bytes = 4096;
  REQUIRE(pair_open(&pair, &observe));
  REQUIRE(call(&pair, "health"));
  REQUIRE_STATUS(gw_client_dump(pair.client, &lines), GW_OK);
  CHECK(slice_has(lines, "\"kind\":\"state\",\"text\":\"connecting\"}\n"));
  CHECK(slice_has(lines, "connect.challenge"));
  CHECK(slice_has(lines, "\\\"auth\\\":{\\\"token\\\":null}"));
  CHECK(slice_has(lines, "\\\"signature\\\":null"));
  CHECK(slice_has(lines, "\"text\":\"ready\"}\n"));
  CHECK(slice_has(lines, "\\\"method\\\":\\\"health\\\""));
  CHECK(!slice_has(lines, TOKEN));
  pair_close(&pair);
}

static void the_log_tells_as_much_as_was_asked_for(void) {
  pair pair;
  kept_event event;
  gw_observe_options observe = observing(0, GW_LOG_INFO, 0);
  REQUIRE(pair_open(&pair, &observe));
  REQUIRE(host_wait(&pair.host, GW_EVENT_LOG, 0, &event));
  CHECK(event.event.code == GW_LOG_INFO && slice_is(event.event.name, "state") && slice_is(event.event.text, "connecting"));
  REQUIRE(host_wait(&pair.host, GW_EVENT_LOG, 0, &event));
  CHECK(slice_is(event.event.text, "ready"));
  CHECK_STATUS(gw_client_close(pair.client, 0, NULL), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_LOG, 0, &event));
  CHECK(slice_is(event.event.text, "closing"));
  pair_close(&pair);
}

static void a_failure_brings_the_dump(void) {
  kept_event event;
  host host;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  gw_observe_options observe = observing(GW_OBSERVE_DUMP_ON_FAILURE, 0, 4096);
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  options.observe = &observe;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_LOG);
  CHECK(slice_is(event.event.name, "dump") && slice_has(event.event.payload, "Connection refused"));
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_CLIENT_CLOSED);
  gw_client_free(client);
  host_close(&host);
}

static void what_was_not_asked_for_is_empty(void) {
  pair pair;
  gw_slice lines = {(const uint8_t *)"x", 1};
  gw_client *client = NULL;
  gw_observe_options observe = observing(0, 0, 0);
  REQUIRE(pair_open(&pair, &observe));
  CHECK_STATUS(gw_client_dump(pair.client, &lines), GW_OK);
  CHECK(lines.len == 0);
  gw_client_stats stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gw_client_get_stats(pair.client, &stats), GW_OK);
  CHECK(stats.methods == 0);
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  options.observe = &observe;
  observe.log_level = 5;
  CHECK_STATUS(gw_client_open(pair.host.context, &options, &client), GW_ERR_ARGUMENT);
  observe = observing(4, 0, 0);
  CHECK_STATUS(gw_client_open(pair.host.context, &options, &client), GW_ERR_FLAGS);
  pair_close(&pair);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("sums, and times by method", sums_and_times_by_method);
  RUN("the flight recorder has the way to the hello, and no secret", the_flight_recorder_has_the_way_to_the_hello_and_no_secret);
  RUN("the log tells as much as was asked for", the_log_tells_as_much_as_was_asked_for);
  RUN("a failure brings the dump, if it was asked for", a_failure_brings_the_dump);
  RUN("what was not asked for is empty", what_was_not_asked_for_is_empty);
  return test_finish();
}
