/* Gateways that break rules, fall silent or go away, one in each phase.  Every attempt ends in exactly one event, with the
 * status that says what happened, and a text. */
#define _GNU_SOURCE
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* --- upgrade (RFC 6455 section 4) --- */

static bool answer(peer *peer, const char *text) {
  char head[8192];
  return peer_read_head(peer, head, sizeof head) && peer_send_text(peer, text);
}

static void upgrade_silence(peer *peer) { peer_wait_end(peer); }

static void upgrade_cut(peer *peer) {
  char head[8192];
  peer_read_head(peer, head, sizeof head);
}

static void upgrade_reset(peer *peer) {
  char head[8192];
  peer_read_head(peer, head, sizeof head);
  peer_reset(peer);
}

static void upgrade_half(peer *peer) { answer(peer, "HTTP/1.1 101 Switching Pro"); }

static void upgrade_half_then_silence(peer *peer) {
  if (answer(peer, "HTTP/1.1 101 Switching Protocols\r\nUpgra")) peer_wait_end(peer);
}

static void upgrade_garbage(peer *peer) {
  if (answer(peer, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n")) peer_wait_end(peer);
}

static void upgrade_wrong_accept(peer *peer) {
  if (answer(peer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"))
    peer_wait_end(peer);
}

static void upgrade_no_accept(peer *peer) {
  if (answer(peer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"))
    peer_wait_end(peer);
}

static void upgrade_endless_head(peer *peer) {
  if (!answer(peer, "HTTP/1.1 101 Switching Protocols\r\n")) return;
  for (int line = 0; line < 100000; ++line)
    if (!peer_send_text(peer, "X-Padding: ................................................................\r\n"))
      return;
}

static void upgrade_redirect(peer *peer) {
  if (answer(peer, "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"))
    peer_wait_end(peer);
}

static void upgrade_ok_but_no_upgrade(peer *peer) {
  if (answer(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")) peer_wait_end(peer);
}

/* --- challenge and hello --- */

static void challenge_silence(peer *peer) {
  if (peer_upgrade(peer)) peer_wait_end(peer);
}

static void challenge_cut(peer *peer) { peer_upgrade(peer); }

static void challenge_without_nonce(peer *peer) {
  if (peer_upgrade(peer) &&
      peer_send_json(peer,
                     "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":\" \",\"ts\":1}}"))
    peer_wait_end(peer);
}

static void challenge_refused(peer *peer) {
  if (peer_upgrade(peer) && peer_send_frame(peer, 8, "\x03\xf5gateway starting", 18)) peer_wait_end(peer);
}

static void hello_silence(peer *peer) {
  if (peer_upgrade(peer) && peer_challenge(peer)) peer_wait_end(peer);
}

static void hello_cut(peer *peer) {
  char json[8192];
  if (peer_upgrade(peer) && peer_challenge(peer)) peer_read_json(peer, json, sizeof json);
}

static bool answer_connect(peer *peer, const char *rest) {
  char json[8192], id[256], text[4096];
  if (!peer_upgrade(peer) || !peer_challenge(peer) || !peer_read_json(peer, json, sizeof json) ||
      !peer_request_id(json, id, sizeof id))
    return false;
  snprintf(text, sizeof text, "{\"type\":\"res\",\"id\":\"%s\",%s}", id, rest);
  return peer_send_json(peer, text);
}

static void hello_refused(peer *peer) {
  if (answer_connect(peer, "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"token mismatch\","
                           "\"details\":{\"code\":\"AUTH_TOKEN_MISMATCH\"}}") &&
      peer_send_frame(peer, 8, "\x03\xf0token mismatch", 16))
    peer_wait_end(peer);
}

static void hello_unreadable(peer *peer) {
  if (answer_connect(peer, "\"ok\":true,\"payload\":[1,2,3]")) peer_wait_end(peer);
}

static void hello_too_large(peer *peer) {
  static char padding[3000];
  memset(padding, 'a', sizeof padding - 1);
  static char rest[3500];
  snprintf(rest, sizeof rest, "\"ok\":true,\"payload\":{\"padding\":\"%s\"}", padding);
  if (answer_connect(peer, rest)) peer_wait_end(peer);
}

/* --- after the hello (RFC 6455 section 5) --- */

static void frame(peer *peer, const char *bytes, size_t len) {
  if (peer_ready(peer) && peer_send(peer, bytes, len)) peer_wait_end(peer);
}

static void frame_masked(peer *peer) { frame(peer, "\x81\x82\x00\x00\x00\x00{}", 8); }
static void frame_reserved_bit(peer *peer) { frame(peer, "\xc1\x02{}", 4); }
static void frame_reserved_opcode(peer *peer) { frame(peer, "\x83\x02{}", 4); }
static void frame_fragmented_ping(peer *peer) { frame(peer, "\x09\x00", 2); }
static void frame_long_ping(peer *peer) { frame(peer, "\x89\x7e\x00\x7e", 4); }
static void frame_lone_continuation(peer *peer) { frame(peer, "\x80\x02{}", 4); }
static void frame_message_in_message(peer *peer) { frame(peer, "\x01\x01{\x81\x01}", 6); }
static void frame_length_not_minimal(peer *peer) { frame(peer, "\x81\x7e\x00\x02{}", 6); }
static void frame_length_negative(peer *peer) { frame(peer, "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10); }
static void frame_length_too_big(peer *peer) { frame(peer, "\x81\x7f\x00\x00\x00\x00\x10\x00\x00\x00", 10); }
static void frame_bad_close_code(peer *peer) { frame(peer, "\x88\x02\x03\xed", 4); }
static void frame_short_close(peer *peer) { frame(peer, "\x88\x01\x03", 3); }
static void frame_bad_utf8(peer *peer) { frame(peer, "\x81\x03\"\xff\"", 5); }
static void frame_bad_utf8_in_close(peer *peer) { frame(peer, "\x88\x03\x03\xe8\xff", 5); }
static void frame_close(peer *peer) {
  frame(peer,
        "\x88\x06\x0f\xa0"
        "done",
        8);
}

static void frame_cut(peer *peer) {
  if (peer_ready(peer)) peer_send(peer, "\x81\x05{", 3);
}

static void ready_cut(peer *peer) { peer_ready(peer); }

static void ready_reset(peer *peer) {
  if (peer_ready(peer)) peer_reset(peer);
}

static void ready_silence(peer *peer) {
  if (peer_ready(peer)) peer_wait_end(peer);
}

static void ready_without_ticks(peer *peer) {
  if (peer_upgrade(peer) && peer_hello(peer, 200)) peer_wait_end(peer);
}

typedef struct hostile_case {
  const char *name;
  peer_script *script;
  gw_status wanted;
  uint32_t code;
} hostile_case;

static const hostile_case cases[] = {
    {"upgrade: silence", upgrade_silence, GW_ERR_UPGRADE_TIMEOUT, 0},
    {"upgrade: the connection ends", upgrade_cut, GW_ERR_LOST, 0},
    {"upgrade: the connection is reset", upgrade_reset, GW_ERR_LOST, 0},
    {"upgrade: it ends in the answer", upgrade_half, GW_ERR_LOST, 0},
    {"upgrade: silence in the answer", upgrade_half_then_silence, GW_ERR_UPGRADE_TIMEOUT, 0},
    {"upgrade: not HTTP", upgrade_garbage, GW_ERR_UPGRADE_INVALID, 0},
    {"upgrade: wrong Sec-WebSocket-Accept (4.1)", upgrade_wrong_accept, GW_ERR_UPGRADE_INVALID, 0},
    {"upgrade: no Sec-WebSocket-Accept (4.1)", upgrade_no_accept, GW_ERR_UPGRADE_INVALID, 0},
    {"upgrade: a head without end", upgrade_endless_head, GW_ERR_UPGRADE_INVALID, 0},
    {"upgrade: redirects are not followed", upgrade_redirect, GW_ERR_UPGRADE_REFUSED, 302},
    {"upgrade: 200 is no upgrade", upgrade_ok_but_no_upgrade, GW_ERR_UPGRADE_REFUSED, 200},
    {"challenge: silence", challenge_silence, GW_ERR_CHALLENGE_TIMEOUT, 0},
    {"challenge: the connection ends", challenge_cut, GW_ERR_LOST, 0},
    {"challenge: blank nonce", challenge_without_nonce, GW_ERR_CHALLENGE, 0},
    {"challenge: closed with 1013", challenge_refused, GW_ERR_CLOSED, 1013},
    {"hello: silence", hello_silence, GW_ERR_HELLO_TIMEOUT, 0},
    {"hello: the connection ends", hello_cut, GW_ERR_LOST, 0},
    {"hello: refused", hello_refused, GW_ERR_CONNECT_REJECTED, 0},
    {"hello: not readable", hello_unreadable, GW_ERR_HELLO, 0},
    {"hello: too large", hello_too_large, GW_ERR_TOO_BIG, 0},
    {"masked frame from a server (5.1)", frame_masked, GW_ERR_PROTOCOL, 0},
    {"reserved bit without extension (5.2)", frame_reserved_bit, GW_ERR_PROTOCOL, 0},
    {"reserved opcode (5.2)", frame_reserved_opcode, GW_ERR_PROTOCOL, 0},
    {"fragmented ping (5.5)", frame_fragmented_ping, GW_ERR_PROTOCOL, 0},
    {"ping above 125 bytes (5.5)", frame_long_ping, GW_ERR_PROTOCOL, 0},
    {"continuation of nothing (5.4)", frame_lone_continuation, GW_ERR_PROTOCOL, 0},
    {"message inside a message (5.4)", frame_message_in_message, GW_ERR_PROTOCOL, 0},
    {"length that is not minimal (5.2)", frame_length_not_minimal, GW_ERR_PROTOCOL, 0},
    {"length with the highest bit (5.2)", frame_length_negative, GW_ERR_PROTOCOL, 0},
    {"length above the limit", frame_length_too_big, GW_ERR_TOO_BIG, 0},
    {"close code 1005 on the wire (7.4.1)", frame_bad_close_code, GW_ERR_PROTOCOL, 0},
    {"close frame of one byte (5.5.1)", frame_short_close, GW_ERR_PROTOCOL, 0},
    {"text that is not UTF-8 (8.1)", frame_bad_utf8, GW_ERR_UTF8, 0},
    {"close reason that is not UTF-8 (8.1)", frame_bad_utf8_in_close, GW_ERR_UTF8, 0},
    {"close with a code of its own", frame_close, GW_ERR_CLOSED, 4000},
    {"the connection ends in a frame", frame_cut, GW_ERR_LOST, 0},
    {"the connection ends without a close frame (7.1.5)", ready_cut, GW_ERR_LOST, 0},
    {"the connection is reset", ready_reset, GW_ERR_LOST, 0},
    {"no pong", ready_silence, GW_ERR_PONG_TIMEOUT, 0},
    {"no ticks", ready_without_ticks, GW_ERR_TICK_TIMEOUT, 0},
};

static const hostile_case *current;

static void run_case(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(current->script, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  /* Only where the peer is silent: it may be slow to come as far. */
  if (current->wanted == GW_ERR_UPGRADE_TIMEOUT) options.upgrade_timeout_ms = 100;
  if (current->wanted == GW_ERR_CHALLENGE_TIMEOUT) options.challenge_timeout_ms = 100;
  if (current->wanted == GW_ERR_HELLO_TIMEOUT) options.hello_timeout_ms = 100;
  if (current->script == ready_silence) options.ping_interval_ms = options.pong_timeout_ms = 50;
  if (current->script == hello_too_large) options.max_message_bytes = 2048;
  options.token = "secret-token";
  if (host_client_end(&host, &options, &event)) {
    CHECK_STATUS(event.event.status, current->wanted);
    if (current->code != 0) CHECK(event.event.code == current->code);
    CHECK(event.event.text.len > 0);
    CHECK(!slice_has(event.event.text, "secret-token") && !slice_has(event.event.payload, "secret-token"));
    while (host_next(&host, 0, &event)) CHECK(event.event.type != GW_EVENT_CLIENT_CLOSED);
  } else {
    CHECK(false);
  }
  host_close(&host);
  peer_join(server);
}

/* The limits of the phase and of the closing handshake are no part of it: the peer holds the connection open. */
static void a_close_frame_is_told_at_once(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(challenge_refused, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.challenge_timeout_ms = 1000;
  options.close_timeout_ms = 60000;
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_CLOSED);
  CHECK(event.event.code == 1013);
  CHECK(slice_has(event.event.text, "gateway starting"));
  host_close(&host);
  peer_join(server);
}

/* --- refused upgrades, in full --- */

static void refuse_503(peer *peer) {
  if (answer(peer, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 7\r\n"
                   "Content-Length: 32\r\n\r\nToo many unauthenticated sockets"))
    peer_wait_end(peer);
}

static void a_refused_upgrade_is_told_in_full(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(refuse_503, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 503);
  CHECK(event.event.flags & GW_EVENT_RETRYABLE);
  CHECK(slice_has(event.event.payload, "503"));
  CHECK(slice_has(event.event.payload, "Too many unauthenticated sockets"));
  CHECK(slice_has(event.event.payload, "text/plain"));
  CHECK(event.event.retry_after_ms == 7000);
  host_close(&host);
  peer_join(server);
}

static void refuse_with_much(peer *peer) {
  static char body[200001];
  memset(body, 'x', sizeof body - 1);
  if (answer(peer, "HTTP/1.1 403 Forbidden\r\nContent-Length: 200000\r\n\r\n") && peer_send_text(peer, body))
    peer_wait_end(peer);
}

static void the_body_of_a_refusal_is_limited(void) {
  host host;
  bool ended = false;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(refuse_with_much, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (!ended && host_now() < end) {
    gw_event event;
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(host.context, 1000, &event, 1, sizeof event, &batch) != GW_OK || batch.count == 0) continue;
    CHECK_STATUS(event.status, GW_ERR_UPGRADE_REFUSED);
    CHECK(event.code == 403);
    CHECK(event.payload.len >= 65536 && event.payload.len < 80000);
    ended = true;
  }
  CHECK(ended);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

/* --- what is ignored, with a warning --- */

static void say_nonsense(peer *peer) {
  char json[8192], id[256], text[512];
  if (!peer_ready(peer)) return;
  peer_send_json(peer, "{\"type\":");
  peer_send_json(peer, "[]");
  peer_send_json(peer, "{\"type\":\"res\",\"id\":\"no-such-call\",\"ok\":true}");
  peer_send_json(peer, "{\"type\":\"event\",\"event\":\"after.nonsense\",\"payload\":{\"n\":1},\"surplus\":true}");
  if (!peer_read_json(peer, json, sizeof json) || !peer_request_id(json, id, sizeof id)) return;
  snprintf(text, sizeof text, "{\"type\":\"res\",\"id\":\"%s\",\"ok\":true,\"payload\":{\"still\":\"here\"}}", id);
  if (peer_send_json(peer, text)) peer_wait_end(peer);
}

static void nonsense_is_ignored_with_a_warning(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  uint64_t call = 0;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(say_nonsense, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  static const gw_status wanted[] = {GW_ERR_JSON, GW_ERR_FRAME, GW_ERR_UNKNOWN_ID};
  for (int at = 0; at < 3; ++at) {
    REQUIRE(host_wait(&host, GW_EVENT_CLIENT_WARNING, 0, &event));
    CHECK_STATUS(event.event.status, wanted[at]);
  }
  REQUIRE(host_wait(&host, GW_EVENT_GATEWAY_EVENT, 0, &event));
  CHECK(slice_is(event.event.name, "after.nonsense"));
  CHECK(slice_is(event.event.payload, "{\"n\":1}"));
  CHECK(event.event.sequence == GW_NO_SEQUENCE);
  REQUIRE_STATUS(gw_client_call(client, "health", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
  CHECK(slice_is(event.event.payload, "{\"still\":\"here\"}"));
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void skip_numbers(peer *peer) {
  if (!peer_ready(peer)) return;
  peer_send_json(peer, "{\"type\":\"event\",\"event\":\"a\",\"seq\":1}");
  peer_send_json(peer, "{\"type\":\"event\",\"event\":\"b\",\"seq\":5}");
  peer_wait_end(peer);
}

static void missing_events_show_as_a_gap(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(skip_numbers, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_GAP, 0, &event));
  CHECK(event.event.sequence == 5);
  CHECK(event.event.code == 3);
  REQUIRE(host_wait(&host, GW_EVENT_GATEWAY_EVENT, 0, &event));
  CHECK(slice_is(event.event.name, "b"));
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void cut_after_request(peer *peer) {
  char json[8192];
  if (peer_ready(peer)) peer_read_json(peer, json, sizeof json);
}

static void a_loss_ends_calls_with_an_unknown_outcome(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  uint64_t call = 0;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(cut_after_request, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  REQUIRE_STATUS(gw_client_call(client, "job.run", NULL, 0, NULL, &call), GW_OK);
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event));
  CHECK(event.event.type == GW_EVENT_CALL_DONE && event.event.subject == call);
  CHECK_STATUS(event.event.status, GW_ERR_OUTCOME_UNKNOWN);
  REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event));
  CHECK(event.event.type == GW_EVENT_CLIENT_CLOSED);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static atomic_bool queued;

static void stop_reading(peer *peer) {
  if (!peer_ready(peer)) return;
  while (!queued) usleep(1000);
  peer_reset(peer);
}

static void what_never_left_was_not_sent(void) {
  enum { CALLS = 12, SIZE = 1 << 20 };
  host host;
  kept_event event;
  gw_client *client = NULL;
  uint64_t calls[CALLS];
  int unknown = 0, unsent = 0;
  char *params = malloc(SIZE);
  REQUIRE(params != NULL && host_open(&host));
  memset(params, 'a', SIZE);
  params[0] = params[SIZE - 1] = '"';
  queued = false;
  peer_server *server = peer_listen(stop_reading, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  for (int at = 0; at < CALLS; ++at) CHECK(gw_client_call(client, "job.run", params, SIZE, NULL, &calls[at]) >= 0);
  CHECK_STATUS(gw_context_flush(host.context), GW_OK);
  queued = true;
  for (int at = 0; at < CALLS; ++at) {
    REQUIRE(host_wait(&host, GW_EVENT_CALL_DONE, 0, &event));
    CHECK(event.event.status == GW_ERR_OUTCOME_UNKNOWN || event.event.status == GW_ERR_NOT_SENT);
    unknown += event.event.status == GW_ERR_OUTCOME_UNKNOWN;
    unsent += event.event.status == GW_ERR_NOT_SENT;
    if (event.event.subject == calls[0]) CHECK_STATUS(event.event.status, GW_ERR_OUTCOME_UNKNOWN);
    if (event.event.subject == calls[CALLS - 1]) CHECK_STATUS(event.event.status, GW_ERR_NOT_SENT);
  }
  CHECK(unknown > 0 && unsent > 0);
  free(params);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static bool forged;

static void read_request(peer *peer) {
  char head[8192];
  if (peer_read_head(peer, head, sizeof head)) forged = strstr(head, "\r\nX-Forged") != NULL;
}

static void a_url_cannot_forge_headers(void) {
  static const char *const ends[] = {"/\r\nX-Forged: 1\r\n", "/?\nX-Forged: 1",
                                     "/ HTTP/1.1\r\nX-Forged: 1\r\nX: ", "/%0d%0aX-Forged: 1"};
  for (size_t at = 0; at < sizeof ends / sizeof *ends; ++at) {
    host host;
    kept_event event;
    char url[128];
    gw_client *client = NULL;
    REQUIRE(host_open(&host));
    forged = false;
    peer_server *server = peer_listen(read_request, NULL, 1);
    snprintf(url, sizeof url, "%s%s", peer_url(server), ends[at]);
    gw_client_options options = host_client_options(url);
    if (gw_client_open(host.context, &options, &client) == GW_OK)
      CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
    gw_client_free(client);
    host_close(&host);
    peer_join(server);
    CHECK(!forged);
  }
}

/* --- hostile clients of the embedded gateway --- */

static void peer_ends(const char *bytes, size_t len) {
  host host;
  kept_event event;
  gw_server *server = NULL;
  REQUIRE(host_open(&host));
  gw_server_options options = host_server_options();
  options.flags = GW_SERVER_PLAINTEXT;
  options.handshake_timeout_ms = 200;
  REQUIRE_STATUS(gw_server_open(host.context, &options, &server), GW_OK);
  int socket = peer_connect(gw_server_port(server), bytes, len);
  REQUIRE(socket >= 0);
  CHECK(host_wait(&host, GW_EVENT_PEER_DISCONNECTED, 0, &event));
  CHECK(event.event.status < 0);
  CHECK(event.event.text.len > 0);
  peer_disconnect(socket);
  gw_server_free(server);
  host_close(&host);
}

static void gateway_meets_silence(void) { peer_ends("", 0); }
static void gateway_meets_noise(void) { peer_ends("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15); }
static void gateway_meets_http(void) { peer_ends("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27); }
static void gateway_meets_half_a_head(void) { peer_ends("GET / HTTP/1.1\r\nHost", 20); }

#define UPGRADE                                                                                                        \
  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"            \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void gateway_meets_unmasked(void) { peer_ends(UPGRADE "\x81\x02{}", sizeof UPGRADE - 1 + 4); }
static void gateway_meets_broken_json(void) { peer_ends(UPGRADE "\x81\x81\0\0\0\0{", sizeof UPGRADE - 1 + 7); }
static void gateway_meets_no_connect(void) {
  static const char bytes[] = UPGRADE "\x81\xa9\0\0\0\0{\"type\":\"req\",\"id\":\"1\",\"method\":\"health\"}";
  peer_ends(bytes, sizeof bytes - 1);
}
static void gateway_meets_a_giant(void) {
  peer_ends(UPGRADE "\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00\0\0\0\0", sizeof UPGRADE - 1 + 14);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  for (size_t at = 0; at < sizeof cases / sizeof *cases; ++at) {
    current = &cases[at];
    RUN(current->name, run_case);
  }
  RUN("a close frame is told at once, whoever holds the connection open", a_close_frame_is_told_at_once);
  RUN("a refused upgrade is told in full", a_refused_upgrade_is_told_in_full);
  RUN("the body of a refusal is limited to 64 KiB", the_body_of_a_refusal_is_limited);
  RUN("nonsense is ignored with a warning", nonsense_is_ignored_with_a_warning);
  RUN("missing events show as a gap", missing_events_show_as_a_gap);
  RUN("a loss ends calls with an unknown outcome", a_loss_ends_calls_with_an_unknown_outcome);
  RUN("what never left was not sent", what_never_left_was_not_sent);
  RUN("a URL cannot forge headers", a_url_cannot_forge_headers);
  RUN("gateway: a client that says nothing", gateway_meets_silence);
  RUN("gateway: a client that does not speak HTTP", gateway_meets_noise);
  RUN("gateway: a request that is no upgrade", gateway_meets_http);
  RUN("gateway: half a request", gateway_meets_half_a_head);
  RUN("gateway: an unmasked frame (RFC 6455 section 5.1)", gateway_meets_unmasked);
  RUN("gateway: broken JSON before the hello", gateway_meets_broken_json);
  RUN("gateway: a first request that is not connect", gateway_meets_no_connect);
  RUN("gateway: a first message above 64 KiB", gateway_meets_a_giant);
  return test_finish();
}
