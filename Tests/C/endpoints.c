/* Several endpoints of one gateway: who proves its identity first is used, and nobody else hears a byte of HTTP.
 * argv[2] is the directory that certificates.sh has filled. */
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdlib.h>

static const char *directory;

static const char *file(const char *name) {
  static char paths[4][256];
  static int next;
  char *path = paths[next++ & 3];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static const char *port_of(const char *url) { return strrchr(url, ':') + 1; }

static void secure_gateway(peer *peer) {
  if (peer_tls(peer) && peer_ready(peer)) peer_wait_end(peer);
}

static void gateway(peer *peer) {
  if (peer_ready(peer)) peer_wait_end(peer);
}

static void silence(peer *peer) { peer_wait_end(peer); }

static void refusal(peer *peer) {
  char head[4096];
  if (peer_tls(peer) && peer_read_head(peer, head, sizeof head) &&
      peer_send_text(peer, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
    peer_wait_end(peer);
}

/* A client that trusts the CA of the tests. */
static gw_client_options two(const peer_server *first, const peer_server *second) {
  static const char *alternates[1];
  gw_client_options options = host_client_options(peer_url(first));
  alternates[0] = peer_url(second);
  options.alternates = alternates;
  options.alternate_count = 1;
  options.ca_file = file("ca.pem");
  options.token = "secret-token";
  return options;
}

static void uses(const gw_client_options *options, uint32_t endpoint) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_state state = {.struct_size = sizeof state};
  CHECK_STATUS(gw_client_get_state(client, &state), GW_OK);
  CHECK(state.endpoint == endpoint);
  CHECK(state.connect_us > 0 && state.hello_us > 0);
  gw_client_close(client, 0, NULL);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  gw_client_free(client);
  host_close(&host);
}

static void the_second_of_two_is_used(peer_script *first_script, const char *first_certificate) {
  peer_server *first = peer_listen(first_script, file(first_certificate), 1);
  peer_server *second = peer_listen(secure_gateway, file("good.pem"), 1);
  gw_client_options options = two(first, second);
  uses(&options, 1);
  /* Who did no handshake has seen the client's part of it. */
  if (first_script != silence) CHECK(peer_received(first) == 0);
  CHECK(peer_received(second) > 0);
  peer_join(first);
  peer_join(second);
}

static void the_first_is_silent(void) { the_second_of_two_is_used(silence, "good.pem"); }
static void the_first_is_another_one(void) { the_second_of_two_is_used(secure_gateway, "other.pem"); }

static void the_first_has_another_pin(void) {
  host host;
  kept_event event;
  peer_server *second = peer_listen(secure_gateway, file("good.pem"), 2);
  peer_server *first = peer_listen(secure_gateway, file("other.pem"), 1);
  /* What the second one shows is what the client is told to pin. */
  const char *pin = "00000000000000000000000000000000000000000000000000000000000000aa";
  char seen[65] = "";
  gw_client_options options = host_client_options(peer_url(second));
  options.pins = &pin;
  options.pin_count = 1;
  REQUIRE(host_open(&host));
  REQUIRE(host_client_end(&host, &options, &event));
  const char *at = strstr(event.payload, "\"seen\":[\"");
  REQUIRE(at != NULL);
  memcpy(seen, at + strlen("\"seen\":[\""), 64);
  host_close(&host);

  pin = seen;
  options = two(first, second);
  options.ca_file = NULL;
  options.pins = &pin;
  options.pin_count = 1;
  uses(&options, 1);
  CHECK(peer_received(first) == 0);
  peer_join(first);
  peer_join(second);
}

static void the_first_is_preferred(void) {
  peer_server *first = peer_listen(secure_gateway, file("good.pem"), 1);
  peer_server *second = peer_listen(secure_gateway, file("good.pem"), 1);
  gw_client_options options = two(first, second);
  uses(&options, 0);
  CHECK(peer_received(second) == 0);
  /* Nobody may have come: let the second one go. */
  int socket = peer_connect((unsigned)atoi(port_of(peer_url(second))), "", 0);
  if (socket >= 0) peer_disconnect(socket);
  peer_join(first);
  peer_join(second);
}

static void plain_ones_are_used_when_they_connect(void) {
  peer_server *second = peer_listen(gateway, NULL, 1);
  const char *alternates[] = {peer_url(second)};
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  options.alternates = alternates;
  options.alternate_count = 1;
  uses(&options, 1);
  peer_join(second);
}

static void all_of_them_fail(void) {
  host host;
  kept_event event;
  peer_server *first = peer_listen(secure_gateway, file("other.pem"), 1);
  peer_server *second = peer_listen(silence, file("good.pem"), 1);
  gw_client_options options = two(first, second);
  options.tls_timeout_ms = 300;
  REQUIRE(host_open(&host));
  REQUIRE(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS_NAME);
  CHECK(event.event.actor == GW_ACTOR_OPERATOR);
  CHECK(slice_has(event.event.text, "no endpoint of the gateway can be used; 127.0.0.1:"));
  CHECK(slice_has(event.event.text, port_of(peer_url(first))));
  CHECK(slice_has(event.event.text, "but for DNS:gateway.example"));
  CHECK(slice_has(event.event.text, port_of(peer_url(second))));
  CHECK(slice_has(event.event.text, "the TLS handshake took longer than 300 ms"));
  /* The second may get over it. */
  CHECK((event.event.flags & GW_EVENT_RETRYABLE) != 0);
  host_close(&host);
  peer_join(first);
  peer_join(second);
}

/* Who has proved its identity is the gateway: what it then says counts, and nobody else is asked. */
static void the_word_of_the_winner_counts(void) {
  host host;
  kept_event event;
  peer_server *first = peer_listen(refusal, file("good.pem"), 1);
  gw_client_options options = two(first, first);
  static const char *const alternates[] = {"wss://127.0.0.1:1"};
  options.alternates = alternates;
  REQUIRE(host_open(&host));
  REQUIRE(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_UPGRADE_REFUSED);
  CHECK(event.event.code == 503);
  CHECK(!slice_has(event.event.text, "no endpoint"));
  host_close(&host);
  peer_join(first);
}

static void an_attempt_is_given_up_with_all_its_dials(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  peer_server *first = peer_listen(silence, file("good.pem"), 1);
  peer_server *second = peer_listen(silence, file("good.pem"), 1);
  gw_client_options options = two(first, second);
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(!host_next(&host, 400, &event));
  gw_client_close(client, 0, NULL);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  gw_client_free(client);
  /* The context is still there: only the client has let both of them go. */
  peer_join(first);
  peer_join(second);
  host_close(&host);
}

static void wrong_alternates_are_refused(void) {
  host host;
  gw_client *client = NULL;
  uint64_t doctor;
  const char *urls[16];
  for (int place = 0; place < 16; ++place) urls[place] = "ws://[::1]";
  static const char *const ftp[] = {"ftp://localhost"}, *const none[] = {NULL}, *const far[] = {"ws://gateway.example"};
  static const char *const address[] = {"127.0.0.1"};
  REQUIRE(host_open(&host));
  gw_client_options options = host_client_options("ws://localhost");
  options.alternates = urls;
  options.alternate_count = 16;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.alternate_count = 1;
  CHECK_STATUS(gw_doctor_start(host.context, &options, 0, &doctor), GW_ERR_ARGUMENT);
  gw_route_options route;
  gw_route_options_init(&route);
  route.addresses = address;
  route.address_count = 1;
  options.route = &route;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.route = NULL;
  options.alternates = NULL;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.alternates = none;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  options.alternates = ftp;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_URL);
  options.alternates = far;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_PLAINTEXT);
  CHECK(client == NULL);
  host_close(&host);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  directory = argc > 2 ? argv[2] : ".";
  RUN("the first is silent: the second is used", the_first_is_silent);
  RUN("the first has another name: the second is used", the_first_is_another_one);
  RUN("the first has another pin: the second is used", the_first_has_another_pin);
  RUN("both are good: the first is used", the_first_is_preferred);
  RUN("in the clear: the first is not there, the second is used", plain_ones_are_used_when_they_connect);
  RUN("all fail: the error names all", all_of_them_fail);
  RUN("what the one that has proved its identity says counts", the_word_of_the_winner_counts);
  RUN("closing ends all dials", an_attempt_is_given_up_with_all_its_dials);
  RUN("wrong alternates are refused", wrong_alternates_are_refused);
  return test_finish();
}
