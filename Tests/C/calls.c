/* Calls byte for byte, as a gateway that is not ours reads them: keys, trace context, what waits for a connection, what a connection
 * begins with, and events that are held while the host catches up. */
#include "host.h"
#include "peer.h"
#include "test.h"

static char frames[8][1024]; /* what the peer has read, in order */
static int frame_count;

static bool read_frame(peer *peer) {
  return frame_count < 8 && peer_read_json(peer, frames[frame_count], sizeof frames[0]) && ++frame_count > 0;
}

static bool answer(peer *peer, const char *request, const char *rest) {
  char id[64], json[256];
  if (!peer_request_id(request, id, sizeof id)) return false;
  snprintf(json, sizeof json, "{\"type\":\"res\",\"id\":\"%s\",%s}", id, rest);
  return peer_send_json(peer, json);
}

static void read_until_the_end(peer *peer) {
  if (!peer_ready(peer)) return;
  while (read_frame(peer)) answer(peer, frames[frame_count - 1], "\"ok\":true,\"payload\":1");
}

static gw_client *open_client(host *host, peer_server *server, gw_client_options options) {
  gw_client *client = NULL;
  options.url = peer_url(server);
  frame_count = 0;
  if (!host_open(host)) return NULL;
  return gw_client_open(host->context, &options, &client) == GW_OK ? client : NULL;
}

static void finish(host *host, gw_client *client, peer_server *server) {
  kept_event event;
  gw_client_close(client, 0, NULL);
  CHECK(host_wait(host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  gw_client_free(client);
  peer_join(server);
  host_close(host);
}

static gw_status call(gw_client *client, const char *params, gw_call_options options, uint64_t *id) {
  return gw_client_call(client, "m", params, params ? strlen(params) : 0, &options, id);
}

static gw_call_options with(uint32_t flags, const char *key, const char *trace) {
  gw_call_options options;
  gw_call_options_init(&options);
  options.flags = flags;
  options.idempotency_key = key;
  options.traceparent = trace;
  return options;
}

static void keys_and_trace_context_stand_in_the_frame(void) {
  host host;
  kept_event event;
  uint64_t id;
  peer_server *server = peer_listen(read_until_the_end, NULL, 1);
  gw_client *client = open_client(&host, server, host_client_options(NULL));
  REQUIRE(client && host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  CHECK_STATUS(call(client, "{\"a\":1}", with(GW_CALL_IDEMPOTENT, "k\"", NULL), &id), GW_OK);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_IDEMPOTENT, NULL, NULL), &id), GW_OK);
  CHECK_STATUS(call(client, "{}", with(GW_CALL_TRACE_ALWAYS, NULL, "00-1-2-01"), &id), GW_OK);
  for (int done = 0; done < 3; ++done) REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(strstr(frames[0], "\"params\":{\"idempotencyKey\":\"k\\\"\",\"a\":1}}"));
  CHECK(strstr(frames[1], "\"params\":{\"idempotencyKey\":\""));
  CHECK(strstr(frames[2], "\"traceparent\":\"00-1-2-01\",\"params\":{}}"));
  finish(&host, client, server);
}

static void what_cannot_be_sent_is_refused(void) {
  static char long_key[258], long_trace[130];
  host host;
  kept_event event;
  uint64_t id = 1;
  peer_server *server = peer_listen(read_until_the_end, NULL, 1);
  gw_client *client = open_client(&host, server, host_client_options(NULL));
  REQUIRE(client && host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  memset(long_key, 'k', sizeof long_key - 1);
  memset(long_trace, 't', sizeof long_trace - 1);
  CHECK_STATUS(call(client, "[]", with(GW_CALL_IDEMPOTENT, NULL, NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, "{\"idempotencyKey\":1}", with(GW_CALL_IDEMPOTENT, NULL, NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(0, "key", NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_IDEMPOTENT, "", NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_IDEMPOTENT, long_key, NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_IDEMPOTENT, "\xff", NULL), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(0, NULL, long_trace), &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(call(client, NULL, with(1u << 31, NULL, NULL), &id), GW_ERR_FLAGS);
  CHECK(id == 0);
  CHECK_STATUS(gw_client_subscribe(client, "", NULL, 0, NULL, &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_subscribe(client, "m", "{", 1, NULL, &id), GW_ERR_JSON_TEXT);
  CHECK_STATUS(gw_client_subscribe(client, "m", NULL, 0, NULL, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_subscribe(NULL, "m", NULL, 0, NULL, &id), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_unsubscribe(client, 7), GW_ERR_GONE);
  CHECK_STATUS(gw_client_resynced(client, 1), GW_ERR_GONE);
  finish(&host, client, server);
  CHECK(frame_count == 0);
}

static void options_that_make_no_sense_are_refused(void) {
  host host;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_offline_options offline;
  gw_offline_options_init(&offline);
  offline.flags = 1;
  options.offline = &offline;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_FLAGS);
  options = host_client_options("ws://127.0.0.1:1");
  gw_resync_options resync = {0};
  options.resync = &resync;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_STRUCT_SIZE);
  options = host_client_options("ws://127.0.0.1:1");
  gw_sync_call sync = {"m", "{", 1};
  options.sync_calls = &sync;
  options.sync_count = 1;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_JSON_TEXT);
  options.sync_count = 33;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  sync = (gw_sync_call){"", NULL, 0};
  options.sync_count = 1;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  CHECK(client == NULL);
  host_close(&host);
}

static void a_connection_begins_in_order(void) {
  host host;
  kept_event event;
  uint64_t subscription, waiting, ends = 0;
  int mark = 0;
  peer_server *server = peer_listen(read_until_the_end, NULL, 1);
  gw_client_options options = host_client_options(NULL);
  gw_offline_options offline;
  gw_offline_options_init(&offline);
  gw_sync_call sync = {"sync", "{\"s\":1}", 7};
  options.offline = &offline;
  options.sync_calls = &sync;
  options.sync_count = 1;
  gw_client *client = open_client(&host, server, options);
  REQUIRE(client);
  CHECK_STATUS(call(client, NULL, with(0, NULL, NULL), &waiting), GW_OK);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_ONLINE_ONLY, NULL, NULL), &ends), GW_ERR_STATE);
  CHECK_STATUS(gw_client_subscribe(client, "sub", NULL, 0, &mark, &subscription), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SUBSCRIBED, 0, &event));
  CHECK(event.event.subject == subscription && event.event.user_data == &mark && slice_is(event.event.payload, "1"));
  REQUIRE(host_wait(&host, GW_EVENT_SYNCED, 0, &event));
  CHECK(slice_is(event.event.payload, "[{\"method\":\"sync\",\"ok\":true,\"payload\":1}]") && event.event.code == 0);
  REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(event.event.subject == waiting && event.event.status == GW_OK);
  CHECK_STATUS(gw_client_unsubscribe(client, subscription), GW_OK);
  finish(&host, client, server);
  CHECK(strstr(frames[0], "\"method\":\"sub\"}"));
  CHECK(strstr(frames[1], "\"method\":\"sync\",\"params\":{\"s\":1}}"));
  CHECK(strstr(frames[2], "\"method\":\"m\"}"));
}

static void a_call_that_waits_too_long_was_not_sent(void) {
  host host;
  kept_event event;
  uint64_t id, left;
  REQUIRE(host_open(&host));
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_offline_options offline;
  gw_offline_options_init(&offline);
  offline.time_to_live_ms = 20;
  offline.max_calls = 2;
  options.offline = &offline;
  options.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  options.reconnect_initial_ms = 60000;
  gw_client *client = NULL;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK_STATUS(call(client, NULL, with(GW_CALL_IDEMPOTENT, "key", NULL), &id), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(event.event.subject == id && event.event.status == GW_ERR_NOT_SENT && slice_is(event.event.name, "key"));
  CHECK_STATUS(call(client, NULL, with(0, NULL, NULL), &left), GW_OK);
  CHECK_STATUS(call(client, NULL, with(0, NULL, NULL), &id), GW_OK);
  CHECK_STATUS(gw_client_cancel(client, id), GW_OK);
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(event.event.subject == id && event.event.status == GW_ERR_CANCELLED);
  REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(event.event.subject == left && event.event.status == GW_ERR_NOT_SENT);
  gw_client_free(client);
  host_close(&host);
}

static void events_with_a_gap(peer *peer) {
  if (!peer_ready(peer)) return;
  peer_send_json(peer, "{\"type\":\"event\",\"event\":\"a\",\"seq\":1}");
  peer_send_json(peer, "{\"type\":\"event\",\"event\":\"b\",\"seq\":3}");
  while (read_frame(peer)) answer(peer, frames[frame_count - 1], "\"ok\":true");
}

static void events_are_held_until_the_host_has_caught_up(void) {
  host host;
  kept_event event;
  uint64_t id;
  peer_server *server = peer_listen(events_with_a_gap, NULL, 1);
  gw_client_options options = host_client_options(NULL);
  gw_resync_options resync;
  gw_resync_options_init(&resync);
  resync.timeout_ms = GW_NEVER;
  options.resync = &resync;
  gw_client *client = open_client(&host, server, options);
  REQUIRE(client && host_wait(&host, GW_EVENT_GATEWAY_EVENT, 0, &event));
  CHECK(slice_is(event.event.name, "a"));
  REQUIRE(host_wait(&host, GW_EVENT_GAP, 0, &event));
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_RESYNC);
  CHECK(event.event.code == GW_RESYNC_GAP && event.event.sequence == 1);
  uint64_t number = event.event.subject;
  CHECK_STATUS(call(client, NULL, with(0, NULL, NULL), &id), GW_OK);
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_CALL_DONE);
  CHECK_STATUS(gw_client_resynced(client, number), GW_OK);
  CHECK_STATUS(gw_client_resynced(client, number), GW_ERR_GONE);
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_GATEWAY_EVENT);
  CHECK(slice_is(event.event.name, "b") && event.event.sequence == 3);
  finish(&host, client, server);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("keys and trace context stand in the frame", keys_and_trace_context_stand_in_the_frame);
  RUN("what cannot be sent is refused", what_cannot_be_sent_is_refused);
  RUN("options that make no sense are refused", options_that_make_no_sense_are_refused);
  RUN("a connection begins with its subscriptions, the initial sync, then what waited", a_connection_begins_in_order);
  RUN("a call that waits too long, or to the end, was not sent", a_call_that_waits_too_long_was_not_sent);
  RUN("events are held until the host has caught up", events_are_held_until_the_host_has_caught_up);
  return test_finish();
}
