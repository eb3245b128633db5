/* A link and a host that is busy: who computes for longer than its gateway waits for a pong keeps the link with a thread or a
 * guardian, and loses it without.  liveness DRIVE CERTIFICATES [long]: long is 90 s against a limit of 10 s. */
#define _GNU_SOURCE
#include "host.h"
#include "peer.h"
#include "test.h"

#include <poll.h>
#include <stdlib.h>

static uint32_t pong_ms = 1000;
static int64_t busy_ms = 2500;
static bool computes;

/* A gateway that a thread of the library keeps, and a client whose host is this program. */
typedef struct pair {
  host gateway, host;
  gw_server *server;
  gw_client *client;
  uint64_t peer;
} pair;

static bool pair_open(pair *pair, gw_server_options serving, gw_client_options options) {
  gw_slice url, pin;
  kept_event event;
  char url_text[128], pin_text[80];
  const char *pins[] = {pin_text};
  memset(pair, 0, sizeof *pair);
  uint32_t takeover = host_takeover;
  host_takeover = GW_TAKEOVER_ALWAYS;
  bool is_open = host_open(&pair->gateway);
  host_takeover = takeover;
  if (!is_open || !host_open(&pair->host)) return false;
  if (gw_server_open(pair->gateway.context, &serving, &pair->server) != GW_OK) return false;
  gw_server_get_text(pair->server, GW_SERVER_URL, &url);
  gw_server_get_text(pair->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(url_text, sizeof url_text, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(pin_text, sizeof pin_text, "%.*s", (int)pin.len, (const char *)pin.ptr);
  options.url = url_text;
  options.pins = pins;
  options.pin_count = 1;
  if (gw_client_open(pair->host.context, &options, &pair->client) != GW_OK) return false;
  if (!host_wait(&pair->host, GW_EVENT_CLIENT_CONNECTED, 0, &event)) return false;
  if (!host_wait(&pair->gateway, GW_EVENT_PEER_CONNECTED, 0, &event)) return false;
  pair->peer = event.event.connection;
  return true;
}

static void pair_close(pair *pair) {
  gw_client_free(pair->client);
  gw_server_free(pair->server);
  host_close(&pair->host);
  host_close(&pair->gateway);
}

static gw_server_options strict_gateway(void) {
  gw_server_options options = host_server_options();
  options.ping_interval_ms = pong_ms / 3;
  options.pong_timeout_ms = pong_ms;
  return options;
}

static volatile uint64_t result;

/* Polls nothing.  Only the long form really computes; what runs beside the short one needs the processor. */
static void stay_away_until(int64_t end) {
  uint64_t sum = 0;
  for (int64_t left; (left = end - host_now()) > 0;) {
    if (!computes) poll(NULL, 0, (int)left);
    for (uint64_t at = 0; at < 10000; ++at) sum = sum * 31 + (at ^ sum >> 7);
  }
  result = sum;
}

static uint64_t connections(pair *pair) {
  gw_client_state state = {.struct_size = sizeof state};
  return gw_client_get_state(pair->client, &state) == GW_OK && state.phase == GW_PHASE_READY ? state.connections : 0;
}

static void the_link_outlives_a_host_that_computes(void) {
  pair pair;
  kept_event event;
  uint64_t call = 0;
  int pushed = 0, seen = 0;
  bool answered = false;
  REQUIRE(pair_open(&pair, strict_gateway(), host_client_options(NULL)));
  struct pollfd descriptor = {.fd = gw_context_fd(pair.host.context), .events = POLLIN};
  /* What was queued before leaves although the host does not poll any more. */
  CHECK_STATUS(gw_client_call(pair.client, "health", NULL, 0, NULL, &call), GW_OK);
  for (int64_t end = host_now() + busy_ms; host_now() < end;) {
    stay_away_until(host_now() + busy_ms / 20);
    if (gw_server_push(pair.server, pair.peer, "e", NULL, 0) >= 0) ++pushed;
  }
  if (host_takeover == GW_TAKEOVER_NEVER) {
    CHECK(host_wait(&pair.gateway, GW_EVENT_PEER_DISCONNECTED, 0, &event));
    CHECK_STATUS(event.event.status, GW_ERR_PONG_TIMEOUT);
    pair_close(&pair);
    return;
  }
  CHECK(poll(&descriptor, 1, 0) == 1);
  while ((seen < pushed || !answered) && host_next(&pair.host, HOST_DEADLINE_MS, &event)) {
    seen += event.event.type == GW_EVENT_GATEWAY_EVENT && slice_is(event.event.name, "e");
    if (event.event.type == GW_EVENT_CALL_DONE) {
      answered = event.event.subject == call;
      CHECK_STATUS(event.event.status, GW_OK);
    }
    CHECK(event.event.type != GW_EVENT_CLIENT_DISCONNECTED && event.event.type != GW_EVENT_CLIENT_CLOSED);
  }
  CHECK(pushed >= 10 && seen == pushed && answered);
  CHECK(connections(&pair) == 1);
  while (host_next(&pair.gateway, 0, &event)) CHECK(event.event.type != GW_EVENT_PEER_DISCONNECTED);
  pair_close(&pair);
}

/* Our limits judge the peer, and the peer has answered: it lies in the socket. */
static void a_host_that_was_away_blames_nobody(void) {
  pair pair;
  kept_event event;
  gw_server_options serving = host_server_options();
  gw_client_options options = host_client_options(NULL);
  serving.tick_interval_ms = 200;
  options.ping_interval_ms = 150;
  options.pong_timeout_ms = 200;
  REQUIRE(pair_open(&pair, serving, options));
  for (int round = 0; round < 2; ++round) {
    stay_away_until(host_now() + 700);
    for (int64_t end = host_now() + 400; host_now() < end;)
      if (host_next(&pair.host, 50, &event)) CHECK(event.event.type == GW_EVENT_GATEWAY_EVENT);
  }
  CHECK(connections(&pair) == 1);
  pair_close(&pair);
}

static void what_is_lost_while_the_host_computes_is_healed(void) {
  pair pair;
  kept_event event;
  gw_client_options options = host_client_options(NULL);
  if (host_takeover == GW_TAKEOVER_NEVER) return;
  options.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  options.reconnect_initial_ms = 10;
  REQUIRE(pair_open(&pair, host_server_options(), options));
  CHECK_STATUS(gw_server_disconnect(pair.server, pair.peer, 1012, "restart"), GW_OK);
  bool back = false;
  for (int64_t end = host_now() + HOST_DEADLINE_MS; !back && host_now() < end;) {
    stay_away_until(host_now() + 50);
    while (!back && host_next(&pair.gateway, 0, &event)) back = event.event.type == GW_EVENT_PEER_CONNECTED;
  }
  CHECK(back);
  CHECK(host_wait(&pair.host, GW_EVENT_CLIENT_DISCONNECTED, 0, &event));
  CHECK(host_wait(&pair.host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  pair_close(&pair);
}

/* A gateway that is there but says nothing any more. */
static void falls_silent(peer *peer) {
  if (peer_ready(peer)) peer_wait_end(peer);
}

static void a_network_change_asks_every_connection(void) {
  host host;
  gw_client *client = NULL;
  kept_event event;
  peer_server *silent = peer_listen(falls_silent, NULL, 1);
  gw_client_options options = host_client_options(peer_url(silent));
  options.ping_interval_ms = 600000;
  options.pong_timeout_ms = 300;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  CHECK(!host_next(&host, 500, &event));
  CHECK_STATUS(gw_context_network_changed(host.context), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_PONG_TIMEOUT);
  gw_client_free(client);
  host_close(&host);
  peer_join(silent);
}

static void a_network_change_ends_the_wait_for_the_next_attempt(void) {
  host host;
  gw_client *client = NULL;
  kept_event event;
  gw_client_state state = {.struct_size = sizeof state};
  /* Nobody listens on the discard port of loopback. */
  gw_client_options options = host_client_options("ws://127.0.0.1:9");
  options.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  options.reconnect_initial_ms = options.reconnect_max_ms = UINT32_MAX - 1;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  for (uint64_t attempts = 1; attempts <= 3; ++attempts) {
    CHECK(host_wait(&host, GW_EVENT_CLIENT_DISCONNECTED, 0, &event));
    CHECK_STATUS(gw_client_get_state(client, &state), GW_OK);
    CHECK(state.phase == GW_PHASE_WAITING && state.attempts == attempts);
    CHECK_STATUS(gw_context_network_changed(host.context), GW_OK);
  }
  gw_client_free(client);
  host_close(&host);
  CHECK_STATUS(gw_context_network_changed(NULL), GW_ERR_ARGUMENT);
}

/* The first upgrade is never answered. */
static int upgrades;

static void answers_the_second_upgrade(peer *peer) {
  if (upgrades++ == 0) {
    peer_wait_end(peer);
  } else if (peer_ready(peer)) {
    peer_wait_end(peer);
  }
}

static void a_network_change_begins_the_attempt_under_way_anew(void) {
  host host;
  gw_client *client = NULL;
  kept_event event;
  gw_client_state state = {.struct_size = sizeof state};
  upgrades = 0;
  peer_server *server = peer_listen(answers_the_second_upgrade, NULL, 2);
  gw_client_options options = host_client_options(peer_url(server));
  options.upgrade_timeout_ms = 600000;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  for (int64_t end = host_now() + HOST_DEADLINE_MS; state.phase != GW_PHASE_UPGRADE && host_now() < end;) {
    CHECK(!host_next(&host, 5, &event));
    CHECK_STATUS(gw_client_get_state(client, &state), GW_OK);
  }
  CHECK_STATUS(gw_context_network_changed(host.context), GW_OK);
  CHECK(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_CLIENT_CONNECTED);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static gw_socket *dialing(host *host, peer_server *server, int32_t descriptor) {
  gw_socket *socket = NULL;
  kept_event event;
  gw_socket_options options;
  gw_route_options route;
  gw_socket_state state = {.struct_size = sizeof state};
  gw_route_options_init(&route);
  gw_socket_options_init(&options);
  if (descriptor > 0) {
    route.flags = GW_ROUTE_DESCRIPTOR;
    route.descriptor = descriptor;
  }
  options.url = peer_url(server);
  options.upgrade_timeout_ms = 600000;
  options.route = &route;
  CHECK_STATUS(gw_socket_open(host->context, &options, &socket), GW_OK);
  for (int64_t end = host_now() + HOST_DEADLINE_MS; state.phase != GW_PHASE_UPGRADE && host_now() < end;) {
    CHECK(!host_next(host, 5, &event));
    CHECK_STATUS(gw_socket_get_state(socket, &state), GW_OK);
  }
  return socket;
}

static void a_network_change_begins_the_dial_of_a_socket_anew(void) {
  host host;
  kept_event event;
  upgrades = 0;
  peer_server *server = peer_listen(answers_the_second_upgrade, NULL, 2);
  REQUIRE(host_open(&host));
  gw_socket *socket = dialing(&host, server, -1);
  CHECK_STATUS(gw_context_network_changed(host.context), GW_OK);
  CHECK(host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type == GW_EVENT_SOCKET_OPEN);
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
}

static void a_descriptor_of_the_host_is_not_begun_anew(void) {
  host host;
  kept_event event;
  upgrades = 0;
  peer_server *server = peer_listen(answers_the_second_upgrade, NULL, 1);
  REQUIRE(host_open(&host));
  int descriptor = peer_connect((unsigned)atoi(strrchr(peer_url(server), ':') + 1), "", 0);
  gw_socket *socket = dialing(&host, server, descriptor);
  CHECK_STATUS(gw_context_network_changed(host.context), GW_OK);
  CHECK(!host_next(&host, 50, &event));
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
  CHECK(upgrades == 1);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  if (argc > 3 && strcmp(argv[3], "long") == 0) {
    pong_ms = 10000;
    busy_ms = 90000;
    computes = true;
    if (host_takeover != GW_TAKEOVER_NEVER && host_takeover != GW_TAKEOVER_ALWAYS) host_takeover = GW_TAKEOVER_DEFAULT;
    RUN("the link outlives a host that computes", the_link_outlives_a_host_that_computes);
    return test_finish();
  }
  RUN("the link outlives a host that computes", the_link_outlives_a_host_that_computes);
  RUN("a host that was away blames nobody", a_host_that_was_away_blames_nobody);
  RUN("what is lost while the host computes is healed", what_is_lost_while_the_host_computes_is_healed);
  RUN("a network change asks every connection", a_network_change_asks_every_connection);
  RUN("a network change ends the wait for the next attempt", a_network_change_ends_the_wait_for_the_next_attempt);
  RUN("a network change begins the attempt under way anew", a_network_change_begins_the_attempt_under_way_anew);
  RUN("a network change begins the dial of a socket anew", a_network_change_begins_the_dial_of_a_socket_anew);
  RUN("a descriptor of the host is not begun anew", a_descriptor_of_the_host_is_not_begun_anew);
  return test_finish();
}
