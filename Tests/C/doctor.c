/* The doctor: each step that can fail, in turn, with who must act and what is said; and the way that is good.
 * argv[2] is the directory that certificates.sh has filled. */
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdlib.h>
#include <unistd.h>

static const char *directory;

static const char *const labels[] = {"", "name", "tcp", "proxy", "tls", "pin", "upgrade", "challenge", "auth", "tick"};

enum { STEPS = 9 };

typedef struct examination {
  kept_event steps[STEPS + 1]; /* by GW_DOCTOR_... */
  kept_event done;
} examination;

static examination seen;

static bool is_skipped(int step) { return (seen.steps[step].event.flags & GW_EVENT_SKIPPED) != 0; }
static bool has_passed(int step) { return seen.steps[step].event.status == GW_OK && !is_skipped(step); }

/* Runs one to its end.  Every step comes once and in order, whatever happens. */
static bool examine(host *host, const gw_client_options *options, uint32_t flags) {
  uint64_t doctor = 0;
  kept_event event;
  memset(&seen, 0, sizeof seen);
  gw_status status = gw_doctor_start(host->context, options, flags, &doctor);
  if (status != GW_OK || doctor == 0) {
    printf("# gw_doctor_start: %s\n", gw_status_name(status));
    return false;
  }
  for (int step = 1; step <= STEPS; ++step) {
    if (!host_next(host, HOST_DEADLINE_MS, &event) || event.event.type != GW_EVENT_DOCTOR_STEP) {
      printf("# wanted step %s, got %s\n", labels[step], gw_event_type_name(event.event.type));
      return false;
    }
    CHECK(event.event.source == doctor);
    CHECK(event.event.subject == (uint64_t)step);
    CHECK(slice_is(event.event.name, labels[step]));
    CHECK(event.event.text.len > 0);
    CHECK(event.event.user_data == options->user_data);
    host_keep(&event.event, &seen.steps[step]);
  }
  if (!host_next(host, HOST_DEADLINE_MS, &seen.done) || seen.done.event.type != GW_EVENT_DOCTOR_DONE) return false;
  CHECK(seen.done.event.source == doctor);
  CHECK_STATUS(gw_doctor_cancel(host->context, doctor), GW_ERR_GONE);
  return true;
}

/* One that ends at a step: what stands before it is good, what stands behind it is never reached. */
static void fails_at(const gw_client_options *options, int step, gw_status status, uint32_t actor, const char *text) {
  host host;
  REQUIRE(host_open(&host));
  REQUIRE(examine(&host, options, 0));
  for (int other = 1; other <= STEPS; ++other) {
    const gw_event *event = &seen.steps[other].event;
    if (other < step) CHECK_STATUS(event->status, GW_OK);
    if (other > step) CHECK(is_skipped(other) && slice_is(event->text, "not reached"));
    if (other != step && event->status != GW_OK) printf("# %s: %s\n", labels[other], seen.steps[other].text);
  }
  const gw_event *failed = &seen.steps[step].event;
  CHECK_STATUS(failed->status, status);
  CHECK(failed->actor == actor);
  CHECK(!is_skipped(step));
  CHECK(slice_has(failed->text, text));
  if (!slice_has(failed->text, text) || failed->actor != actor)
    printf("# %s: actor %u: %s\n", labels[step], failed->actor, seen.steps[step].text);
  CHECK_STATUS(seen.done.event.status, status);
  CHECK(seen.done.event.actor == actor);
  CHECK(slice_is(seen.done.event.name, labels[step]));
  host_close(&host);
}

static void fails_with_peer(
    peer_script *script, int step, gw_status status, uint32_t actor, const char *text, const char *payload) {
  peer_server *server = peer_listen(script, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.challenge_timeout_ms = 300;
  options.hello_timeout_ms = 300;
  options.upgrade_timeout_ms = 300;
  fails_at(&options, step, status, actor, text);
  CHECK(slice_has(seen.steps[step].event.payload, payload));
  peer_join(server);
}

/* --- before the connection --- */

static void an_unknown_name(void) {
  gw_client_options options = host_client_options("ws://gateway.invalid");
  options.flags |= GW_CLIENT_PLAINTEXT_ANY;
  fails_at(&options, GW_DOCTOR_NAME, GW_ERR_RESOLVE, GW_ACTOR_NETWORK, "check how the name is written");
  CHECK(slice_has(seen.steps[GW_DOCTOR_NAME].event.text, "gateway.invalid:80"));
}

static void a_refused_port(void) {
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  fails_at(&options, GW_DOCTOR_TCP, GW_ERR_CONNECT, GW_ACTOR_NETWORK, "check that the gateway runs");
  CHECK(is_skipped(GW_DOCTOR_NAME));
  CHECK(slice_has(seen.steps[GW_DOCTOR_TCP].event.payload, "\"tried\":[{\"address\":\"127.0.0.1:1\",\"error\":\""));
}

static void refuse_407(peer *peer) {
  char head[4096];
  if (peer_read_head(peer, head, sizeof head) &&
      peer_send_text(peer, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nwho? "))
    peer_wait_end(peer);
}

static void a_proxy_that_wants_credentials(void) {
  char proxy[64];
  peer_server *server = peer_listen(refuse_407, NULL, 1);
  snprintf(proxy, sizeof proxy, "http%s", peer_url(server) + 2);
  gw_route_options route;
  gw_route_options_init(&route);
  route.proxy = proxy;
  gw_client_options options = host_client_options("wss://gateway.invalid");
  options.route = &route;
  fails_at(&options, GW_DOCTOR_PROXY, GW_ERR_PROXY_REFUSED, GW_ACTOR_USER, "give user and password in the proxy's URL");
  CHECK(has_passed(GW_DOCTOR_TCP));
  CHECK(slice_has(seen.steps[GW_DOCTOR_TCP].event.text, "connected to the proxy at 127.0.0.1:"));
  CHECK(slice_has(seen.steps[GW_DOCTOR_PROXY].event.payload, "\"status\":407"));
  peer_join(server);
}

/* --- TLS --- */

static void gateway_behind_tls(peer *peer) {
  if (peer_tls(peer) && peer_ready(peer)) peer_wait_end(peer);
}

static void with_certificate(
    const char *name, const char *pin, int step, gw_status status, uint32_t actor, const char *text) {
  char certificate[256], authority[256];
  snprintf(certificate, sizeof certificate, "%s/%s", directory, name);
  snprintf(authority, sizeof authority, "%s/ca.pem", directory);
  peer_server *server = peer_listen(gateway_behind_tls, certificate, 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.ca_file = authority;
  options.pins = &pin;
  options.pin_count = pin == NULL ? 0 : 1;
  fails_at(&options, step, status, actor, text);
  CHECK(peer_received(server) == 0);
  peer_join(server);
}

static void a_wrong_pin(void) {
  with_certificate("good.pem", "00000000000000000000000000000000000000000000000000000000000000aa", GW_DOCTOR_PIN,
                   GW_ERR_TLS_PIN, GW_ACTOR_USER, "Only if who runs the server confirms");
  CHECK(slice_has(seen.steps[GW_DOCTOR_PIN].event.text, "00aa, seen "));
  CHECK(slice_has(seen.steps[GW_DOCTOR_PIN].event.payload, "\"wanted\":[\"00000000"));
  CHECK(has_passed(GW_DOCTOR_TLS));
}

static void a_wrong_name(void) {
  with_certificate("other.pem", NULL, GW_DOCTOR_TLS, GW_ERR_TLS_NAME, GW_ACTOR_OPERATOR,
                   "not for 127.0.0.1 but for DNS:gateway.example");
}

/* --- HTTP --- */

static void refuse_403(peer *peer) {
  char head[4096];
  if (peer_read_head(peer, head, sizeof head) &&
      peer_send_text(peer, "HTTP/1.1 403 Forbidden\r\nServer: test\r\nContent-Length: 9\r\n\r\nnot today"))
    peer_wait_end(peer);
}

static void a_refused_upgrade(void) {
  fails_with_peer(refuse_403, GW_DOCTOR_UPGRADE, GW_ERR_UPGRADE_REFUSED, GW_ACTOR_USER,
                  "does not let this client in", "\"body\":\"not today\"");
  CHECK(slice_has(seen.steps[GW_DOCTOR_UPGRADE].event.payload, "[\"Server\",\"test\"]"));
}

/* --- no gateway --- */

static void silent_websocket(peer *peer) {
  if (peer_upgrade(peer)) peer_wait_end(peer);
}

static void no_challenge(void) {
  fails_with_peer(silent_websocket, GW_DOCTOR_CHALLENGE, GW_ERR_CHALLENGE_TIMEOUT, GW_ACTOR_OPERATOR,
                  "no gateway of this protocol answers", "");
  CHECK(has_passed(GW_DOCTOR_UPGRADE));
  CHECK(slice_has(seen.steps[GW_DOCTOR_UPGRADE].event.payload, "\"status\":101"));
}

static void chatty_websocket(peer *peer) {
  if (peer_upgrade(peer) && peer_send_json(peer, "welcome to the chat")) peer_wait_end(peer);
}

static void another_kind_of_server(void) {
  fails_with_peer(chatty_websocket, GW_DOCTOR_CHALLENGE, GW_ERR_CHALLENGE_TIMEOUT, GW_ACTOR_OPERATOR,
                  "not JSON: welcome to the chat", "");
}

static void closing_websocket(peer *peer) {
  if (peer_upgrade(peer) && peer_send_frame(peer, 8, "\x03\xf0who?", 6)) peer_wait_end(peer);
}

static void a_server_that_closes(void) {
  fails_with_peer(closing_websocket, GW_DOCTOR_CHALLENGE, GW_ERR_CLOSED, GW_ACTOR_OPERATOR,
                  "no gateway of this protocol", "");
}

/* --- gateways --- */

static void silent_after_the_challenge(peer *peer) {
  if (peer_upgrade(peer) && peer_challenge(peer)) peer_wait_end(peer);
}

static void no_hello(void) {
  fails_with_peer(silent_after_the_challenge, GW_DOCTOR_AUTH, GW_ERR_HELLO_TIMEOUT, GW_ACTOR_OPERATOR,
                  "look at its log", "");
  CHECK(has_passed(GW_DOCTOR_CHALLENGE));
}

static void promises_ticks(peer *peer) {
  if (peer_upgrade(peer) && peer_hello(peer, 100)) peer_wait_end(peer);
}

static void no_tick(void) {
  fails_with_peer(promises_ticks, GW_DOCTOR_TICK, GW_ERR_TICK_TIMEOUT, GW_ACTOR_OPERATOR,
                  "no tick within 1100 ms after the hello, which promised one every 100 ms", "");
  CHECK(has_passed(GW_DOCTOR_AUTH));
}

/* An embedded gateway on a thread of its own, so that its events are not among the doctor's. */
typedef struct gateway {
  host host;
  gw_server *server;
  char url[128], pin[65];
} gateway;

static bool gateway_open(gateway *gateway, uint32_t flags) {
  uint32_t takeover = host_takeover;
  gw_slice url, pin;
  gw_server_options options = host_server_options();
  options.flags = flags;
  options.token = "the-right-one";
  options.tick_interval_ms = 50;
  host_takeover = GW_TAKEOVER_ALWAYS;
  bool is_open = host_open(&gateway->host);
  host_takeover = takeover;
  if (!is_open || gw_server_open(gateway->host.context, &options, &gateway->server) != GW_OK) return false;
  gw_server_get_text(gateway->server, GW_SERVER_URL, &url);
  gw_server_get_text(gateway->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(gateway->url, sizeof gateway->url, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(gateway->pin, sizeof gateway->pin, "%.*s", (int)pin.len, (const char *)pin.ptr);
  return true;
}

static void gateway_close(gateway *gateway) {
  gw_server_free(gateway->server);
  host_close(&gateway->host);
}

static void a_wrong_token(void) {
  gateway gateway;
  REQUIRE(gateway_open(&gateway, GW_SERVER_PLAINTEXT));
  gw_client_options options = host_client_options(gateway.url);
  options.token = "the-wrong-one";
  fails_at(&options, GW_DOCTOR_AUTH, GW_ERR_CONNECT_REJECTED, GW_ACTOR_USER, "give the token that the gateway has now");
  for (int step = 1; step <= STEPS; ++step) {
    CHECK(!slice_has(seen.steps[step].event.text, "the-wrong-one"));
    CHECK(!slice_has(seen.steps[step].event.payload, "the-wrong-one"));
  }
  CHECK(slice_has(seen.steps[GW_DOCTOR_AUTH].event.text, "AUTH_TOKEN_MISMATCH"));
  gateway_close(&gateway);
}

static void is_good(const gw_client_options *options, uint32_t flags) {
  host host;
  REQUIRE(host_open(&host));
  REQUIRE(examine(&host, options, flags));
  uint64_t sum = 0;
  for (int step = 1; step <= STEPS; ++step) {
    CHECK_STATUS(seen.steps[step].event.status, GW_OK);
    CHECK(seen.steps[step].event.actor == GW_ACTOR_NONE);
    sum += seen.steps[step].event.code;
  }
  CHECK(sum == seen.done.event.code);
  CHECK_STATUS(seen.done.event.status, GW_OK);
  CHECK(seen.done.event.name.len == 0);
  CHECK(has_passed(GW_DOCTOR_TCP) && has_passed(GW_DOCTOR_UPGRADE) && has_passed(GW_DOCTOR_CHALLENGE));
  CHECK(has_passed(GW_DOCTOR_AUTH));
  CHECK(slice_has(seen.steps[GW_DOCTOR_AUTH].event.payload, "\"scopes\":[\"operator.read\",\"operator.write\"]"));
  CHECK(slice_has(seen.steps[GW_DOCTOR_AUTH].event.payload, "\"tickIntervalMs\":50"));
  host_close(&host);
}

static void a_good_way_in_the_clear(void) {
  gateway gateway;
  int own = 0;
  REQUIRE(gateway_open(&gateway, GW_SERVER_PLAINTEXT));
  gw_client_options options = host_client_options(gateway.url);
  options.token = "the-right-one";
  options.user_data = &own;
  is_good(&options, 0);
  CHECK(is_skipped(GW_DOCTOR_NAME) && is_skipped(GW_DOCTOR_PROXY) && is_skipped(GW_DOCTOR_TLS));
  CHECK(is_skipped(GW_DOCTOR_PIN));
  CHECK(has_passed(GW_DOCTOR_TICK));
  gateway_close(&gateway);
}

static void a_good_way_over_tls(void) {
  gateway gateway;
  char url[160];
  REQUIRE(gateway_open(&gateway, 0));
  snprintf(url, sizeof url, "wss://localhost:%s", strrchr(gateway.url, ':') + 1);
  gw_client_options options = host_client_options(url);
  const char *pins[] = {gateway.pin};
  options.token = "the-right-one";
  options.pins = pins;
  options.pin_count = 1;
  is_good(&options, GW_DOCTOR_NO_TICK);
  CHECK(has_passed(GW_DOCTOR_NAME) && has_passed(GW_DOCTOR_TLS) && has_passed(GW_DOCTOR_PIN));
  CHECK(slice_has(seen.steps[GW_DOCTOR_NAME].event.payload, "\"127.0.0.1\""));
  CHECK(slice_has(seen.steps[GW_DOCTOR_TLS].event.payload, "\"version\":\"TLSv1.3\""));
  CHECK(slice_has(seen.steps[GW_DOCTOR_TLS].event.payload, gateway.pin));
  CHECK(slice_has(seen.steps[GW_DOCTOR_PIN].event.payload, gateway.pin));
  CHECK(is_skipped(GW_DOCTOR_TICK));
  gateway_close(&gateway);
}

/* --- the host --- */

static void an_early_end(void) {
  host host;
  kept_event event;
  uint64_t doctor;
  peer_server *server = peer_listen(silent_websocket, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_doctor_start(host.context, &options, 0, &doctor), GW_OK);
  do REQUIRE(host_next(&host, HOST_DEADLINE_MS, &event));
  while (event.event.subject != GW_DOCTOR_UPGRADE);
  CHECK_STATUS(gw_doctor_cancel(host.context, doctor), GW_OK);
  CHECK_STATUS(gw_doctor_cancel(host.context, doctor), GW_ERR_GONE);
  CHECK(host_next(&host, HOST_DEADLINE_MS, &event));
  CHECK(event.event.type == GW_EVENT_DOCTOR_DONE);
  CHECK_STATUS(event.event.status, GW_ERR_CANCELLED);
  host_close(&host);
  peer_join(server);
}

static void wrong_arguments(void) {
  host host;
  uint64_t doctor = 1;
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  REQUIRE(host_open(&host));
  CHECK_STATUS(gw_doctor_start(NULL, &options, 0, &doctor), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_doctor_start(host.context, NULL, 0, &doctor), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_doctor_start(host.context, &options, 0, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_doctor_start(host.context, &options, 2, &doctor), GW_ERR_FLAGS);
  CHECK(doctor == 0);
  options.url = "ftp://127.0.0.1";
  CHECK_STATUS(gw_doctor_start(host.context, &options, 0, &doctor), GW_ERR_URL);
  CHECK_STATUS(gw_doctor_cancel(NULL, 1), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_doctor_cancel(host.context, 0), GW_ERR_GONE);
  /* One that never began ends with its context. */
  options.url = "ws://127.0.0.1:1";
  CHECK_STATUS(gw_doctor_start(host.context, &options, 0, &doctor), GW_OK);
  host_close(&host);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  directory = argc > 2 ? argv[2] : ".";
  RUN("name: nobody knows it", an_unknown_name);
  RUN("tcp: nobody listens", a_refused_port);
  RUN("proxy: it wants credentials", a_proxy_that_wants_credentials);
  RUN("tls: the certificate is for another name", a_wrong_name);
  RUN("pin: the certificate is another one", a_wrong_pin);
  RUN("upgrade: it is refused, with the reason that the server gives", a_refused_upgrade);
  RUN("challenge: the server says nothing", no_challenge);
  RUN("challenge: the server says something else, which is shown", another_kind_of_server);
  RUN("challenge: the server closes", a_server_that_closes);
  RUN("auth: the token is wrong, and not shown", a_wrong_token);
  RUN("auth: the gateway does not answer", no_hello);
  RUN("tick: there is none", no_tick);
  RUN("all is good, in the clear", a_good_way_in_the_clear);
  RUN("all is good, over TLS by name", a_good_way_over_tls);
  RUN("the host ends it", an_early_end);
  RUN("wrong arguments are refused", wrong_arguments);
  return test_finish();
}
