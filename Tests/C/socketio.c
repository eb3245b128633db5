/* Socket.IO byte for byte, as a server that is not ours reads and writes it: namespaces, events, acknowledgements and attachments both ways,
 * and what servers must not do. */
#include "host.h"
#include "peer.h"
#include "test.h"

#define OPEN "0{\"sid\":\"E1\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000}"

static char head[4096];    /* of the upgrade request */
static char seen[16][512]; /* texts that the server has read, in order */
static int seen_count;

static bool read_text(peer *peer) {
  return seen_count < 16 && peer_read_json(peer, seen[seen_count], sizeof seen[0]) && ++seen_count > 0;
}

static bool saw(int place, const char *text) { return place < seen_count && strcmp(seen[place], text) == 0; }

static bool accept_with(peer *peer, const char *open) {
  return peer_read_head(peer, head, sizeof head) && peer_accept_upgrade(peer, head) && peer_send_json(peer, open);
}

/* Up to the answer to the first connect packet. */
static bool take_in(peer *peer) {
  return accept_with(peer, OPEN) && read_text(peer) && peer_send_json(peer, "40{\"sid\":\"S1\"}");
}

static gw_client *open_client(host *host, peer_server *server, const char *path, const gw_sio_options *sio, uint32_t flags) {
  char url[128];
  gw_client *client = NULL;
  snprintf(url, sizeof url, "http%s%s", peer_url(server) + 2, path);
  gw_client_options options = host_client_options(url);
  options.dialect = GW_DIALECT_SOCKETIO;
  options.flags = flags;
  options.reconnect_initial_ms = 1;
  options.sio = sio;
  seen_count = 0;
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

static uint64_t join(gw_client *client, const char *name) {
  uint64_t id = 0;
  CHECK_STATUS(gw_sio_join(client, name, NULL, &id), GW_OK);
  return id;
}

static gw_status emit(gw_client *client, uint64_t space, const char *event, const char *args) {
  return gw_sio_emit(client, space, event, args, args ? strlen(args) : 0, NULL, NULL);
}

static gw_status emit_with(gw_client *client, uint64_t space, const char *args, uint32_t flags, const gw_slice *attachments,
                           size_t count, uint64_t *ack) {
  gw_sio_emit_options options;
  gw_sio_emit_options_init(&options);
  options.flags = flags;
  options.attachments = attachments;
  options.attachment_count = count;
  return gw_sio_emit(client, space, "e", args, args ? strlen(args) : 0, &options, ack);
}

/* --- what goes over the wire --- */

static void serve_conversation(peer *peer) {
  if (!take_in(peer) || !read_text(peer)) return;
  peer_send_json(peer, "2");
  peer_send_json(peer, "42[\"h\\u00e9\" , 1, {\"a\":[]}]");
  peer_send_json(peer, "4217[\"question\"]");
  while (read_text(peer))
    if (strcmp(seen[seen_count - 1], "420[\"e\",1]") == 0) peer_send_json(peer, "430[\"yes\",2]");
}

static void events_and_acknowledgements_go_both_ways(void) {
  host host;
  kept_event event;
  uint64_t ack;
  peer_server *server = peer_listen(serve_conversation, NULL, 1);
  gw_client *client = open_client(&host, server, "?token=%C3%A9", NULL, 0);
  REQUIRE(client);
  uint64_t space = join(client, NULL);
  CHECK_STATUS(emit(client, space, "early", NULL), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  CHECK(slice_is(event.event.payload, "{\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000}"));
  REQUIRE(host_wait(&host, GW_EVENT_SIO_JOINED, 0, &event));
  CHECK(event.event.connection == space && slice_is(event.event.name, "S1") && event.event.flags == 0);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_EVENT, 0, &event));
  CHECK(slice_is(event.event.name, "h\xc3\xa9") && slice_is(event.event.payload, "[ 1, {\"a\":[]}]"));
  CHECK(event.event.subject == 0 && event.event.code == 0);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_EVENT, 0, &event));
  CHECK(slice_is(event.event.name, "question") && slice_is(event.event.payload, "[]") && event.event.subject != 0);
  CHECK_STATUS(gw_sio_ack(client, event.event.subject, "[null]", 6, NULL, 0), GW_OK);
  CHECK_STATUS(gw_sio_ack(client, event.event.subject, "[null]", 6, NULL, 0), GW_ERR_GONE);
  CHECK_STATUS(emit_with(client, space, " [ 1] ", GW_SIO_ACK, NULL, 0, &ack), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_ACK, 0, &event));
  CHECK(event.event.subject == ack && event.event.status == GW_OK && slice_is(event.event.payload, "[\"yes\",2]"));
  CHECK_STATUS(emit(client, space, "q\"", "[]"), GW_OK);
  CHECK_STATUS(gw_sio_leave(client, space), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_LEFT, 0, &event));
  CHECK(event.event.status == GW_OK && slice_is(event.event.name, "io client disconnect"));
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_DISCONNECTED, 0, &event));
  CHECK(event.event.flags & GW_EVENT_PAUSED);
  finish(&host, client, server);
  const char *request = "GET /socket.io/?token=%C3%A9&EIO=4&transport=websocket HTTP/1.1\r\n";
  CHECK(strncmp(head, request, strlen(request)) == 0);
  CHECK(saw(0, "40") && saw(1, "42[\"early\"]") && saw(2, "3") && saw(3, "4317[null]") && saw(4, "420[\"e\",1]"));
  CHECK(saw(5, "42[\"q\\\"\"]") && saw(6, "41") && seen_count == 7);
}

static char attachment[2][64];
static size_t attachment_len[2];

static void serve_attachments(peer *peer) {
  if (!take_in(peer) || !read_text(peer)) return;
  for (int place = 0; place < 2; ++place)
    if (!peer_read_binary(peer, attachment[place], sizeof attachment[place], &attachment_len[place])) return;
  peer_send_json(peer, "462-0[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]");
  peer_send_frame(peer, 2, "\x00\x01", 2);
  peer_send_json(peer, "2");
  peer_send_frame(peer, 2, "", 0);
  peer_send_json(peer, "451-[\"b\",{\"_placeholder\":true,\"num\":0}]");
  peer_send_json(peer, "bAQID");
  peer_wait_end(peer);
}

static bool attachment_is(const gw_event *event, size_t place, const void *bytes, size_t len) {
  const gw_slice *slices = (const gw_slice *)(const void *)event->text.ptr;
  return place < event->code && slices[place].len == len && memcmp(slices[place].ptr, bytes, len) == 0;
}

/* The next event of the type, not copied: its slices are looked at. */
static const gw_event *wait_for(host *host, uint32_t type) {
  for (int64_t until = host_now() + HOST_DEADLINE_MS; host_now() < until;) {
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(host->context, 100, host->batch, 1, sizeof(gw_event), &batch) < 0) return NULL;
    if (batch.count == 1 && host->batch[0].type == type) return &host->batch[0];
  }
  return NULL;
}

static void attachments_go_both_ways_in_order(void) {
  host host;
  uint64_t ack;
  const gw_event *event;
  gw_slice data[2] = {{(const uint8_t *)"a\0b", 3}, {NULL, 0}};
  peer_server *server = peer_listen(serve_attachments, NULL, 1);
  gw_client *client = open_client(&host, server, "/", NULL, 0);
  REQUIRE(client);
  uint64_t space = join(client, "/");
  REQUIRE(wait_for(&host, GW_EVENT_SIO_JOINED));
  const char *args = "[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";
  CHECK_STATUS(emit_with(client, space, args, GW_SIO_ACK, data, 2, &ack), GW_OK);
  REQUIRE((event = wait_for(&host, GW_EVENT_SIO_ACK)) != NULL);
  CHECK(event->subject == ack && event->code == 2 && event->text.len == 2 * sizeof(gw_slice));
  CHECK(attachment_is(event, 0, "\x00\x01", 2) && attachment_is(event, 1, "", 0));
  REQUIRE((event = wait_for(&host, GW_EVENT_SIO_EVENT)) != NULL);
  CHECK(slice_is(event->payload, "[{\"_placeholder\":true,\"num\":0}]") && attachment_is(event, 0, "\1\2\3", 3));
  finish(&host, client, server);
  CHECK(saw(1, "452-0[\"e\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]"));
  CHECK(attachment_len[0] == 3 && memcmp(attachment[0], "a\0b", 3) == 0 && attachment_len[1] == 0);
}

/* --- auth --- */

static void serve_refusals(peer *peer) {
  if (!accept_with(peer, OPEN) || !read_text(peer)) return;
  peer_send_json(peer, "44/secure,{\"message\":\"not authorized\",\"data\":{\"code\":401}}");
  peer_wait_end(peer);
}

static void auth_is_asked_for_and_a_refusal_carries_the_servers_data(void) {
  host host;
  kept_event event;
  gw_sio_join_options options;
  uint64_t space;
  int user;
  peer_server *server = peer_listen(serve_refusals, NULL, 1);
  gw_client *client = open_client(&host, server, "/secure", NULL, 0);
  REQUIRE(client);
  gw_sio_join_options_init(&options);
  options.flags = GW_SIO_ASK_AUTH;
  options.user_data = &user;
  REQUIRE_STATUS(gw_sio_join(client, NULL, &options, &space), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_AUTH, 0, &event));
  CHECK(event.event.connection == space && event.event.user_data == &user);
  CHECK_STATUS(gw_sio_auth(client, event.event.subject + 1, "{}", 2), GW_ERR_GONE);
  CHECK_STATUS(gw_sio_auth(client, event.event.subject, "[]", 2), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_sio_auth(client, event.event.subject, "{\"token\":\"t\"}", 13), GW_OK);
  CHECK_STATUS(gw_sio_auth(client, event.event.subject, "{}", 2), GW_ERR_GONE);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_LEFT, 0, &event));
  CHECK(event.event.status == GW_ERR_SIO_REFUSED && slice_is(event.event.text, "not authorized"));
  CHECK(slice_is(event.event.payload, "{\"code\":401}") && event.event.user_data == &user);
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_DISCONNECTED, 0, &event));
  CHECK(event.event.flags & GW_EVENT_PAUSED);
  CHECK_STATUS(emit(client, space, "e", NULL), GW_ERR_GONE);
  finish(&host, client, server);
  CHECK(saw(0, "40/secure,{\"token\":\"t\"}"));
}

/* --- servers that do what they must not --- */

static const char *offence;

static void offend(peer *peer) {
  if (!take_in(peer)) return;
  if (*offence) peer_send_json(peer, offence);
  peer_wait_end(peer);
}

static void a_broken_packet_ends_the_connection_and_it_is_made_again(void) {
  static const struct { const char *packet, *reason; gw_status status; } offences[] = {
      {"42[\"z\",3", "parse error", GW_ERR_SIO_PARSE},
      {"9", "parse error", GW_ERR_SIO_PARSE},
      {OPEN, "parse error", GW_ERR_SIO_PARSE},
      {"42[\"disconnect\"]", "parse error", GW_ERR_SIO_PARSE},
      {"4511-[\"x\"]", "parse error", GW_ERR_LIMIT},
      {"1", "transport close", GW_ERR_CLOSED},
  };
  for (size_t at = 0; at < sizeof offences / sizeof offences[0]; ++at) {
    host host;
    kept_event event;
    offence = offences[at].packet;
    peer_server *server = peer_listen(offend, NULL, 2);
    gw_client *client = open_client(&host, server, "/", NULL, 0);
    REQUIRE(client);
    uint64_t space = join(client, "/");
    REQUIRE(host_wait(&host, GW_EVENT_SIO_JOINED, 0, &event));
    REQUIRE(host_wait(&host, GW_EVENT_SIO_DISCONNECTED, 0, &event));
    CHECK(event.event.connection == space && slice_is(event.event.name, offences[at].reason));
    CHECK_STATUS(event.event.status, offences[at].status);
    offence = "";
    CHECK(host_wait(&host, GW_EVENT_SIO_JOINED, 0, &event));
    finish(&host, client, server);
  }
}

static void serve_silence(peer *peer) {
  if (!accept_with(peer, "0{\"sid\":\"E\",\"pingInterval\":40,\"pingTimeout\":20}") || !read_text(peer)) return;
  peer_send_json(peer, "40{\"sid\":\"S1\"}");
  peer_wait_end(peer);
}

static void a_server_without_pings_is_lost_and_acknowledgements_end(void) {
  host host;
  kept_event event;
  uint64_t ack;
  peer_server *server = peer_listen(serve_silence, NULL, 1);
  gw_client *client = open_client(&host, server, "/", NULL, GW_CLIENT_NO_RECONNECT);
  REQUIRE(client);
  uint64_t space = join(client, "/");
  REQUIRE(host_wait(&host, GW_EVENT_SIO_JOINED, 0, &event));
  CHECK_STATUS(emit_with(client, space, NULL, GW_SIO_ACK, NULL, 0, &ack), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_ACK, 0, &event));
  CHECK(event.event.subject == ack && event.event.status == GW_ERR_OUTCOME_UNKNOWN);
  REQUIRE(host_wait(&host, GW_EVENT_SIO_DISCONNECTED, 0, &event));
  CHECK(event.event.status == GW_ERR_SIO_PING_TIMEOUT && slice_is(event.event.name, "ping timeout"));
  REQUIRE(host_wait(&host, GW_EVENT_SIO_LEFT, 0, &event));
  CHECK(event.event.status == GW_ERR_SIO_PING_TIMEOUT);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  gw_client_free(client);
  peer_join(server);
  host_close(&host);
}

static void serve_http_after_the_upgrade(peer *peer) {
  if (!peer_upgrade(peer)) return;
  peer_send_text(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  peer_wait_end(peer);
}

static void a_server_of_another_protocol_is_named_as_such(void) {
  host host;
  kept_event event;
  peer_server *server = peer_listen(serve_http_after_the_upgrade, NULL, 1);
  gw_client *client = open_client(&host, server, "/", NULL, GW_CLIENT_NO_RECONNECT);
  REQUIRE(client);
  join(client, "/");
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK(slice_has(event.event.text, "does not speak Engine.IO 4"));
  gw_client_free(client);
  peer_join(server);
  host_close(&host);
}

/* --- arguments --- */

static void what_cannot_be_sent_is_refused(void) {
  host host;
  kept_event event;
  uint64_t ack, other = 1;
  char large[1100];
  gw_slice data = {(const uint8_t *)"x", 1};
  peer_server *server = peer_listen(serve_conversation, NULL, 1);
  gw_client *client = open_client(&host, server, "/", NULL, 0);
  REQUIRE(client);
  uint64_t space = join(client, "/");
  REQUIRE(host_wait(&host, GW_EVENT_SIO_JOINED, 0, &event));
  CHECK_STATUS(emit(client, space, "connect_error", NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(emit(client, space, "e", "{}"), GW_ERR_ARGUMENT);
  CHECK_STATUS(emit(client, space, "e", "[1"), GW_ERR_JSON_TEXT);
  CHECK_STATUS(emit(client, space + 1, "e", NULL), GW_ERR_GONE);
  CHECK_STATUS(emit_with(client, space, "[{\"_placeholder\":true,\"num\":1}]", 0, &data, 1, &ack), GW_ERR_ARGUMENT);
  CHECK_STATUS(emit_with(client, space, NULL, GW_SIO_ACK, NULL, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(emit_with(client, space, NULL, 4, NULL, 0, &ack), GW_ERR_FLAGS);
  CHECK_STATUS(emit_with(client, space, NULL, 0, &data, 11, &ack), GW_ERR_LIMIT);
  memset(large, '1', sizeof large);
  large[0] = '[', large[sizeof large - 2] = ']', large[sizeof large - 1] = 0;
  CHECK_STATUS(emit(client, space, "e", large), GW_ERR_TOO_BIG);
  CHECK_STATUS(gw_sio_join(client, "/", NULL, &other), GW_ERR_STATE);
  CHECK_STATUS(gw_sio_join(client, "chat", NULL, &other), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_sio_join(client, "/a,b", NULL, &other), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_sio_leave(client, space + 1), GW_ERR_GONE);
  CHECK_STATUS(gw_client_call(client, "m", NULL, 0, NULL, &ack), GW_ERR_STATE);
  CHECK_STATUS(gw_client_cancel(client, 77), GW_ERR_GONE);
  finish(&host, client, server);
}

static void options_of_another_dialect_are_refused(void) {
  host host;
  gw_client *client = NULL;
  uint64_t space;
  gw_sio_options sio;
  gw_sio_options_init(&sio);
  REQUIRE(host_open(&host));
  gw_client_options options = host_client_options("http://127.0.0.1:1/");
  options.sio = &sio;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.dialect = 77;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.dialect = GW_DIALECT_SOCKETIO;
  options.token = "t";
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.token = NULL;
  sio.jitter_percent = 101;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  sio.jitter_percent = 0;
  options.url = "http://example.com/";
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_PLAINTEXT);
  options = host_client_options("ws://127.0.0.1:1/");
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK_STATUS(gw_sio_join(client, "/", NULL, &space), GW_ERR_STATE);
  gw_client_free(client);
  host_close(&host);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("events and acknowledgements go both ways", events_and_acknowledgements_go_both_ways);
  RUN("attachments go both ways, in order, also as base64", attachments_go_both_ways_in_order);
  RUN("auth is asked for, and a refusal carries the server's data",
      auth_is_asked_for_and_a_refusal_carries_the_servers_data);
  RUN("a broken packet ends the connection, and it is made again",
      a_broken_packet_ends_the_connection_and_it_is_made_again);
  RUN("a server without pings is lost, and acknowledgements end", a_server_without_pings_is_lost_and_acknowledgements_end);
  RUN("a server of another protocol is named as such", a_server_of_another_protocol_is_named_as_such);
  RUN("what cannot be sent is refused", what_cannot_be_sent_is_refused);
  RUN("options and calls of another dialect are refused", options_of_another_dialect_are_refused);
  return test_finish();
}
