/* Answers other than 101 (RFC 6455 section 4.1): refusals with their status, headers and body, and redirects, which are followed only
 * where the host asks for it.  The servers are not ours. */
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdlib.h>

static const char *directory;
static char certificate[1024];

/* What the scripts answer, and the requests that they saw. */
static char answer[8192];
static char heads[8][8192];
static int head_count;

static void reset(void) {
  memset(heads, 0, sizeof heads);
  head_count = 0;
}

static bool read_request(peer *peer) {
  return head_count < 8 && peer_read_head(peer, heads[head_count++], sizeof heads[0]);
}

static void answering(peer *peer) {
  if (read_request(peer)) peer_send_text(peer, answer);
  peer_wait_end(peer);
}

static void answering_over_tls(peer *peer) {
  if (peer_tls(peer)) answering(peer);
}

/* Sends the first connection on to answer and opens the second. */
static void answering_once(peer *peer) {
  if (head_count == 0) {
    answering(peer);
  } else {
    if (read_request(peer)) peer_accept_upgrade(peer, heads[head_count - 1]);
    peer_wait_end(peer);
  }
}

static void opening(peer *peer) {
  if (read_request(peer)) peer_accept_upgrade(peer, heads[head_count - 1]);
  peer_wait_end(peer);
}

static void redirect_to(const char *location) {
  snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location);
}

/* Opens a socket and waits for either event. */
static bool outcome(host *host, const char *url, uint32_t redirects, kept_event *out, gw_socket **socket) {
  static const gw_header headers[] = {
      {"Authorization", "Bearer secret"}, {"Cookie", "session=secret"}, {"X-Trace", "kept"}};
  gw_socket_options options;
  gw_socket_options_init(&options);
  options.url = url;
  /* A user in the URL becomes the authorization. */
  size_t skipped = strchr(url, '@') != NULL;
  options.headers = headers + skipped;
  options.header_count = sizeof headers / sizeof *headers - skipped;
  options.max_redirects = redirects;
  options.ca_file = certificate;
  if (gw_socket_open(host->context, &options, socket) != GW_OK) return false;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (host_next(host, (int32_t)(end - host_now()), out))
    if (out->event.type == GW_EVENT_SOCKET_OPEN || out->event.type == GW_EVENT_SOCKET_CLOSED) return true;
  return false;
}

/* The same, against one server; the socket is freed. */
static bool outcome_of(peer_script *script, int connections, bool tls, uint32_t redirects, kept_event *out) {
  host host;
  gw_socket *socket = NULL;
  reset();
  peer_server *server = peer_listen(script, tls ? certificate : NULL, connections);
  bool found = server != NULL && host_open(&host) && outcome(&host, peer_url(server), redirects, out, &socket);
  gw_socket_free(socket);
  host_close(&host);
  if (server != NULL) peer_join(server);
  return found;
}

static bool header_is(const char *head, const char *line) { return strstr(head, line) != NULL; }

static void refusals_are_told_whole(void) {
  kept_event event;
  snprintf(answer, sizeof answer,
           "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"x\"\r\nContent-Length: 11\r\n\r\nlog in \"me\"");
  REQUIRE(outcome_of(answering, 1, false, 0, &event));
  CHECK(event.event.type == GW_EVENT_SOCKET_CLOSED);
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 401 && event.event.actor == GW_ACTOR_USER);
  CHECK(slice_has(event.event.payload, "\"status\":401"));
  CHECK(slice_has(event.event.payload, "[\"WWW-Authenticate\",\"Bearer realm=\\\"x\\\"\"]"));
  CHECK(slice_has(event.event.payload, "\"body\":\"log in \\\"me\\\"\""));
}

static void a_body_that_stalls_does_not_hide_the_status(void) {
  kept_event event;
  snprintf(answer, sizeof answer, "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\nRetry-After: 7\r\n\r\nlater");
  REQUIRE(outcome_of(answering, 1, false, 3, &event));
  CHECK(event.event.code == 503 && event.event.retry_after_ms == 7000);
  CHECK((event.event.flags & GW_EVENT_RETRYABLE) != 0 && slice_has(event.event.payload, "later"));
}

static void redirects_are_opt_in(void) {
  kept_event event;
  redirect_to("/elsewhere");
  REQUIRE(outcome_of(answering, 1, false, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 302 && slice_has(event.event.payload, "/elsewhere"));
}

static void a_redirect_within_the_origin_keeps_the_credentials(void) {
  kept_event event;
  static const char *const statuses[] = {"301", "302", "303", "307", "308"};
  for (size_t index = 0; index < sizeof statuses / sizeof *statuses; ++index) {
    snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nLocation: ../b?c#d\r\nContent-Length: 0\r\n\r\n", statuses[index]);
    REQUIRE(outcome_of(answering_once, 2, false, 1, &event));
    CHECK(event.event.type == GW_EVENT_SOCKET_OPEN);
    CHECK(slice_has(event.event.payload, "\"redirects\":1") && slice_has(event.event.payload, "/b?c\""));
    CHECK(header_is(heads[1], "GET /b?c HTTP/1.1\r\n") && header_is(heads[1], "Bearer secret"));
    const char *first = strstr(heads[0], "Sec-WebSocket-Key:"), *second = strstr(heads[1], "Sec-WebSocket-Key:");
    CHECK(first != NULL && second != NULL && strncmp(first, second, 40) != 0);
  }
}

static void another_origin_gets_no_credentials(void) {
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  char url[300];
  reset();
  peer_server *target = peer_listen(opening, NULL, 1);
  peer_server *server = peer_listen(answering, NULL, 1);
  REQUIRE(target != NULL && server != NULL && host_open(&host));
  redirect_to(peer_url(target));
  snprintf(url, sizeof url, "ws://name:word@%s/", peer_url(server) + strlen("ws://"));
  REQUIRE(outcome(&host, url, 5, &event, &socket));
  CHECK(event.event.type == GW_EVENT_SOCKET_OPEN && slice_has(event.event.payload, peer_url(target)));
  CHECK(header_is(heads[0], "Authorization: ") && header_is(heads[0], "Cookie: "));
  CHECK(!header_is(heads[1], "Authorization") && !header_is(heads[1], "Cookie") && !header_is(heads[1], "name"));
  CHECK(header_is(heads[1], "X-Trace: kept\r\n"));
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
  peer_join(target);
}

static void never_from_wss_to_ws(void) {
  kept_event event;
  redirect_to("ws://localhost:1/");
  REQUIRE(outcome_of(answering_over_tls, 1, true, 5, &event));
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 302 && slice_has(event.event.text, "wss to ws"));
}

static void opening_over_tls(peer *peer) {
  if (peer_tls(peer)) opening(peer);
}

/* What a redirect to a TLS server that shows a certificate leads to: the target's script, the pins of the first. */
static void leads(bool from_tls, const char *shown, const char *pin, gw_status wanted) {
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  gw_socket_options options;
  char path[1100];
  const char *pins[] = {pin};
  reset();
  snprintf(path, sizeof path, "%s/%s", directory, shown);
  peer_server *target = peer_listen(opening_over_tls, path, 1);
  peer_server *server = from_tls ? peer_listen(answering_over_tls, certificate, 1) : peer_listen(answering, NULL, 1);
  REQUIRE(target != NULL && server != NULL && host_open(&host));
  redirect_to(peer_url(target));
  gw_socket_options_init(&options);
  options.url = peer_url(server);
  options.max_redirects = 1;
  options.ca_file = certificate;
  options.pins = pin == NULL ? NULL : pins;
  options.pin_count = pin != NULL;
  REQUIRE_STATUS(gw_socket_open(host.context, &options, &socket), GW_OK);
  if (wanted == GW_OK) {
    gw_socket_state state = {.struct_size = sizeof state};
    CHECK(host_wait(&host, GW_EVENT_SOCKET_OPEN, 0, &event));
    CHECK_STATUS(gw_socket_get_state(socket, &state), GW_OK);
    CHECK(state.tls == 1 && head_count == 2);
  } else {
    CHECK(host_wait(&host, GW_EVENT_SOCKET_CLOSED, 0, &event));
    CHECK_STATUS(event.event.status, wanted);
    CHECK(head_count == 1 && peer_received(target) == 0);
  }
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
  peer_join(target);
}

static void pins_hold_for_the_target(void) {
  char pin[80];
  host host;
  gw_listener *listener = NULL;
  gw_listener_options options;
  gw_slice text;
  REQUIRE(host_open(&host));
  gw_listener_options_init(&options);
  options.certificate_file = options.key_file = certificate;
  REQUIRE_STATUS(gw_listener_open(host.context, &options, &listener), GW_OK);
  CHECK_STATUS(gw_listener_get_text(listener, GW_SERVER_KEY_PIN, &text), GW_OK);
  snprintf(pin, sizeof pin, "key:%.*s", (int)text.len, (const char *)text.ptr);
  gw_listener_free(listener);
  host_close(&host);
  leads(true, "renewed.pem", pin, GW_OK); /* the same key */
  leads(true, "self.pem", pin, GW_ERR_TLS_PIN);
  leads(true, "other.pem", pin, GW_ERR_TLS_PIN);
}

static void from_ws_to_wss_the_target_is_judged(void) {
  leads(false, "good.pem", NULL, GW_OK);
  leads(false, "self.pem", NULL, GW_ERR_TLS_CHAIN);
}

static void plaintext_rules_hold_for_the_target(void) {
  kept_event event;
  redirect_to("ws://example.com/");
  REQUIRE(outcome_of(answering, 1, false, 5, &event));
  CHECK(event.event.code == 302 && slice_has(event.event.text, "without TLS"));
}

static void a_loop_ends_at_the_limit(void) {
  kept_event event;
  redirect_to("/");
  REQUIRE(outcome_of(answering, 3, false, 2, &event));
  CHECK(event.event.code == 302 && slice_has(event.event.text, "2 redirects"));
  CHECK(head_count == 3);
}

static void a_redirect_to_nowhere_is_a_refusal(void) {
  kept_event event;
  snprintf(answer, sizeof answer, "HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nno");
  REQUIRE(outcome_of(answering, 1, false, 5, &event));
  CHECK(event.event.code == 302 && slice_has(event.event.text, "Location"));
  redirect_to("mailto:a@b");
  REQUIRE(outcome_of(answering, 1, false, 5, &event));
  CHECK(event.event.code == 302 && slice_has(event.event.text, "not followed"));
}

static void the_hosts_own_connection_is_not_redirected(void) {
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  gw_socket_options options;
  gw_route_options route;
  unsigned port = 0;
  reset();
  redirect_to("/");
  peer_server *server = peer_listen(answering, NULL, 1);
  REQUIRE(server != NULL && host_open(&host) && sscanf(peer_url(server), "ws://127.0.0.1:%u", &port) == 1);
  gw_route_options_init(&route);
  route.flags = GW_ROUTE_DESCRIPTOR;
  route.descriptor = peer_connect(port, "", 0);
  gw_socket_options_init(&options);
  options.url = peer_url(server);
  options.route = &route;
  options.max_redirects = 5;
  REQUIRE(gw_socket_open(host.context, &options, &socket) == GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(socket), &event));
  CHECK(event.event.code == 302 && slice_has(event.event.text, "not followed"));
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
}

static void one_authorization_is_enough(void) {
  static const gw_header header = {"authorization", "Bearer x"};
  host host;
  gw_socket *socket = NULL;
  gw_socket_options options;
  gw_socket_options_init(&options);
  options.url = "ws://name:word@127.0.0.1:1";
  options.headers = &header;
  options.header_count = 1;
  REQUIRE(host_open(&host));
  CHECK_STATUS(gw_socket_open(host.context, &options, &socket), GW_ERR_ARGUMENT);
  host_close(&host);
}

static void the_limit_is_an_argument(void) {
  host host;
  gw_socket *socket = NULL;
  gw_socket_options options;
  gw_socket_options_init(&options);
  options.url = "ws://127.0.0.1:1";
  options.max_redirects = 21;
  REQUIRE(host_open(&host));
  CHECK_STATUS(gw_socket_open(host.context, &options, &socket), GW_ERR_ARGUMENT);
  host_close(&host);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  directory = argc > 2 ? argv[2] : ".";
  snprintf(certificate, sizeof certificate, "%s/good.pem", directory);
  RUN("refusals: status, headers and body (RFC 6455 section 4.1)", refusals_are_told_whole);
  RUN("refusals: a body that stalls does not hide the status", a_body_that_stalls_does_not_hide_the_status);
  RUN("redirects: reported, not followed, unless asked for (RFC 6455 section 4.1)", redirects_are_opt_in);
  RUN("redirects: the same origin gets credentials and a fresh key (RFC 9110 section 15.4)",
      a_redirect_within_the_origin_keeps_the_credentials);
  RUN("redirects: another origin gets no credentials (RFC 9110 section 15.4)", another_origin_gets_no_credentials);
  RUN("redirects: never from wss to ws", never_from_wss_to_ws);
  RUN("redirects: pins hold for the target, which is told nothing before", pins_hold_for_the_target);
  RUN("redirects: from ws to wss the target is judged", from_ws_to_wss_the_target_is_judged);
  RUN("redirects: plaintext rules hold for the target", plaintext_rules_hold_for_the_target);
  RUN("redirects: a loop ends at the limit", a_loop_ends_at_the_limit);
  RUN("redirects: one to nowhere is a refusal", a_redirect_to_nowhere_is_a_refusal);
  RUN("redirects: the host's own connection is not redirected", the_hosts_own_connection_is_not_redirected);
  RUN("redirects: the limit is an argument", the_limit_is_an_argument);
  RUN("requests: one authorization is enough (RFC 9110 section 11.6.2)", one_authorization_is_enough);
  return test_finish();
}
