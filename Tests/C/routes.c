/* Ways to the server: proxies of both protocols, Unix sockets, descriptors and addresses of the host's own. */
#define _GNU_SOURCE
#include "host.h"
#include "peer.h"
#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <stddef.h>
#include <unistd.h>

static char asked[8192];

static const char *port_of(const char *url) { return strrchr(url, ':') + 1; }

/* Waits until a client is connected, closes it politely and checks that it went. */
static void connects(const gw_client_options *options, uint32_t phase_of_proxy) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_client_open(host.context, options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_state state = {.struct_size = sizeof state};
  CHECK_STATUS(gw_client_get_state(client, &state), GW_OK);
  CHECK(state.connect_us > 0 && state.upgrade_us > 0 && state.challenge_us > 0 && state.hello_us > 0);
  CHECK((state.proxy_us > 0) == (phase_of_proxy == GW_PHASE_PROXY));
  gw_client_close(client, 0, NULL);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  gw_client_free(client);
  host_close(&host);
}

/* --- HTTP CONNECT (RFC 9110 section 9.3.6) --- */

static void proxy_then_gateway(peer *peer) {
  if (!peer_read_head(peer, asked, sizeof asked)) return;
  if (peer_send_text(peer, "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n") && peer_ready(peer))
    peer_wait_end(peer);
}

static void through_a_proxy(const char *url, const char *userinfo, const char *line, const char *header) {
  char proxy[256];
  peer_server *server = peer_listen(proxy_then_gateway, NULL, 1);
  snprintf(proxy, sizeof proxy, "http://%s127.0.0.1:%s", userinfo, port_of(peer_url(server)));
  gw_route_options route;
  gw_route_options_init(&route);
  route.proxy = proxy;
  gw_client_options options = host_client_options(url);
  options.flags |= GW_CLIENT_PLAINTEXT_ANY;
  options.route = &route;
  connects(&options, GW_PHASE_PROXY);
  peer_join(server);
  CHECK(strncmp(asked, line, strlen(line)) == 0);
  CHECK(strstr(asked, header) != NULL);
}

static void the_proxy_resolves_the_name(void) {
  through_a_proxy("ws://gateway.invalid:18789/x", "", "CONNECT gateway.invalid:18789 HTTP/1.1\r\n",
                  "\r\nHost: gateway.invalid:18789\r\n");
}

static void the_proxy_gets_its_credentials(void) {
  through_a_proxy("ws://gateway.invalid", "u%40x:p%3aw@", "CONNECT gateway.invalid:80 HTTP/1.1\r\n",
                  "\r\nProxy-Authorization: Basic dUB4OnA6dw==\r\n");
}

static void refuse_407(peer *peer) {
  if (peer_read_head(peer, asked, sizeof asked) &&
      peer_send_text(peer, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                           "Content-Length: 5\r\n\r\nwho? "))
    peer_wait_end(peer);
}

static void cut_at_once(peer *peer) { (void)peer; }
static void say_nothing(peer *peer) { peer_wait_end(peer); }
static void speak_ssh(peer *peer) {
  if (peer_send_text(peer, "SSH-2.0-OpenSSH_9\r\n")) peer_wait_end(peer);
}
static void say_too_much(peer *peer) {
  if (peer_read_head(peer, asked, sizeof asked) && peer_send_text(peer, "HTTP/1.1 200 OK\r\n\r\nsurplus"))
    peer_wait_end(peer);
}
/* Greeting and request of "ws://gateway.invalid" without a password, then the reply with this code. */
static bool socks(peer *peer, char code) {
  const char method[] = {5, 0}, reply[] = {5, code, 0, 1, 127, 0, 0, 1, 0, 80};
  char greeting[3], request[22];
  if (!peer_read(peer, greeting, sizeof greeting) || !peer_send(peer, method, sizeof method)) return false;
  if (!peer_read(peer, request, sizeof request)) return false;
  memcpy(asked, request, sizeof request);
  return peer_send(peer, reply, sizeof reply);
}

static void socks_refused(peer *peer) {
  if (socks(peer, 5)) peer_wait_end(peer);
}

static void a_proxy_that_fails(peer_script *script, const char *scheme, gw_status status, uint32_t code) {
  host host;
  kept_event event;
  char proxy[64];
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(script, NULL, 1);
  snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%s", scheme, port_of(peer_url(server)));
  gw_route_options route;
  gw_route_options_init(&route);
  route.proxy = proxy;
  route.proxy_timeout_ms = 700;
  gw_client_options options = host_client_options("wss://gateway.invalid");
  options.route = &route;
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, status);
  CHECK(event.event.code == code);
  CHECK(slice_has(event.event.text, port_of(peer_url(server))));
  CHECK(event.event.actor == GW_ACTOR_USER || event.event.actor == GW_ACTOR_NETWORK ||
        event.event.actor == GW_ACTOR_OPERATOR);
  if (code == 407) CHECK(slice_has(event.event.payload, "\"body\":\"who? \""));
  host_close(&host);
  peer_join(server);
}

static void the_proxy_wants_credentials(void) { a_proxy_that_fails(refuse_407, "http", GW_ERR_PROXY_REFUSED, 407); }
static void the_proxy_ends(void) { a_proxy_that_fails(cut_at_once, "http", GW_ERR_PROXY, 0); }
static void the_proxy_is_silent(void) { a_proxy_that_fails(say_nothing, "http", GW_ERR_PROXY_TIMEOUT, 0); }
static void the_proxy_is_something_else(void) { a_proxy_that_fails(speak_ssh, "http", GW_ERR_PROXY, 0); }
static void the_proxy_says_too_much(void) { a_proxy_that_fails(say_too_much, "http", GW_ERR_PROXY, 0); }
static void the_proxy_has_no_tls(void) { a_proxy_that_fails(speak_ssh, "https", GW_ERR_TLS, 0); }
static void the_socks_proxy_is_refused(void) { a_proxy_that_fails(socks_refused, "socks5h", GW_ERR_PROXY_REFUSED, 5); }
static void the_socks_proxy_is_something_else(void) { a_proxy_that_fails(speak_ssh, "socks5h", GW_ERR_PROXY, 0); }

static void no_proxy_listens(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  gw_route_options route;
  gw_route_options_init(&route);
  route.proxy = "http://127.0.0.1:1";
  gw_client_options options = host_client_options("wss://gateway.invalid");
  options.route = &route;
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_PROXY);
  CHECK(slice_has(event.event.text, "the proxy 127.0.0.1:1 cannot be reached"));
  host_close(&host);
}

/* --- SOCKS 5 (RFC 1928) --- */

static void socks_then_gateway(peer *peer) {
  if (socks(peer, 0) && peer_ready(peer)) peer_wait_end(peer);
}

static void socks_resolves_the_name(void) {
  char proxy[64];
  peer_server *server = peer_listen(socks_then_gateway, NULL, 1);
  snprintf(proxy, sizeof proxy, "socks5h://127.0.0.1:%s", port_of(peer_url(server)));
  gw_route_options route;
  gw_route_options_init(&route);
  route.proxy = proxy;
  gw_client_options options = host_client_options("ws://gateway.invalid");
  options.flags |= GW_CLIENT_PLAINTEXT_ANY;
  options.route = &route;
  connects(&options, GW_PHASE_PROXY);
  peer_join(server);
  CHECK(memcmp(asked, "\5\1\0\3\17gateway.invalid\0\120", 22) == 0);
}

static void socks_answers_early(peer *peer) {
  const char both[] = {5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 80};
  if (peer_send(peer, both, sizeof both)) peer_wait_end(peer);
}

static void early_answers_are_refused(void) { a_proxy_that_fails(socks_answers_early, "socks5h", GW_ERR_PROXY, 0); }

/* --- the environment --- */

static void the_environment_is_read_only_when_asked(void) {
  peer_server *server = peer_listen(proxy_then_gateway, NULL, 1);
  char proxy[64];
  snprintf(proxy, sizeof proxy, "http://127.0.0.1:%s", port_of(peer_url(server)));
  setenv("http_proxy", proxy, 1);
  setenv("no_proxy", "direct.invalid", 1);

  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  gw_client_options options = host_client_options("ws://gateway.invalid");
  options.flags |= GW_CLIENT_PLAINTEXT_ANY;
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_RESOLVE);

  gw_route_options route;
  gw_route_options_init(&route);
  route.flags = GW_ROUTE_PROXY_ENVIRONMENT;
  options.route = &route;
  options.url = "ws://direct.invalid";
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_RESOLVE);
  host_close(&host);

  options.url = "ws://gateway.invalid";
  connects(&options, GW_PHASE_PROXY);
  unsetenv("http_proxy");
  unsetenv("no_proxy");
  peer_join(server);
}

/* --- without a name --- */

static void gateway(peer *peer) {
  if (peer_ready(peer)) peer_wait_end(peer);
}

static void addresses_stand_in_for_the_name(void) {
  peer_server *server = peer_listen(gateway, NULL, 1);
  char url[128];
  snprintf(url, sizeof url, "ws://gateway.invalid:%s", port_of(peer_url(server)));
  /* The first address has nobody listening; the race goes on to the second at once. */
  static const char *const addresses[] = {"::1", "127.0.0.1"};
  gw_route_options route;
  gw_route_options_init(&route);
  route.addresses = addresses;
  route.address_count = 2;
  route.bind_address = "127.0.0.1";
  route.tcp_keepalive_ms = 30000;
  route.tcp_user_timeout_ms = 20000;
  gw_client_options options = host_client_options(url);
  options.flags |= GW_CLIENT_PLAINTEXT_ANY;
  options.route = &route;
  connects(&options, 0);
  peer_join(server);
}

/* Connects a Unix or TCP socket to a gateway of ours and hands both ends to each other. */
static void relay(int from, int to) {
  char bytes[4096];
  fd_set set;
  for (;;) {
    FD_ZERO(&set);
    FD_SET(from, &set);
    FD_SET(to, &set);
    if (select((from > to ? from : to) + 1, &set, NULL, NULL, NULL) <= 0) return;
    for (int turn = 0; turn < 2; ++turn) {
      int source = turn ? to : from, target = turn ? from : to;
      if (!FD_ISSET(source, &set)) continue;
      ssize_t count = read(source, bytes, sizeof bytes);
      if (count <= 0 || write(target, bytes, (size_t)count) != count) return;
    }
  }
}

static void relay_to_gateway(const char *path, int *listening, struct sockaddr_un *address, socklen_t *length) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  size_t size = strlen(path);
  memcpy(address->sun_path, path, size);
  bool is_abstract = path[0] == '@';
  if (is_abstract) address->sun_path[0] = 0;
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (is_abstract ? 0 : 1));
  *listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!is_abstract) unlink(path);
  if (bind(*listening, (struct sockaddr *)address, *length) != 0 || listen(*listening, 1) != 0) {
    close(*listening);
    *listening = -1;
  }
}

static int connect_tcp(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(tcp, (struct sockaddr *)&address, sizeof address) == 0) return tcp;
  close(tcp);
  return -1;
}

static void through_a_unix_socket(const char *path) {
  peer_server *server = peer_listen(gateway, NULL, 1);
  struct sockaddr_un address;
  socklen_t length;
  int listening;
  relay_to_gateway(path, &listening, &address, &length);
  REQUIRE(listening >= 0);
  pid_t child = fork();
  if (child == 0) {
    int from = accept(listening, NULL, NULL), to = connect_tcp(port_of(peer_url(server)));
    if (from >= 0 && to >= 0) relay(from, to);
    _exit(0);
  }
  close(listening);
  gw_route_options route;
  gw_route_options_init(&route);
  route.unix_path = path;
  gw_client_options options = host_client_options("ws://localhost");
  options.route = &route;
  connects(&options, 0);
  waitpid(child, NULL, 0);
  if (path[0] != '@') unlink(path);
  peer_join(server);
}

static void a_unix_socket_leads_there(void) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/gatewire-routes-%d", (int)getpid());
  through_a_unix_socket(path);
}

static void an_abstract_socket_leads_there(void) {
  char path[64];
  snprintf(path, sizeof path, "@gatewire-routes-%d", (int)getpid());
  through_a_unix_socket(path);
}

static void a_descriptor_of_the_host_is_used(void) {
  peer_server *server = peer_listen(gateway, NULL, 1);
  gw_route_options route;
  gw_route_options_init(&route);
  route.flags = GW_ROUTE_DESCRIPTOR;
  route.descriptor = connect_tcp(port_of(peer_url(server)));
  gw_client_options options = host_client_options("ws://localhost");
  options.route = &route;
  connects(&options, 0);
  peer_join(server);
}

static void a_descriptor_that_is_never_used_is_closed(void) {
  host host;
  int ends[2];
  gw_socket *opened = NULL;
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  gw_route_options route;
  gw_route_options_init(&route);
  route.flags = GW_ROUTE_DESCRIPTOR;
  route.descriptor = ends[0];
  gw_socket_options options;
  gw_socket_options_init(&options);
  options.url = "ws://localhost";
  options.route = &route;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_socket_open(host.context, &options, &opened), GW_OK);
  gw_socket_close(opened, 0, NULL);
  gw_socket_free(opened);
  host_close(&host);
  char byte;
  ssize_t end;
  while ((end = read(ends[1], &byte, 1)) > 0) continue;
  CHECK(end == 0);
  close(ends[1]);
}

/* --- wrong options --- */

static void wrong_routes_are_refused(void) {
  host host;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  gw_route_options good;
  gw_route_options_init(&good);
  gw_client_options options = host_client_options("ws://localhost");
  options.route = &good;
  static const char *const names[] = {"not.an.address"};

#define REFUSED(member, value, status)                                                                                 \
  do {                                                                                                                 \
    gw_route_options route = good;                                                                                     \
    route.member = (value);                                                                                            \
    options.route = &route;                                                                                            \
    CHECK_STATUS(gw_client_open(host.context, &options, &client), (status));                                           \
  } while (0)
  REFUSED(struct_size, 8, GW_ERR_STRUCT_SIZE);
  REFUSED(flags, 1u << 9, GW_ERR_FLAGS);
  REFUSED(proxy, "", GW_ERR_ARGUMENT);
  REFUSED(proxy, "ftp://a", GW_ERR_URL);
  REFUSED(descriptor, 5, GW_ERR_ARGUMENT);
  REFUSED(flags, GW_ROUTE_DESCRIPTOR, GW_ERR_ARGUMENT);
  REFUSED(bind_address, "localhost", GW_ERR_ARGUMENT);
  REFUSED(address_count, 1, GW_ERR_ARGUMENT);
  REFUSED(unix_path,
          "/a/path/that/is/far/too/long/for/the/address/of/a/unix/domain/socket/which/takes/one/hundred/and/seven/bytes/"
          "at/most",
          GW_ERR_ARGUMENT);
#undef REFUSED
  gw_route_options route = good;
  route.proxy = "http://a";
  route.unix_path = "/b";
  options.route = &route;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  route = good;
  route.addresses = names;
  route.address_count = 1;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  route = good;
  route.flags = GW_ROUTE_DESCRIPTOR;
  options.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), GW_ERR_ARGUMENT);
  CHECK(client == NULL);
  gw_route_options_init(NULL);
  host_close(&host);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("CONNECT: the proxy resolves the name", the_proxy_resolves_the_name);
  RUN("CONNECT: the proxy gets its credentials", the_proxy_gets_its_credentials);
  RUN("CONNECT: 407 is told in full", the_proxy_wants_credentials);
  RUN("CONNECT: the proxy ends the connection", the_proxy_ends);
  RUN("CONNECT: the proxy is silent", the_proxy_is_silent);
  RUN("CONNECT: the proxy does not speak HTTP", the_proxy_is_something_else);
  RUN("CONNECT: the proxy says more than it was asked", the_proxy_says_too_much);
  RUN("CONNECT: a proxy without TLS", the_proxy_has_no_tls);
  RUN("no proxy listens", no_proxy_listens);
  RUN("SOCKS 5: the proxy resolves the name", socks_resolves_the_name);
  RUN("SOCKS 5: a refusal has its reply code", the_socks_proxy_is_refused);
  RUN("SOCKS 5: the proxy does not speak SOCKS", the_socks_proxy_is_something_else);
  RUN("SOCKS 5: answers before questions are refused", early_answers_are_refused);
  RUN("the environment is read only when asked", the_environment_is_read_only_when_asked);
  RUN("addresses stand in for the name", addresses_stand_in_for_the_name);
  RUN("a Unix socket leads there", a_unix_socket_leads_there);
  RUN("an abstract socket leads there", an_abstract_socket_leads_there);
  RUN("a descriptor of the host is used", a_descriptor_of_the_host_is_used);
  RUN("a descriptor that is never used is closed", a_descriptor_that_is_never_used_is_closed);
  RUN("wrong routes are refused", wrong_routes_are_refused);
  return test_finish();
}
