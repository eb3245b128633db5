/* Raw WebSockets: a listener and sockets in one process, over TLS with the pin. */
#include "pair.h"
#include "peer.h"
#include "test.h"

#include <stdlib.h>

static void null_is_a_status(void) {
  host host;
  gw_socket *socket = NULL;
  gw_listener *listener = NULL;
  gw_slice slice;
  gw_socket_options options = opening();
  gw_listener_options serving = listening();
  gw_socket_state state = {.struct_size = sizeof state};
  gw_listener_stats stats = {.struct_size = sizeof stats};
  options.url = "ws://127.0.0.1:1";
  REQUIRE(host_open(&host));
  gw_socket_limits_init(NULL);
  gw_socket_options_init(NULL);
  gw_listener_options_init(NULL);
  gw_socket_free(NULL);
  gw_listener_free(NULL);
  CHECK_STATUS(gw_socket_open(NULL, &options, &socket), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_open(host.context, NULL, &socket), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_open(host.context, &options, NULL), GW_ERR_ARGUMENT);
  CHECK(gw_socket_id(NULL) == 0);
  CHECK_STATUS(gw_socket_send(NULL, GW_TEXT, "a", 1, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_ping(NULL, NULL, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_close(NULL, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_abort(NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_get_state(NULL, &state), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_open(NULL, &serving, &listener), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_open(host.context, NULL, &listener), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_open(host.context, &serving, NULL), GW_ERR_ARGUMENT);
  CHECK(gw_listener_id(NULL) == 0);
  CHECK(gw_listener_port(NULL) == 0);
  CHECK_STATUS(gw_listener_get_text(NULL, GW_SERVER_URL, &slice), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_accept(NULL, 1, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_reject(NULL, 1, 403, "no"), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_send(NULL, 1, GW_TEXT, "a", 1, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_ping(NULL, 1, NULL, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_disconnect(NULL, 1, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_abort(NULL, 1), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_get_state(NULL, 1, &state), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_get_stats(NULL, &stats), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_stop(NULL), GW_ERR_ARGUMENT);
  CHECK(socket == NULL && listener == NULL);
  host_close(&host);
}

static void options_are_sized(void) {
  host host;
  gw_socket *socket = NULL;
  gw_listener *listener = NULL;
  gw_socket_limits limits;
  REQUIRE(host_open(&host));
  gw_socket_options options = opening();
  options.url = "ws://127.0.0.1:1";
  options.struct_size -= 1;
  CHECK_STATUS(gw_socket_open(host.context, &options, &socket), GW_ERR_STRUCT_SIZE);
  options = opening();
  options.url = "ws://127.0.0.1:1";
  options.flags = 1u << 31;
  CHECK_STATUS(gw_socket_open(host.context, &options, &socket), GW_ERR_FLAGS);
  options.flags = 0;
  gw_socket_limits_init(&limits);
  limits.struct_size = 4;
  options.limits = &limits;
  CHECK_STATUS(gw_socket_open(host.context, &options, &socket), GW_ERR_STRUCT_SIZE);
  gw_socket_limits_init(&limits);
  limits.deflate_level = 10;
  CHECK(gw_socket_open(host.context, &options, &socket) < 0);
  gw_socket_limits_init(&limits);
  limits.client_max_window_bits = 16;
  CHECK(gw_socket_open(host.context, &options, &socket) < 0);
  gw_listener_options serving = listening();
  serving.struct_size -= 1;
  CHECK_STATUS(gw_listener_open(host.context, &serving, &listener), GW_ERR_STRUCT_SIZE);
  serving = listening();
  serving.flags = 1u << 31;
  CHECK_STATUS(gw_listener_open(host.context, &serving, &listener), GW_ERR_FLAGS);
  serving.flags = GW_LISTENER_PLAINTEXT;
  serving.address = "0.0.0.0";
  CHECK_STATUS(gw_listener_open(host.context, &serving, &listener), GW_ERR_PLAINTEXT);
  CHECK(socket == NULL && listener == NULL);
  host_close(&host);
}

static void stale_ids_are_gone(void) {
  link_pair link;
  gw_socket_state state = {.struct_size = sizeof state};
  REQUIRE(listen_on(&link, listening()));
  static const uint64_t ids[] = {1, 0x100000001, UINT64_MAX};
  for (size_t at = 0; at < sizeof ids / sizeof *ids; ++at) {
    CHECK_STATUS(gw_listener_accept(link.listener, ids[at], NULL), GW_ERR_GONE);
    CHECK_STATUS(gw_listener_reject(link.listener, ids[at], 403, "no"), GW_ERR_GONE);
    CHECK_STATUS(gw_listener_send(link.listener, ids[at], GW_TEXT, "a", 1, 0), GW_ERR_GONE);
    CHECK_STATUS(gw_listener_ping(link.listener, ids[at], NULL, 0), GW_ERR_GONE);
    CHECK_STATUS(gw_listener_disconnect(link.listener, ids[at], 1000, NULL), GW_ERR_GONE);
    CHECK_STATUS(gw_listener_get_state(link.listener, ids[at], &state), GW_ERR_GONE);
  }
  link_close(&link);
}

static void messages_go_both_ways(void) {
  link_pair link;
  kept_event event;
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "gr\xc3\xbc\xc3\x9f dich", 11, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(event.event.connection == link.peer);
  CHECK(event.event.code == GW_TEXT && slice_is(event.event.payload, "gr\xc3\xbc\xc3\x9f dich"));
  CHECK_STATUS(gw_listener_send(link.listener, link.peer, GW_BINARY, "\0\1\2", 3, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_socket_id(link.socket), &event));
  CHECK(event.event.code == GW_BINARY && event.event.payload.len == 3);
  CHECK(memcmp(event.event.payload.ptr, "\0\1\2", 3) == 0);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, NULL, 0, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(event.event.code == GW_TEXT && event.event.payload.len == 0);
  gw_socket_state state = {.struct_size = sizeof state};
  CHECK_STATUS(gw_socket_get_state(link.socket, &state), GW_OK);
  CHECK(state.phase == GW_PHASE_READY && state.tls == 1 && state.deflate == 1);
  link_close(&link);
}

static void parts_make_one_message(void) {
  link_pair link;
  kept_event event;
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "one ", 4, GW_SEND_PART), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, "two ", 4, GW_SEND_PART), GW_ERR_STATE);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "two ", 4, GW_SEND_PART), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "three", 5, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(slice_is(event.event.payload, "one two three"));
  CHECK((event.event.flags & GW_EVENT_PART) == 0);
  link_close(&link);
}

static void what_is_wrong_is_not_sent(void) {
  link_pair link;
  char large[126] = {0};
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "\xff", 1, 0), GW_ERR_UTF8);
  CHECK_STATUS(gw_socket_send(link.socket, 0, "a", 1, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_send(link.socket, 8, "a", 1, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, NULL, 1, 0), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "a", 1, 1u << 31), GW_ERR_FLAGS);
  CHECK_STATUS(gw_socket_ping(link.socket, large, sizeof large), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_ping(link.socket, NULL, 1), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_close(link.socket, 1005, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_disconnect(link.listener, link.peer, 999, NULL), GW_ERR_ARGUMENT);
  link_close(&link);
}

static void the_host_decides_who_comes_in(void) {
  static const char *const protocols[] = {"chat.v2", "chat.v1"};
  link_pair link;
  kept_event event, open;
  gw_listener_options serving = listening();
  gw_socket_options options = opening();
  serving.flags = GW_LISTENER_ASK;
  options.subprotocols = protocols;
  options.subprotocol_count = 2;
  REQUIRE(listen_on(&link, serving) && start(&link, options));
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_REQUEST, gw_listener_id(link.listener), &event));
  CHECK_STATUS(gw_listener_accept(link.listener, event.event.connection, "chat.v9"), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_accept(link.listener, event.event.connection, "chat.v1"), GW_OK);
  REQUIRE(both_open(&link, &open));
  CHECK(slice_is(open.event.name, "chat.v1"));
  gw_socket_free(link.socket);

  REQUIRE(start(&link, options));
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_REQUEST, gw_listener_id(link.listener), &event));
  CHECK_STATUS(gw_listener_reject(link.listener, event.event.connection, 200, "no"), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_reject(link.listener, event.event.connection, 403, "not you"), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 403);
  CHECK(slice_has(event.event.payload, "not you"));
  link_close(&link);
}

static void both_ends_see_one_end(void) {
  link_pair link;
  kept_event event;
  int here = 0, there = 0;
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_socket_close(link.socket, 4001, "enough"), GW_OK);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((here == 0 || there == 0) && host_next(&link.host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type != GW_EVENT_SOCKET_CLOSED) continue;
    CHECK(event.event.flags & GW_EVENT_CLEAN);
    if (event.event.source == gw_socket_id(link.socket)) {
      CHECK_STATUS(event.event.status, GW_OK);
      ++here;
    } else {
      CHECK_STATUS(event.event.status, GW_ERR_CLOSED);
      CHECK(event.event.code == 4001 && slice_is(event.event.name, "enough"));
      CHECK(event.event.connection == link.peer);
      ++there;
    }
  }
  CHECK(here == 1 && there == 1);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "late", 4, 0), GW_ERR_GONE);
  CHECK_STATUS(gw_listener_send(link.listener, link.peer, GW_TEXT, "late", 4, 0), GW_ERR_GONE);
  link_close(&link);
}

static char answered[16];

static void break_after_a_message(peer *peer) {
  static const char bytes[] = "\x81\x05" "first" "\xf1\x00";
  if (peer_upgrade(peer) && peer_send(peer, bytes, sizeof bytes - 1)) peer_read_json(peer, answered, sizeof answered);
  peer_wait_end(peer);
}

/* A library thread does not wait for the host, so the order is certain only where the host's polls do the work. */
static void what_came_before_a_failure_can_be_answered(void) {
  link_pair link;
  kept_event event;
  gw_socket_options options = opening();
  if (host_takeover != GW_TAKEOVER_NEVER) return;
  memset(&link, 0, sizeof link);
  peer_server *server = peer_listen(break_after_a_message, NULL, 1);
  REQUIRE(server != NULL && host_open(&link.host));
  snprintf(link.url, sizeof link.url, "%s", peer_url(server));
  REQUIRE(start(&link, options));
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_socket_id(link.socket), &event));
  CHECK(slice_is(event.event.payload, "first"));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "second", 6, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK_STATUS(event.event.status, GW_ERR_PROTOCOL);
  gw_socket_free(link.socket);
  host_close(&link.host);
  peer_join(server);
  CHECK(strcmp(answered, "second") == 0);
}

/* Waits for both ends of a connection that its socket has aborted. */
static void check_aborted(link_pair *link) {
  kept_event event;
  int here = 0, there = 0;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((here == 0 || there == 0) && host_next(&link->host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type != GW_EVENT_SOCKET_CLOSED) continue;
    bool is_socket = event.event.source == gw_socket_id(link->socket);
    CHECK_STATUS(event.event.status, is_socket ? GW_ERR_CANCELLED : GW_ERR_LOST);
    CHECK(event.event.code == 1006 && (event.event.flags & GW_EVENT_CLEAN) == 0);
    ++*(is_socket ? &here : &there);
  }
  CHECK(here == 1 && there == 1);
  CHECK_STATUS(gw_socket_abort(link->socket), GW_ERR_GONE);
  CHECK_STATUS(gw_listener_abort(link->listener, link->peer), GW_ERR_GONE);
  link_close(link);
}

static const char upgrade[] =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

static void aborting_waits_for_nobody(void) {
  link_pair link;
  char queued[100000] = {0};
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, queued, sizeof queued, 0), GW_OK);
  CHECK_STATUS(gw_socket_abort(link.socket), GW_OK);
  check_aborted(&link);

  /* A peer that does not answer the close frame. */
  kept_event event;
  gw_listener_options serving = listening();
  serving.flags = GW_LISTENER_PLAINTEXT;
  REQUIRE(listen_on(&link, serving));
  int client = peer_connect(gw_listener_port(link.listener), upgrade, sizeof upgrade - 1);
  REQUIRE(client >= 0 && host_wait(&link.host, GW_EVENT_SOCKET_OPEN, gw_listener_id(link.listener), &event));
  link.peer = event.event.connection;
  CHECK_STATUS(gw_listener_disconnect(link.listener, link.peer, 1000, NULL), GW_OK);
  CHECK_STATUS(gw_listener_abort(link.listener, link.peer), GW_OK);
  CHECK(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_listener_id(link.listener), &event));
  CHECK_STATUS(event.event.status, GW_ERR_CANCELLED);
  CHECK(event.event.code == 1006 && (event.event.flags & GW_EVENT_CLEAN) == 0);
  CHECK_STATUS(gw_listener_abort(link.listener, link.peer), GW_ERR_GONE);
  link_close(&link);
  peer_disconnect(client);
}

static void what_is_not_yet_open_can_be_aborted(void) {
  link_pair link;
  kept_event event;
  gw_listener_options serving = listening();
  serving.flags = GW_LISTENER_ASK;
  REQUIRE(listen_on(&link, serving) && start(&link, opening()));
  CHECK_STATUS(gw_socket_abort(link.socket), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK_STATUS(event.event.status, GW_ERR_CANCELLED);
  gw_socket_free(link.socket);

  REQUIRE(start(&link, opening()));
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_REQUEST, gw_listener_id(link.listener), &event));
  CHECK_STATUS(gw_listener_abort(link.listener, event.event.connection), GW_OK);
  CHECK_STATUS(gw_listener_accept(link.listener, event.event.connection, NULL), GW_ERR_GONE);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK(event.event.status < 0);
  link_close(&link);
}

static void stopping_a_listener_ends_its_connections(void) {
  link_pair link;
  kept_event event;
  bool closed = false, stopped = false;
  REQUIRE(link_open(&link));
  CHECK_STATUS(gw_listener_stop(link.listener), GW_OK);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while ((!closed || !stopped) && host_next(&link.host, (int32_t)(end - host_now()), &event)) {
    if (event.event.type == GW_EVENT_SOCKET_CLOSED && event.event.source == gw_socket_id(link.socket)) {
      CHECK(event.event.code == 1001);
      closed = true;
    }
    stopped |= event.event.type == GW_EVENT_SERVER_CLOSED;
  }
  CHECK(closed && stopped);
  CHECK_STATUS(gw_listener_stop(link.listener), GW_ERR_GONE);
  link_close(&link);
}

static void handles_are_freed_in_any_order(void) {
  static const char *const orders[] = {"slx", "sxl", "lsx", "lxs", "xsl", "xls"};
  for (size_t order = 0; order < sizeof orders / sizeof *orders; ++order) {
    link_pair link;
    REQUIRE(link_open(&link));
    for (const char *step = orders[order]; *step != 0; ++step) {
      if (*step == 's') gw_socket_free(link.socket);
      if (*step == 'l') gw_listener_free(link.listener);
      if (*step == 'x') host_close(&link.host);
    }
  }
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("sockets: NULL is a status in every function", null_is_a_status);
  RUN("sockets: short structs, unknown flags, limits out of range", options_are_sized);
  RUN("sockets: ids that never were are gone", stale_ids_are_gone);
  RUN("sockets: text and binary go both ways", messages_go_both_ways);
  RUN("sockets: parts make one message (RFC 6455 section 5.4)", parts_make_one_message);
  RUN("sockets: what is wrong is not sent", what_is_wrong_is_not_sent);
  RUN("sockets: the host decides who comes in", the_host_decides_who_comes_in);
  RUN("sockets: both ends see one end", both_ends_see_one_end);
  RUN("sockets: what came before a failure can be answered (RFC 6455 section 7.1.7)",
      what_came_before_a_failure_can_be_answered);
  RUN("sockets: aborting waits for nobody", aborting_waits_for_nobody);
  RUN("sockets: what is not yet open can be aborted", what_is_not_yet_open_can_be_aborted);
  RUN("sockets: stopping a listener ends its connections", stopping_a_listener_ends_its_connections);
  RUN("sockets: handles are freed in any order", handles_are_freed_in_any_order);
  return test_finish();
}
