/* Who is believed: pins, chains, names and dates, each against a TLS server that is not ours.  argv[2] is the directory
 * that certificates.sh has filled. */
#define _GNU_SOURCE
#include "host.h"
#include "pair.h"
#include "peer.h"
#include "test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

static const char *directory;

static const char *file(const char *name) {
  static char paths[4][256];
  static int next;
  char *path = paths[next++ & 3];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

static void fingerprint(const char *name, char hex[65]) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned len = 0;
  FILE *pem = fopen(file(name), "r");
  X509 *certificate = pem ? PEM_read_X509(pem, NULL, NULL, NULL) : NULL;
  if (certificate == NULL || X509_digest(certificate, EVP_sha256(), digest, &len) != 1) {
    printf("# cannot read %s\n", name);
    exit(99);
  }
  fclose(pem);
  for (unsigned at = 0; at < len; ++at) snprintf(hex + 2 * at, 3, "%02x", digest[at]);
  X509_free(certificate);
}

/* A gateway as far as its hello. */
static void script_gateway(peer *peer) {
  if (peer_tls(peer) && peer_ready(peer)) peer_wait_end(peer);
}

static void script_listen(peer *peer) {
  if (peer_tls(peer)) peer_wait_end(peer);
}

static void script_refuse_alpn(peer *peer) {
  peer_refuse_alpn(peer);
  peer_tls(peer);
}

static void script_garbage(peer *peer) {
  peer_send_raw(peer, "HTTP/1.1 400 Bad Request\r\n\r\n");
  peer_wait_end(peer);
}

static void script_silence(peer *peer) { peer_wait_end(peer); }

static void script_cut(peer *peer) { (void)peer; }

static void script_garbage_after(peer *peer) {
  if (!peer_tls(peer) || !peer_ready(peer)) return;
  peer_send_raw(peer, "this is no TLS record at all, and it is longer than a header");
  peer_wait_end(peer);
}

typedef struct trust_case {
  const char *name;
  peer_script *script;
  const char *certificate;
  const char *pinned; /* file whose certificate is pinned, "none" for a pin that matches nothing, or NULL */
  const char *ca;
  const char *server_name;
  gw_status wanted; /* GW_OK: it must connect */
} trust_case;

static const trust_case cases[] = {
    {"a trusted chain for the right name and date", script_gateway, "good.pem", NULL, "ca.pem", NULL, GW_OK},
    {"the name to verify can be given", script_gateway, "other.pem", NULL, "ca.pem", "gateway.example", GW_OK},
    {"a pin decides without chain and name", script_gateway, "other.pem", "other.pem", NULL, NULL, GW_OK},
    {"a pin decides without date", script_gateway, "expired.pem", "expired.pem", NULL, NULL, GW_OK},
    {"a wrong pin", script_listen, "good.pem", "none", NULL, NULL, GW_ERR_TLS_PIN},
    {"a wrong pin, even with a trusted chain", script_listen, "good.pem", "none", "ca.pem", NULL, GW_ERR_TLS_PIN},
    {"the pin of the CA is not the pin of the leaf", script_listen, "good.pem", "ca.pem", NULL, NULL, GW_ERR_TLS_PIN},
    {"no trusted chain", script_listen, "good.pem", NULL, NULL, NULL, GW_ERR_TLS_CHAIN},
    {"an expired certificate", script_listen, "expired.pem", NULL, "ca.pem", NULL, GW_ERR_TLS_EXPIRED},
    {"a certificate that is not yet valid", script_listen, "early.pem", NULL, "ca.pem", NULL, GW_ERR_TLS_EXPIRED},
    {"a certificate for another name", script_listen, "other.pem", NULL, "ca.pem", NULL, GW_ERR_TLS_NAME},
    {"a server without http/1.1", script_refuse_alpn, "good.pem", NULL, "ca.pem", NULL, GW_ERR_TLS_ALPN},
    {"a server without TLS", script_garbage, "good.pem", NULL, "ca.pem", NULL, GW_ERR_TLS},
    {"silence in the handshake", script_silence, "good.pem", NULL, "ca.pem", NULL, GW_ERR_TLS_TIMEOUT},
    {"an end in the handshake", script_cut, "good.pem", NULL, "ca.pem", NULL, GW_ERR_LOST},
};

static const trust_case *current;

static bool names_what_to_do(const kept_event *event) {
  return event->event.text.len > 0 && (event->event.actor != GW_ACTOR_NONE || event->event.status == GW_ERR_LOST);
}

static void run_case(void) {
  host host;
  kept_event event;
  char pin[65] = "0000000000000000000000000000000000000000000000000000000000000001";
  const char *pins[] = {pin};
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(current->script, file(current->certificate), 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.token = "secret-token";
  options.tls_timeout_ms = current->wanted == GW_ERR_TLS_TIMEOUT ? 100 : 0;
  options.server_name = current->server_name;
  if (current->ca != NULL) options.ca_file = file(current->ca);
  if (current->pinned != NULL) {
    if (strcmp(current->pinned, "none") != 0) fingerprint(current->pinned, pin);
    options.pins = pins;
    options.pin_count = 1;
  }
  gw_client *client = NULL;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  if (current->wanted == GW_OK) {
    CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
    CHECK(peer_received(server) > 0);
  } else if (host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event)) {
    /* An end before the handshake may show as a broken handshake just as well. */
    if (current->wanted == GW_ERR_LOST && event.event.status == GW_ERR_TLS) event.event.status = GW_ERR_LOST;
    CHECK_STATUS(event.event.status, current->wanted);
    CHECK(names_what_to_do(&event));
    CHECK(!slice_has(event.event.text, "secret-token"));
  } else {
    CHECK(false);
  }
  gw_client_free(client);
  host_close(&host);
  if (current->script == script_listen) CHECK(peer_received(server) == 0);
  peer_join(server);
}

static void a_wrong_pin_shows_what_was_seen(void) {
  host host;
  kept_event event;
  char seen[65], pin[65] = "0000000000000000000000000000000000000000000000000000000000000001";
  const char *pins[] = {pin};
  fingerprint("good.pem", seen);
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(script_listen, file("good.pem"), 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.flags = 0; /* trying again cannot help, so it must end all the same */
  options.pins = pins;
  options.pin_count = 1;
  options.token = "secret-token";
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS_PIN);
  CHECK(event.event.actor == GW_ACTOR_USER);
  CHECK((event.event.flags & GW_EVENT_RETRYABLE) == 0);
  CHECK(slice_has(event.event.payload, "\"seen\""));
  CHECK(slice_has(event.event.payload, seen));
  CHECK(slice_has(event.event.payload, "\"wanted\""));
  CHECK(slice_has(event.event.payload, pin));
  host_close(&host);
  CHECK(peer_received(server) == 0);
  peer_join(server);
}

static void any_of_several_pins_will_do(void) {
  host host;
  kept_event event;
  char pin[65];
  fingerprint("good.pem", pin);
  const char *pins[] = {"1111111111111111111111111111111111111111111111111111111111111111", pin};
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(script_gateway, file("good.pem"), 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.pins = pins;
  options.pin_count = 2;
  gw_client *client = NULL;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void garbage_after_the_handshake_ends_it(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(script_garbage_after, file("good.pem"), 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.ca_file = file("ca.pem");
  CHECK(host_client_end(&host, &options, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS);
  CHECK(event.event.connection == 1);
  host_close(&host);
  peer_join(server);
}

static void the_gateway_serves_given_certificates(void) {
  host host;
  kept_event event;
  gw_server *server = NULL;
  gw_client *client = NULL;
  gw_slice text;
  char pin[65];
  fingerprint("good.pem", pin);
  REQUIRE(host_open(&host));
  gw_server_options serving = host_server_options();
  serving.certificate_file = file("good.pem");
  serving.key_file = file("good.pem");
  REQUIRE_STATUS(gw_server_open(host.context, &serving, &server), GW_OK);
  REQUIRE_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &text), GW_OK);
  CHECK(slice_is(text, pin));
  REQUIRE_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE, &text), GW_OK);
  CHECK(slice_has(text, "BEGIN CERTIFICATE"));
  CHECK(!slice_has(text, "PRIVATE KEY"));
  char url[64];
  snprintf(url, sizeof url, "wss://localhost:%u", (unsigned)gw_server_port(server));
  gw_client_options options = host_client_options(url);
  options.ca_file = file("ca.pem");
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_free(client);
  gw_server_free(server);

  serving.key_file = file("other.pem");
  CHECK_STATUS(gw_server_open(host.context, &serving, &server), GW_ERR_CERTIFICATE);
  host_close(&host);
}

/* A client that shows a certificate, or none. */
static gw_client *open_showing(host *host, gw_server *server, const char *certificate) {
  static char url[64];
  gw_client *client = NULL;
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  snprintf(url, sizeof url, "wss://localhost:%u", (unsigned)gw_server_port(server));
  gw_client_options options = host_client_options(url);
  options.ca_file = file("ca.pem");
  options.trust = &trust;
  if (certificate != NULL) {
    trust.certificate_file = file(certificate);
    trust.key_file = file(certificate);
  }
  CHECK_STATUS(gw_client_open(host->context, &options, &client), GW_OK);
  return client;
}

static void client_certificates_are_wanted(uint32_t flags) {
  host host;
  kept_event event;
  gw_server *server = NULL;
  char shown[65];
  fingerprint("client.pem", shown);
  REQUIRE(host_open(&host));
  gw_server_options serving = host_server_options();
  serving.flags = flags;
  serving.certificate_file = file("good.pem");
  serving.key_file = file("good.pem");
  serving.client_ca_file = file("ca.pem");
  REQUIRE_STATUS(gw_server_open(host.context, &serving, &server), GW_OK);

  gw_client *client = open_showing(&host, server, "client.pem");
  CHECK(host_wait(&host, GW_EVENT_PEER_CONNECTED, 0, &event));
  CHECK(slice_has(event.event.payload, "\"certificate\":{\"subject\":\"CN=client\""));
  CHECK(slice_has(event.event.payload, shown));
  gw_client_free(client);

  client = open_showing(&host, server, NULL);
  if (flags & GW_SERVER_CLIENT_OPTIONAL) {
    CHECK(host_wait(&host, GW_EVENT_PEER_CONNECTED, 0, &event));
    CHECK(!slice_has(event.event.payload, "certificate"));
  } else {
    bool here = false, there = false;
    while ((!here || !there) && host_next(&host, HOST_DEADLINE_MS, &event)) {
      if (event.event.type == GW_EVENT_CLIENT_CLOSED && event.event.source == gw_client_id(client)) {
        CHECK_STATUS(event.event.status, GW_ERR_TLS);
        CHECK(slice_has(event.event.text, "wants a certificate") && event.event.actor == GW_ACTOR_USER);
        here = true;
      } else if (event.event.type == GW_EVENT_PEER_DISCONNECTED && event.event.status != GW_OK) {
        CHECK_STATUS(event.event.status, GW_ERR_TLS_CHAIN);
        CHECK(event.event.actor == GW_ACTOR_USER);
        there = true;
      }
    }
    CHECK(here && there);
  }
  gw_client_free(client);

  client = open_showing(&host, server, "self.pem");
  while (host_wait(&host, GW_EVENT_PEER_DISCONNECTED, 0, &event) && event.event.status == GW_OK) {
  }
  CHECK_STATUS(event.event.status, GW_ERR_TLS_CHAIN);
  gw_client_free(client);
  gw_server_free(server);
  host_close(&host);
}

static void client_certificates_are_required(void) { client_certificates_are_wanted(0); }
static void client_certificates_are_optional(void) { client_certificates_are_wanted(GW_SERVER_CLIENT_OPTIONAL); }

static void a_listener_tells_what_tls_agreed_on(void) {
  link_pair link;
  gw_tls_state tls = {.struct_size = sizeof tls}, other = {.struct_size = sizeof other};
  char pem[4096] = "";
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.certificate_file = file("client.crt");
  trust.key_file = file("client.key");
  gw_listener_options serving = listening();
  serving.certificate_file = serving.key_file = file("good.pem");
  serving.client_ca_file = file("ca.pem");
  gw_socket_options options = opening();
  options.trust = &trust;
  REQUIRE(link_open_with(&link, serving, options));
  CHECK_STATUS(gw_listener_get_tls(link.listener, link.peer, &tls), GW_OK);
  CHECK_STATUS(gw_socket_get_tls(link.socket, &other), GW_OK);
  CHECK(slice_is(tls.version, "TLSv1.3") && tls.resumed == 0 && tls.cipher.len > 0 && tls.cipher.len == other.cipher.len);
  FILE *shown = fopen(file("client.crt"), "r");
  REQUIRE(shown != NULL);
  fread(pem, 1, sizeof pem - 1, shown);
  fclose(shown);
  CHECK(slice_is(tls.chain, pem));
  CHECK_STATUS(gw_listener_get_tls(NULL, link.peer, &tls), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_get_tls(link.listener, link.peer, NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_get_tls(link.listener, 12345, &tls), GW_ERR_GONE);
  tls.struct_size = 8;
  CHECK_STATUS(gw_listener_get_tls(link.listener, link.peer, &tls), GW_ERR_STRUCT_SIZE);
  link_close(&link);

  tls.struct_size = sizeof tls;
  serving = listening();
  serving.flags = GW_LISTENER_PLAINTEXT;
  REQUIRE(link_open_with(&link, serving, opening()));
  CHECK_STATUS(gw_listener_get_tls(link.listener, link.peer, &tls), GW_ERR_STATE);
  link_close(&link);
}

static void copy_file(const char *from, const char *to) {
  char bytes[16384];
  FILE *in = fopen(file(from), "r"), *out = fopen(to, "w");
  if (in == NULL || out == NULL) exit(99);
  fwrite(bytes, 1, fread(bytes, 1, sizeof bytes, in), out);
  fclose(in);
  fclose(out);
}

static void a_certificate_is_reloaded(void) {
  host host;
  kept_event event;
  gw_server *server = NULL;
  gw_slice before, after;
  char path[] = "/tmp/gatewire-test-XXXXXX", good[65], renewed[65];
  int made = mkstemp(path);
  REQUIRE(made >= 0 && host_open(&host));
  close(made);
  fingerprint("good.pem", good);
  fingerprint("renewed.pem", renewed);
  copy_file("good.pem", path);
  gw_server_options serving = host_server_options();
  serving.certificate_file = path;
  serving.key_file = path;
  REQUIRE_STATUS(gw_server_open(host.context, &serving, &server), GW_OK);
  REQUIRE_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &before), GW_OK);
  gw_client *first = open_showing(&host, server, NULL);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));

  /* What cannot be used changes nothing. */
  copy_file("ca.pem", path);
  CHECK_STATUS(gw_server_reload_certificate(server), GW_ERR_CERTIFICATE);
  CHECK_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &after), GW_OK);
  CHECK(slice_is(after, good));

  copy_file("renewed.pem", path);
  CHECK_STATUS(gw_server_reload_certificate(server), GW_OK);
  CHECK_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &after), GW_OK);
  CHECK(slice_is(after, renewed));
  CHECK(slice_is(before, good)); /* borrowed before, and still there */

  /* Who was there stays, who comes is shown the new one. */
  gw_client_state state = {.struct_size = sizeof state};
  gw_client *second = open_showing(&host, server, NULL);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, gw_client_id(second), &event));
  gw_tls_state tls = {.struct_size = sizeof tls};
  CHECK_STATUS(gw_client_get_tls(second, &tls), GW_OK);
  gw_slice pem;
  CHECK_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE, &pem), GW_OK);
  CHECK(pem.len > 0 && tls.chain.len == pem.len && memcmp(tls.chain.ptr, pem.ptr, pem.len) == 0);
  CHECK_STATUS(gw_client_get_state(first, &state), GW_OK);
  CHECK(state.phase == GW_PHASE_READY);
  gw_client_free(first);
  gw_client_free(second);
  gw_server_free(server);

  serving.certificate_file = NULL;
  serving.key_file = NULL;
  REQUIRE_STATUS(gw_server_open(host.context, &serving, &server), GW_OK);
  CHECK_STATUS(gw_server_reload_certificate(server), GW_ERR_STATE);
  CHECK_STATUS(gw_server_reload_certificate(NULL), GW_ERR_ARGUMENT);
  gw_server_free(server);
  host_close(&host);
  remove(path);
}

static void a_made_certificate_is_valid_for_its_names(void) {
  host host;
  kept_event event;
  gw_server *server = NULL;
  gw_slice pem, url;
  gw_client *client = NULL;
  char path[] = "/tmp/gatewire-test-XXXXXX", text[128];
  int made = mkstemp(path);
  REQUIRE(made >= 0 && host_open(&host));
  gw_server_options serving = host_server_options();
  REQUIRE_STATUS(gw_server_open(host.context, &serving, &server), GW_OK);
  REQUIRE_STATUS(gw_server_get_text(server, GW_SERVER_CERTIFICATE, &pem), GW_OK);
  REQUIRE_STATUS(gw_server_get_text(server, GW_SERVER_URL, &url), GW_OK);
  FILE *out = fdopen(made, "w");
  REQUIRE(out != NULL && fwrite(pem.ptr, 1, pem.len, out) == pem.len && fclose(out) == 0);
  snprintf(text, sizeof text, "%.*s", (int)url.len, (const char *)url.ptr);
  gw_client_options options = host_client_options(text);
  options.ca_file = path;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_free(client);
  gw_server_free(server);
  host_close(&host);
  remove(path);
}

int main(int argc, char **argv) {
  if (argc < 3) return 99;
  host_read_arguments(argc, argv);
  directory = argv[2];
  for (size_t at = 0; at < sizeof cases / sizeof *cases; ++at) {
    current = &cases[at];
    RUN(current->name, run_case);
  }
  RUN("a wrong pin shows what was seen, and ends for good", a_wrong_pin_shows_what_was_seen);
  RUN("any of several pins will do", any_of_several_pins_will_do);
  RUN("garbage after the handshake ends the connection", garbage_after_the_handshake_ends_it);
  RUN("the gateway serves given certificates", the_gateway_serves_given_certificates);
  RUN("client certificates are required and told", client_certificates_are_required);
  RUN("client certificates are asked for and told", client_certificates_are_optional);
  RUN("a listener tells what TLS agreed on, and what the client showed", a_listener_tells_what_tls_agreed_on);
  RUN("a certificate is reloaded without dropping anybody", a_certificate_is_reloaded);
  RUN("a made certificate is valid for its names", a_made_certificate_is_valid_for_its_names);
  return test_finish();
}
