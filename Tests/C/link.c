/* The main job in one process: an embedded gateway and a client in one context, over TLS with the pin. */
#define _GNU_SOURCE
#include "host.h"
#include "test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN "a-token-that-nobody-guesses"

/* A gateway with a client that has its hello. */
typedef struct pair {
  host host;
  gw_server *server;
  gw_client *client;
  uint64_t peer; /* the client as the gateway knows it */
  char url[256], pin[80];
  kept_event connected, admitted;
} pair;

static void copy(gw_slice from, char *to, size_t size) {
  size_t len = from.len < size - 1 ? from.len : size - 1;
  if (len > 0) memcpy(to, from.ptr, len);
  to[len] = 0;
}

static bool pair_serve(pair *pair, gw_server_options options) {
  gw_slice url, pin;
  memset(pair, 0, sizeof *pair);
  if (!host_open(&pair->host)) return false;
  gw_status status = gw_server_open(pair->host.context, &options, &pair->server);
  if (status != GW_OK) {
    printf("# gw_server_open: %s\n", gw_status_name(status));
    return false;
  }
  gw_server_get_text(pair->server, GW_SERVER_URL, &url);
  gw_server_get_text(pair->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  copy(url, pair->url, sizeof pair->url);
  copy(pin, pair->pin, sizeof pair->pin);
  return true;
}

/* Client's and gateway's events come in any order. */
static bool pair_connect(pair *pair, gw_client_options options) {
  const char *pins[] = {pair->pin};
  options.url = pair->url;
  if (pair->pin[0] != 0) {
    options.pins = pins;
    options.pin_count = 1;
  }
  gw_status status = gw_client_open(pair->host.context, &options, &pair->client);
  if (status != GW_OK) {
    printf("# gw_client_open: %s\n", gw_status_name(status));
    return false;
  }
  bool connected = false, admitted = false;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  kept_event event;
  while ((!connected || !admitted) && host_next(&pair->host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type == GW_EVENT_CLIENT_CONNECTED) {
      host_keep(&event.event, &pair->connected);
      connected = true;
    } else if (event.event.type == GW_EVENT_PEER_CONNECTED) {
      host_keep(&event.event, &pair->admitted);
      pair->peer = event.event.connection;
      admitted = true;
    } else if (event.event.type == GW_EVENT_CLIENT_CLOSED && event.event.source == gw_client_id(pair->client)) {
      printf("# %s: %s: %s\n", gw_event_type_name(event.event.type), gw_status_name(event.event.status), event.text);
      return false;
    }
  }
  return connected && admitted;
}

static bool pair_open(pair *pair) {
  return pair_serve(pair, host_server_options()) && pair_connect(pair, host_client_options(NULL));
}

static void pair_close(pair *pair) {
  gw_client_free(pair->client);
  gw_server_free(pair->server);
  host_close(&pair->host);
}

static bool done(pair *pair, uint64_t call, kept_event *event) {
  while (host_wait(&pair->host, GW_EVENT_CALL_DONE, gw_client_id(pair->client), event))
    if (event->event.subject == call) return true;
  return false;
}

/* --- */

static void the_hello_says_what_was_agreed(void) {
  pair pair;
  REQUIRE(pair_open(&pair));
  CHECK(strncmp(pair.url, "wss://127.0.0.1:", 16) == 0);
  CHECK(strlen(pair.pin) == 64);
  CHECK(pair.connected.event.code == 4);
  CHECK(pair.connected.event.connection == 1);
  CHECK(pair.connected.event.source == gw_client_id(pair.client));
  CHECK(slice_has(pair.connected.event.payload, "hello-ok"));
  CHECK(slice_has(pair.admitted.event.payload, "operator.read"));
  CHECK(slice_has(pair.admitted.event.payload, "deviceId"));
  gw_client_state state = {.struct_size = sizeof state};
  REQUIRE_STATUS(gw_client_get_state(pair.client, &state), GW_OK);
  CHECK(state.phase == GW_PHASE_READY);
  CHECK(state.protocol == 4);
  CHECK(state.connections == 1);
  CHECK(state.tls == 1);
  CHECK(state.deflate == 1);
  pair_close(&pair);
}

static void builtin_methods_answer(void) {
  static const char *const methods[] = {"health", "agents.list", "sessions.list"};
  pair pair;
  REQUIRE(pair_open(&pair));
  for (size_t at = 0; at < sizeof methods / sizeof *methods; ++at) {
    uint64_t call = 0;
    kept_event event;
    REQUIRE_STATUS(gw_client_call(pair.client, methods[at], "{}", 2, NULL, &call), GW_OK);
    CHECK(call != 0);
    REQUIRE(done(&pair, call, &event));
    CHECK_STATUS(event.event.status, GW_OK);
    CHECK(event.event.payload.len > 2 && event.payload[0] == '{');
  }
  pair_close(&pair);
}

static void calls_carry_their_own_user_data(void) {
  pair pair;
  int mine, calls[3];
  kept_event event;
  gw_client_options options = host_client_options(NULL);
  options.user_data = &mine;
  REQUIRE(pair_serve(&pair, host_server_options()) && pair_connect(&pair, options));
  CHECK(pair.connected.event.user_data == &mine);
  uint64_t ids[3];
  for (int at = 0; at < 3; ++at) {
    gw_call_options calling;
    gw_call_options_init(&calling);
    calling.user_data = &calls[at];
    REQUIRE_STATUS(gw_client_call(pair.client, "health", NULL, 0, &calling, &ids[at]), GW_OK);
  }
  for (int at = 0; at < 3; ++at) {
    REQUIRE(host_wait(&pair.host, GW_EVENT_CALL_DONE, 0, &event));
    bool known = false;
    for (int other = 0; other < 3; ++other)
      known |= event.event.subject == ids[other] && event.event.user_data == &calls[other];
    CHECK(known);
  }
  pair_close(&pair);
}

static void chat_send_streams_to_its_final_answer(void) {
  static const char params[] = "{\"sessionKey\":\"main\",\"message\":\"hello\",\"idempotencyKey\":\"run-1\"}";
  pair pair;
  gw_call_options options;
  uint64_t call = 0;
  int accepted = 0, deltas = 0, finals = 0, ends = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  gw_call_options_init(&options);
  options.flags = GW_CALL_EXPECT_FINAL;
  REQUIRE_STATUS(gw_client_call(pair.client, "chat.send", params, sizeof params - 1, &options, &call), GW_OK);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((ends == 0 || finals == 0) && host_next(&pair.host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type == GW_EVENT_CALL_ACCEPTED) {
      CHECK(event.event.subject == call && ends == 0);
      CHECK(slice_has(event.event.payload, "accepted"));
      ++accepted;
    } else if (event.event.type == GW_EVENT_GATEWAY_EVENT && slice_is(event.event.name, "chat")) {
      CHECK(accepted == 1);
      CHECK(slice_has(event.event.payload, "run-1"));
      deltas += slice_has(event.event.payload, "\"delta\"");
      finals += slice_has(event.event.payload, "\"final\"");
    } else if (event.event.type == GW_EVENT_CALL_DONE) {
      CHECK(event.event.subject == call);
      CHECK_STATUS(event.event.status, GW_OK);
      ++ends;
    }
  }
  CHECK(accepted == 1);
  CHECK(deltas >= 1);
  CHECK(finals == 1);
  CHECK(ends == 1);
  pair_close(&pair);
}

static void without_expect_final_the_first_answer_ends_the_call(void) {
  static const char params[] = "{\"sessionKey\":\"main\",\"message\":\"hello\",\"idempotencyKey\":\"run-2\"}";
  pair pair;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  REQUIRE_STATUS(gw_client_call(pair.client, "chat.send", params, sizeof params - 1, NULL, &call), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  CHECK(slice_has(event.event.payload, "accepted"));
  pair_close(&pair);
}

static void the_host_answers_other_methods_by_id(void) {
  static const char params[] = "{\"numbers\":[1,2.50,\"\\u00e9\"], \"deep\":{\"er\":null}}";
  static const char answer[] = "{ \"sum\" : 3.50 }";
  pair pair;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  REQUIRE_STATUS(gw_client_call(pair.client, "math.sum", params, sizeof params - 1, NULL, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, gw_server_id(pair.server), &event));
  CHECK(slice_is(event.event.name, "math.sum"));
  CHECK(slice_is(event.event.payload, params));
  CHECK(event.event.connection == pair.peer);
  uint64_t request = event.event.subject;
  CHECK_STATUS(gw_server_reply(pair.server, request, "{", 1, 1), GW_ERR_JSON_TEXT);
  CHECK_STATUS(gw_server_reply(pair.server, request, answer, sizeof answer - 1, 1), GW_OK);
  CHECK_STATUS(gw_server_reply(pair.server, request, answer, sizeof answer - 1, 1), GW_ERR_GONE);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  CHECK(slice_is(event.event.payload, answer));
  CHECK_STATUS(gw_client_cancel(pair.client, call), GW_ERR_GONE);
  pair_close(&pair);
}

static void the_host_may_answer_twice(void) {
  static const char first[] = "{\"status\":\"accepted\",\"runId\":\"r\"}", last[] = "{\"status\":\"ok\"}";
  pair pair;
  gw_call_options options;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  gw_call_options_init(&options);
  options.flags = GW_CALL_EXPECT_FINAL;
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", NULL, 0, &options, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, 0, &event));
  CHECK(event.event.payload.len == 0);
  uint64_t request = event.event.subject;
  CHECK_STATUS(gw_server_reply(pair.server, request, first, sizeof first - 1, 0), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_CALL_ACCEPTED, 0, &event));
  CHECK(event.event.subject == call && slice_is(event.event.payload, first));
  CHECK_STATUS(gw_server_reply(pair.server, request, last, sizeof last - 1, 1), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK(slice_is(event.event.payload, last));
  pair_close(&pair);
}

static void a_rejection_carries_all_that_the_gateway_said(void) {
  static const char details[] = "{\"limit\":3}";
  pair pair;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", "[]", 2, NULL, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, 0, &event));
  CHECK_STATUS(gw_server_reject(pair.server, event.event.subject, "UNAVAILABLE", "not \"now\"", details,
                                sizeof details - 1, 1500),
               GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_ERR_REJECTED);
  CHECK(slice_is(event.event.name, "UNAVAILABLE"));
  CHECK(slice_has(event.event.text, "not \"now\""));
  CHECK(slice_has(event.event.payload, details));
  CHECK(event.event.retry_after_ms == 1500);
  CHECK(event.event.flags & GW_EVENT_RETRYABLE);
  pair_close(&pair);
}

static void params_must_be_json(void) {
  static const char *const broken[] = {"{", "{}}", "{\"a\":}", "nul", "[1,]", "\"\n\"", "\"\xff\"", "01"};
  pair pair;
  uint64_t call = 0;
  REQUIRE(pair_open(&pair));
  for (size_t at = 0; at < sizeof broken / sizeof *broken; ++at) {
    gw_status status = gw_client_call(pair.client, "health", broken[at], strlen(broken[at]), NULL, &call);
    if (status != GW_ERR_JSON_TEXT) printf("# %s\n", broken[at]);
    CHECK_STATUS(status, GW_ERR_JSON_TEXT);
  }
  pair_close(&pair);
}

static void params_above_the_policy_are_refused(void) {
  size_t size = 26u << 20;
  char *params = malloc(size);
  pair pair;
  uint64_t call = 0;
  REQUIRE(params != NULL && pair_open(&pair));
  memset(params, 'a', size);
  params[0] = params[size - 1] = '"';
  CHECK_STATUS(gw_client_call(pair.client, "health", params, size, NULL, &call), GW_ERR_TOO_BIG);
  free(params);
  pair_close(&pair);
}

static void a_megabyte_comes_back_as_it_went(void) {
  size_t size = 1 << 20;
  char *params = malloc(size);
  pair pair;
  uint64_t call = 0;
  bool answered = false;
  REQUIRE(params != NULL && pair_open(&pair));
  for (size_t at = 0; at < size; ++at) params[at] = (char)('a' + (at * 7 + at / 26) % 26);
  params[0] = params[size - 1] = '"';
  REQUIRE_STATUS(gw_client_call(pair.client, "echo", params, size, NULL, &call), GW_OK);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (!answered && host_now() < end) {
    gw_event events[4];
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(pair.host.context, 1000, events, 4, sizeof *events, &batch) != GW_OK) continue;
    for (uint32_t at = 0; at < batch.count; ++at) {
      if (events[at].type == GW_EVENT_PEER_REQUEST)
        CHECK(gw_server_reply(pair.server, events[at].subject, events[at].payload.ptr, events[at].payload.len, 1) >= 0);
      if (events[at].type != GW_EVENT_CALL_DONE) continue;
      CHECK_STATUS(events[at].status, GW_OK);
      CHECK(events[at].payload.len == size && memcmp(events[at].payload.ptr, params, size) == 0);
      answered = true;
    }
  }
  CHECK(answered);
  free(params);
  pair_close(&pair);
}

static void pushed_events_arrive_in_order(void) {
  pair pair;
  kept_event event;
  char payload[32];
  REQUIRE(pair_open(&pair));
  for (int at = 0; at < 100; ++at) {
    int len = snprintf(payload, sizeof payload, "{\"n\":%d}", at);
    REQUIRE_STATUS(gw_server_push(pair.server, at % 2 ? pair.peer : 0, "test.pushed", payload, (size_t)len), GW_OK);
  }
  for (int at = 0; at < 100; ++at) {
    do REQUIRE(host_wait(&pair.host, GW_EVENT_GATEWAY_EVENT, 0, &event));
    while (!slice_is(event.event.name, "test.pushed"));
    snprintf(payload, sizeof payload, "{\"n\":%d}", at);
    CHECK(slice_is(event.event.payload, payload));
  }
  pair_close(&pair);
}

static void ticks_arrive(void) {
  pair pair;
  kept_event event;
  gw_server_options options = host_server_options();
  options.tick_interval_ms = 50;
  REQUIRE(pair_serve(&pair, options) && pair_connect(&pair, host_client_options(NULL)));
  for (int at = 0; at < 3; ++at) {
    REQUIRE(host_wait(&pair.host, GW_EVENT_GATEWAY_EVENT, 0, &event));
    CHECK(slice_is(event.event.name, "tick"));
  }
  pair_close(&pair);
}

static void a_cancelled_call_ends_once(void) {
  pair pair;
  uint64_t call = 0, next = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, 0, &event));
  uint64_t request = event.event.subject;
  CHECK_STATUS(gw_client_cancel(pair.client, call), GW_OK);
  CHECK_STATUS(gw_client_cancel(pair.client, call), GW_ERR_GONE);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_ERR_CANCELLED);
  /* The late answer belongs to nothing; the next call gets its own. */
  CHECK_STATUS(gw_server_reply(pair.server, request, "{\"late\":1}", 10, 1), GW_OK);
  REQUIRE_STATUS(gw_client_call(pair.client, "health", NULL, 0, NULL, &next), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(event.event.subject == next);
  pair_close(&pair);
}

static void a_call_has_a_time_limit(void) {
  pair pair;
  gw_call_options options;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  gw_call_options_init(&options);
  options.timeout_ms = 50;
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", NULL, 0, &options, &call), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_ERR_CALL_TIMEOUT);
  CHECK(event.event.text.len > 0);
  pair_close(&pair);
}

static void a_request_that_the_host_forgets_is_rejected(void) {
  pair pair;
  uint64_t call = 0;
  kept_event event;
  gw_server_options options = host_server_options();
  options.request_timeout_ms = 50;
  REQUIRE(pair_serve(&pair, options) && pair_connect(&pair, host_client_options(NULL)));
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, 0, &event));
  uint64_t request = event.event.subject;
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_ERR_REJECTED);
  CHECK_STATUS(gw_server_reply(pair.server, request, NULL, 0, 1), GW_ERR_GONE);
  pair_close(&pair);
}

static void closing_ends_calls_and_client(void) {
  pair pair;
  uint64_t call = 0;
  kept_event event;
  REQUIRE(pair_open(&pair));
  REQUIRE_STATUS(gw_client_call(pair.client, "job.run", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_REQUEST, 0, &event));
  CHECK_STATUS(gw_client_close(pair.client, 0, "bye"), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_ERR_OUTCOME_UNKNOWN);
  bool closed = false, left = false;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((!closed || !left) && host_next(&pair.host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type == GW_EVENT_CLIENT_CLOSED) {
      CHECK(!closed);
      CHECK_STATUS(event.event.status, GW_OK);
      closed = true;
    }
    if (event.event.type == GW_EVENT_PEER_DISCONNECTED) {
      CHECK(event.event.connection == pair.peer);
      CHECK(event.event.code == 1000);
      left = true;
    }
  }
  CHECK(closed && left);
  CHECK_STATUS(gw_server_push(pair.server, pair.peer, "a", NULL, 0), GW_ERR_GONE);
  pair_close(&pair);
}

static void the_gateway_can_end_a_connection(void) {
  pair pair;
  kept_event event;
  REQUIRE(pair_open(&pair));
  CHECK_STATUS(gw_server_disconnect(pair.server, pair.peer, 4321, "enough"), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_CLOSED);
  CHECK(event.event.code == 4321);
  CHECK(slice_has(event.event.text, "enough"));
  pair_close(&pair);
}

static void stopping_ends_everything(void) {
  pair pair;
  kept_event event;
  REQUIRE(pair_open(&pair));
  uint64_t server = gw_server_id(pair.server);
  CHECK_STATUS(gw_server_stop(pair.server, "maintenance"), GW_OK);
  bool shutdown = false, client_closed = false, peer_left = false, server_closed = false;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((!client_closed || !server_closed) && host_next(&pair.host, (int32_t)(end - host_now()), &event)) {
    shutdown |= event.event.type == GW_EVENT_GATEWAY_EVENT && slice_is(event.event.name, "shutdown");
    if (event.event.type == GW_EVENT_CLIENT_CLOSED) {
      CHECK_STATUS(event.event.status, GW_ERR_CLOSED);
      CHECK(event.event.code == 1012);
      client_closed = true;
    }
    if (event.event.type == GW_EVENT_PEER_DISCONNECTED) {
      CHECK(!server_closed);
      peer_left = true;
    }
    if (event.event.type == GW_EVENT_SERVER_CLOSED) {
      CHECK(event.event.source == server);
      server_closed = true;
    }
  }
  CHECK(shutdown && client_closed && peer_left && server_closed);
  CHECK_STATUS(gw_server_stop(pair.server, NULL), GW_ERR_GONE);
  CHECK(gw_server_port(pair.server) == 0);
  pair_close(&pair);
}

static void a_lost_connection_is_made_again(void) {
  pair pair;
  kept_event event;
  uint64_t call = 0;
  gw_client_options options = host_client_options(NULL);
  options.flags = 0;
  options.reconnect_initial_ms = 20;
  options.reconnect_max_ms = 50;
  REQUIRE(pair_serve(&pair, host_server_options()) && pair_connect(&pair, options));
  CHECK_STATUS(gw_server_disconnect(pair.server, pair.peer, 1012, "service restart"), GW_OK);
  REQUIRE(host_wait(&pair.host, GW_EVENT_CLIENT_DISCONNECTED, 0, &event));
  CHECK(event.event.connection == 1);
  CHECK(event.event.code == 1012);
  CHECK(event.event.flags & GW_EVENT_RETRYABLE);
  REQUIRE(host_wait(&pair.host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  CHECK(event.event.connection == 2);
  REQUIRE_STATUS(gw_client_call(pair.client, "health", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  pair_close(&pair);
}

static void the_token_decides(void) {
  pair pair;
  kept_event event;
  gw_server_options serving = host_server_options();
  serving.token = TOKEN;
  gw_client_options options = host_client_options(NULL);
  REQUIRE(pair_serve(&pair, serving));
  const char *pins[] = {pair.pin};
  options.url = pair.url;
  options.pins = pins;
  options.pin_count = 1;
  static const char *const wrong[] = {"a-token-that-nobody-guessed", NULL};
  for (int at = 0; at < 2; ++at) {
    options.token = wrong[at];
    REQUIRE(host_client_end(&pair.host, &options, &event));
    CHECK_STATUS(event.event.status, GW_ERR_CONNECT_REJECTED);
    CHECK(slice_has(event.event.name, "AUTH_TOKEN"));
    CHECK(event.event.actor == GW_ACTOR_USER);
    CHECK(!slice_has(event.event.text, TOKEN) && !slice_has(event.event.payload, TOKEN));
  }
  options.token = TOKEN;
  CHECK(pair_connect(&pair, options));
  CHECK(!slice_has(pair.admitted.event.payload, TOKEN));
  CHECK(!slice_has(pair.connected.event.payload, TOKEN));
  pair_close(&pair);
}

static void an_identity_is_kept(void) {
  char directory[] = "/tmp/gatewire-test-XXXXXX", path[128], first[8192];
  struct stat info;
  REQUIRE(mkdtemp(directory) != NULL);
  snprintf(path, sizeof path, "%s/deep/identity", directory);
  gw_client_options options = host_client_options(NULL);
  options.identity_file = path;
  pair pair;
  REQUIRE(pair_serve(&pair, host_server_options()) && pair_connect(&pair, options));
  const char *id = strstr(pair.admitted.payload, "\"deviceId\":\"");
  REQUIRE(id != NULL);
  snprintf(first, sizeof first, "%.76s", id);
  pair_close(&pair);
  CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0600);
  CHECK(pair_serve(&pair, host_server_options()) && pair_connect(&pair, options));
  CHECK(strstr(pair.admitted.payload, first) != NULL);
  pair_close(&pair);
  CHECK(unlink(path) == 0);
  snprintf(path, sizeof path, "%s/deep", directory);
  CHECK(stat(path, &info) == 0 && (info.st_mode & 0777) == 0700);
  rmdir(path);
  rmdir(directory);
}

static void a_device_can_be_required(void) {
  pair pair;
  kept_event event;
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_REQUIRE_DEVICE;
  gw_client_options options = host_client_options(NULL);
  REQUIRE(pair_serve(&pair, serving));
  const char *pins[] = {pair.pin};
  options.url = pair.url;
  options.pins = pins;
  options.pin_count = 1;
  options.flags |= GW_CLIENT_NO_DEVICE;
  REQUIRE(host_client_end(&pair.host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_CONNECT_REJECTED);
  CHECK(slice_has(event.event.name, "DEVICE_IDENTITY_REQUIRED"));
  options.flags &= ~(uint32_t)GW_CLIENT_NO_DEVICE;
  CHECK(pair_connect(&pair, options));
  pair_close(&pair);
}

static void plaintext_and_protocol_3_work_too(void) {
  pair pair;
  uint64_t call = 0;
  kept_event event;
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_PLAINTEXT | GW_SERVER_NO_DEFLATE;
  serving.protocol = 3;
  REQUIRE(pair_serve(&pair, serving) && pair_connect(&pair, host_client_options(NULL)));
  CHECK(strncmp(pair.url, "ws://", 5) == 0);
  CHECK(pair.connected.event.code == 3);
  gw_client_state state = {.struct_size = sizeof state};
  REQUIRE_STATUS(gw_client_get_state(pair.client, &state), GW_OK);
  CHECK(state.tls == 0 && state.deflate == 0 && state.protocol == 3);
  REQUIRE_STATUS(gw_client_call(pair.client, "health", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(done(&pair, call, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  pair_close(&pair);
}

static void no_common_protocol_ends_for_good(void) {
  pair pair;
  kept_event event;
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_PLAINTEXT;
  REQUIRE(pair_serve(&pair, serving));
  gw_client_options options = host_client_options(pair.url);
  options.flags = 0; /* reconnecting cannot help, so it must end all the same */
  options.min_protocol = 3;
  options.max_protocol = 3;
  REQUIRE(host_client_end(&pair.host, &options, &event));
  CHECK(event.event.status == GW_ERR_PROTOCOL_RANGE || event.event.status == GW_ERR_CONNECT_REJECTED);
  CHECK((event.event.flags & GW_EVENT_RETRYABLE) == 0);
  pair_close(&pair);
}

static void handles_are_freed_in_any_order(void) {
  static const char *const orders[] = {"csx", "cxs", "scx", "sxc", "xcs", "xsc"};
  for (size_t order = 0; order < sizeof orders / sizeof *orders; ++order) {
    pair pair;
    REQUIRE(pair_open(&pair));
    for (const char *step = orders[order]; *step != 0; ++step) {
      switch (*step) {
      case 'c':
        gw_client_free(pair.client);
        pair.client = NULL;
        break;
      case 's':
        gw_server_free(pair.server);
        pair.server = NULL;
        break;
      default:
        gw_context_free(pair.host.context);
        pair.host.context = NULL;
      }
    }
    pair_close(&pair);
  }
}

static void a_freed_client_closes_politely(void) {
  pair pair;
  kept_event event;
  REQUIRE(pair_open(&pair));
  gw_client_free(pair.client);
  pair.client = NULL;
  REQUIRE(host_wait(&pair.host, GW_EVENT_PEER_DISCONNECTED, 0, &event));
  CHECK(event.event.code == 1000);
  pair_close(&pair);
}

static void many_clients_share_a_context(void) {
  enum { CLIENTS = 20 };
  pair pair;
  gw_client *clients[CLIENTS];
  kept_event event;
  REQUIRE(pair_serve(&pair, host_server_options()));
  const char *pins[] = {pair.pin};
  gw_client_options options = host_client_options(pair.url);
  options.pins = pins;
  options.pin_count = 1;
  for (int at = 0; at < CLIENTS; ++at) REQUIRE_STATUS(gw_client_open(pair.host.context, &options, &clients[at]), GW_OK);
  for (int at = 0; at < CLIENTS; ++at) REQUIRE(host_wait(&pair.host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  for (int at = 0; at < CLIENTS; ++at) {
    uint64_t call;
    CHECK_STATUS(gw_client_call(clients[at], "health", NULL, 0, NULL, &call), GW_OK);
  }
  for (int at = 0; at < CLIENTS; ++at) {
    REQUIRE(host_wait(&pair.host, GW_EVENT_CALL_DONE, 0, &event));
    CHECK_STATUS(event.event.status, GW_OK);
  }
  for (int at = 0; at < CLIENTS; ++at) gw_client_free(clients[at]);
  for (int at = 0; at < CLIENTS; ++at) REQUIRE(host_wait(&pair.host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  pair_close(&pair);
}

static void a_thousand_calls_in_flight(void) {
  enum { CALLS = 1000 };
  pair pair;
  uint64_t call;
  kept_event event;
  REQUIRE(pair_open(&pair));
  for (int at = 0; at < CALLS; ++at) {
    gw_status status = gw_client_call(pair.client, "health", NULL, 0, NULL, &call);
    REQUIRE(status == GW_OK || status == GW_QUEUED);
  }
  for (int at = 0; at < CALLS; ++at) {
    REQUIRE(host_wait(&pair.host, GW_EVENT_CALL_DONE, 0, &event));
    REQUIRE(event.event.status == GW_OK);
  }
  pair_close(&pair);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("the hello says what was agreed", the_hello_says_what_was_agreed);
  RUN("built-in methods answer", builtin_methods_answer);
  RUN("calls carry their own user data", calls_carry_their_own_user_data);
  RUN("chat.send streams to its final answer", chat_send_streams_to_its_final_answer);
  RUN("without EXPECT_FINAL the first answer ends the call", without_expect_final_the_first_answer_ends_the_call);
  RUN("the host answers other methods by id, verbatim", the_host_answers_other_methods_by_id);
  RUN("the host may answer twice", the_host_may_answer_twice);
  RUN("a rejection carries all that the gateway said", a_rejection_carries_all_that_the_gateway_said);
  RUN("params must be JSON", params_must_be_json);
  RUN("params above the gateway's limit are refused", params_above_the_policy_are_refused);
  RUN("a megabyte comes back as it went", a_megabyte_comes_back_as_it_went);
  RUN("pushed events arrive in order", pushed_events_arrive_in_order);
  RUN("ticks arrive", ticks_arrive);
  RUN("a cancelled call ends once", a_cancelled_call_ends_once);
  RUN("a call has a time limit", a_call_has_a_time_limit);
  RUN("a request that the host forgets is rejected", a_request_that_the_host_forgets_is_rejected);
  RUN("closing ends calls and client", closing_ends_calls_and_client);
  RUN("the gateway can end a connection", the_gateway_can_end_a_connection);
  RUN("stopping ends everything", stopping_ends_everything);
  RUN("a lost connection is made again", a_lost_connection_is_made_again);
  RUN("the token decides", the_token_decides);
  RUN("an identity is kept, for its owner alone", an_identity_is_kept);
  RUN("a device identity can be required", a_device_can_be_required);
  RUN("plaintext and protocol 3 work too", plaintext_and_protocol_3_work_too);
  RUN("no common protocol ends for good", no_common_protocol_ends_for_good);
  RUN("handles are freed in any order", handles_are_freed_in_any_order);
  RUN("a freed client closes politely", a_freed_client_closes_politely);
  RUN("many clients share a context", many_clients_share_a_context);
  RUN("a thousand calls in flight", a_thousand_calls_in_flight);
  return test_finish();
}
