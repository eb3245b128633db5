/* The verdict about a server, by trust mode, pin and certificate, over real TLS: what it is, what it says, and that a server which is
 * not believed gets no byte of the application.  argv[2] is the directory that certificates.sh has filled. */
#define _GNU_SOURCE
#include "host.h"
#include "peer.h"
#include "test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static const char *directory;
static const char CANARY[] = "canary-passphrase", TOKEN[] = "canary-token";

static const char *file(const char *name) {
  static char paths[8][256];
  static int next;
  char *path = paths[next++ & 7];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

/* The pin "KIND:FILE" of a certificate, "key:good.pem"; "none" for one that matches nothing. */
static const char *pin_of(const char *what) {
  static char pins[4][128];
  static int next;
  char *pin = pins[next++ & 3];
  const char *name = strchr(what, ':');
  if (name == NULL) return "key:0000000000000000000000000000000000000000000000000000000000000001";
  FILE *pem = fopen(file(name + 1), "r");
  X509 *certificate = pem ? PEM_read_X509(pem, NULL, NULL, NULL) : NULL;
  unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
  if (certificate == NULL) {
    printf("# cannot read %s\n", name + 1);
    exit(99);
  }
  fclose(pem);
  bool is_key = strncmp(what, "key:", 4) == 0 || strncmp(what, "ca-key:", 7) == 0;
  int size = is_key ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der) : i2d_X509(certificate, &der);
  EVP_Digest(der, (size_t)size, digest, NULL, EVP_sha256(), NULL);
  int at = snprintf(pin, sizeof pins[0], "%.*s:", (int)(name - what), what);
  for (int byte = 0; byte < 32; ++byte) at += snprintf(pin + at, 3, "%02X", digest[byte]);
  OPENSSL_free(der);
  X509_free(certificate);
  return pin;
}

static void script_gateway(peer *peer) {
  if (peer_tls(peer) && peer_ready(peer)) peer_wait_end(peer);
}

static void script_listen(peer *peer) {
  if (peer_tls(peer)) peer_wait_end(peer);
}

static void script_listen_12(peer *peer) {
  peer_limit_tls(peer, TLS1_2_VERSION);
  script_listen(peer);
}

static void script_gateway_12(peer *peer) {
  peer_limit_tls(peer, TLS1_2_VERSION);
  script_gateway(peer);
}

/* The beginning of a record that says it is longer. */
static void script_half_record(peer *peer) { peer_send_raw(peer, "\x16\x03\x03\x10\x10half"); }

static void script_refuse_alpn(peer *peer) {
  peer_refuse_alpn(peer);
  peer_tls(peer);
}

static void script_want_certificate(peer *peer) {
  peer_want_certificate(peer, file("ca.pem"));
  script_gateway(peer);
}

typedef struct verdict {
  const char *name;
  uint32_t mode;
  const char *pin;         /* as pin_of takes it */
  const char *certificate; /* of the server */
  const char *ca;
  gw_status wanted;   /* GW_OK: it must connect */
  peer_script *script; /* NULL: a gateway if it must connect, else one that listens */
} verdict;

static const verdict verdicts[] = {
    {"a key pin", 0, "key:good.pem", "good.pem", NULL, GW_OK, NULL},
    {"a key pin survives the renewal of the certificate", 0, "key:good.pem", "renewed.pem", NULL, GW_OK, NULL},
    {"a certificate pin does not", 0, "cert:good.pem", "renewed.pem", NULL, GW_ERR_TLS_PIN, NULL},
    {"a certificate pin does not, with TLS 1.2", 0, "cert:good.pem", "renewed.pem", NULL, GW_ERR_TLS_PIN, script_listen_12},
    {"a key pin, with TLS 1.2", 0, "key:good.pem", "renewed.pem", NULL, GW_OK, script_gateway_12},
    {"a key pin of a self-signed certificate", 0, "key:self.pem", "self.pem", NULL, GW_OK, NULL},
    {"a CA pin for a chain that shows it", 0, "ca:ca.pem", "chained.pem", NULL, GW_OK, NULL},
    {"a CA key pin for a chain that shows it", 0, "ca-key:ca.pem", "chained.pem", NULL, GW_OK, NULL},
    {"a CA pin for a CA that the CA file has", 0, "ca:ca.pem", "good.pem", "ca.pem", GW_OK, NULL},
    {"a CA pin for a CA that nobody shows", 0, "ca:ca.pem", "good.pem", NULL, GW_ERR_TLS_PIN, NULL},
    {"a CA pin with the digest of the leaf", 0, "ca:good.pem", "chained.pem", NULL, GW_ERR_TLS_PIN, NULL},
    {"a leaf pin with the digest of the CA", 0, "cert:ca.pem", "chained.pem", NULL, GW_ERR_TLS_PIN, NULL},
    {"a CA pin needs the date", 0, "ca:ca.pem", "expired.pem", "ca.pem", GW_ERR_TLS_PIN, NULL},
    {"a CA pin needs the name", 0, "ca:ca.pem", "other.pem", "ca.pem", GW_ERR_TLS_PIN, NULL},
    {"pin and CA, both right", GW_TRUST_PIN_AND_CA, "key:good.pem", "good.pem", "ca.pem", GW_OK, NULL},
    {"pin and CA, wrong pin", GW_TRUST_PIN_AND_CA, "none", "good.pem", "ca.pem", GW_ERR_TLS_PIN, NULL},
    {"pin and CA, unknown CA", GW_TRUST_PIN_AND_CA, "key:self.pem", "self.pem", "ca.pem", GW_ERR_TLS_CHAIN, NULL},
    {"pin and CA, expired", GW_TRUST_PIN_AND_CA, "key:expired.pem", "expired.pem", "ca.pem", GW_ERR_TLS_EXPIRED, NULL},
    {"pin and CA, not yet valid", GW_TRUST_PIN_AND_CA, "key:early.pem", "early.pem", "ca.pem", GW_ERR_TLS_EXPIRED, NULL},
    {"pin and CA, wrong name", GW_TRUST_PIN_AND_CA, "key:other.pem", "other.pem", "ca.pem", GW_ERR_TLS_NAME, NULL},
    {"pin or CA, right CA", GW_TRUST_PIN_OR_CA, "none", "good.pem", "ca.pem", GW_OK, NULL},
    {"pin or CA, right pin", GW_TRUST_PIN_OR_CA, "key:self.pem", "self.pem", "ca.pem", GW_OK, NULL},
    {"pin or CA, neither", GW_TRUST_PIN_OR_CA, "none", "self.pem", "ca.pem", GW_ERR_TLS_PIN, NULL},
    {"CA alone, with a wrong pin beside it", GW_TRUST_CA, "none", "good.pem", "ca.pem", GW_OK, NULL},
    {"CA alone, with a right pin beside it", GW_TRUST_CA, "key:self.pem", "self.pem", "ca.pem", GW_ERR_TLS_CHAIN, NULL},
    {"a weak key, pinned", 0, "key:weak.pem", "weak.pem", NULL, GW_ERR_TLS_CHAIN, NULL},
    {"a weak key of a trusted CA", GW_TRUST_CA, NULL, "weak.pem", "ca.pem", GW_ERR_TLS_CHAIN, NULL},
    {"a pinned server without http/1.1", 0, "key:good.pem", "good.pem", NULL, GW_ERR_TLS_ALPN, script_refuse_alpn},
    {"a record that is cut off", 0, "key:good.pem", "good.pem", NULL, GW_ERR_TLS, script_half_record},
    {"a server that wants a certificate and gets none", 0, "key:good.pem", "good.pem", NULL, GW_ERR_TLS,
     script_want_certificate},
};

static const verdict *current;

static bool has_canary(const kept_event *event) {
  return slice_has(event->event.text, "canary") || slice_has(event->event.payload, "canary") ||
         slice_has(event->event.name, "canary");
}

static void run_verdict(void) {
  host host;
  kept_event event;
  REQUIRE(host_open(&host));
  peer_script *script = current->script;
  if (script == NULL) script = current->wanted == GW_OK ? script_gateway : script_listen;
  peer_server *server = peer_listen(script, file(current->certificate), 1);
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.mode = current->mode;
  gw_client_options options = host_client_options(peer_url(server));
  const char *pins[1] = {current->pin == NULL ? NULL : pin_of(current->pin)};
  options.pins = current->pin == NULL ? NULL : pins;
  options.pin_count = current->pin == NULL ? 0 : 1;
  options.ca_file = current->ca == NULL ? NULL : file(current->ca);
  options.trust = &trust;
  options.token = TOKEN;
  gw_client *client = NULL;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  if (current->wanted == GW_OK) {
    CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  } else if (host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event)) {
    /* An end before the handshake is done may be a reset as well. */
    if (current->wanted == GW_ERR_TLS && event.event.status == GW_ERR_LOST) event.event.status = GW_ERR_TLS;
    CHECK_STATUS(event.event.status, current->wanted);
    CHECK(event.event.text.len > 0 && event.event.actor != GW_ACTOR_NONE);
    CHECK(!has_canary(&event));
    if (event.event.status == GW_ERR_TLS_PIN) {
      CHECK(slice_has(event.event.payload, "\"seen\"") && slice_has(event.event.payload, "\"seenKey\""));
      CHECK(slice_has(event.event.payload, "\"wanted\"") && slice_has(event.event.payload, "\"chain\""));
    }
  } else {
    CHECK(false);
  }
  gw_client_free(client);
  host_close(&host);
  if (current->wanted != GW_OK) CHECK(peer_received(server) == 0);
  peer_join(server);
}

/* --- asking --- */

static peer_server *asked(host *host, peer_script *script, uint32_t timeout_ms, gw_client **client, kept_event *event) {
  peer_server *server = peer_listen(script, file("self.pem"), 1);
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.flags = GW_TRUST_ASK;
  trust.mode = GW_TRUST_PIN;
  trust.answer_timeout_ms = timeout_ms;
  gw_client_options options = host_client_options(peer_url(server));
  options.trust = &trust;
  options.token = TOKEN;
  CHECK_STATUS(gw_client_open(host->context, &options, client), GW_OK);
  CHECK(host_wait(host, GW_EVENT_TRUST_REQUEST, gw_client_id(*client), event));
  return server;
}

static void a_first_use_is_asked_about(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = asked(&host, script_gateway, 0, &client, &event);
  CHECK_STATUS(event.event.status, GW_ERR_TLS_PIN);
  CHECK(event.event.subject != 0);
  CHECK(slice_has(event.event.payload, "\"wanted\":[]"));
  CHECK(slice_has(event.event.payload, "\"subject\":\"CN=self\""));
  CHECK(!has_canary(&event));
  CHECK(peer_received(server) == 0);
  uint64_t question = event.event.subject;
  CHECK_STATUS(gw_trust_answer(host.context, question, 1), GW_OK);
  CHECK_STATUS(gw_trust_answer(host.context, question, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_trust_answer(host.context, 12345, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_trust_answer(NULL, question, 1), GW_ERR_ARGUMENT);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void what_the_host_refuses_ends(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = asked(&host, script_listen, 0, &client, &event);
  CHECK_STATUS(gw_trust_answer(host.context, event.event.subject, 0), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS_REFUSED);
  CHECK((event.event.flags & GW_EVENT_RETRYABLE) == 0);
  CHECK(slice_has(event.event.payload, "\"seenKey\""));
  gw_client_free(client);
  host_close(&host);
  CHECK(peer_received(server) == 0);
  peer_join(server);
}

static void an_answer_has_a_time_limit(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = asked(&host, script_listen, 50, &client, &event);
  uint64_t question = event.event.subject;
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS_TIMEOUT);
  CHECK_STATUS(gw_trust_answer(host.context, question, 1), GW_ERR_GONE);
  gw_client_free(client);
  host_close(&host);
  CHECK(peer_received(server) == 0);
  peer_join(server);
}

static void a_question_ends_with_its_client(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = asked(&host, script_listen, 0, &client, &event);
  uint64_t question = event.event.subject;
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_OK);
  CHECK_STATUS(gw_trust_answer(host.context, question, 1), GW_ERR_GONE);
  gw_client_free(client);
  host_close(&host);
  CHECK(peer_received(server) == 0);
  peer_join(server);
  /* And with its context. */
  REQUIRE(host_open(&host));
  server = asked(&host, script_listen, 0, &client, &event);
  host_close(&host);
  gw_client_free(client);
  CHECK(peer_received(server) == 0);
  peer_join(server);
}

/* --- pins that are replaced, sessions that are resumed --- */

static atomic_int resumed;
static sem_t seen; /* the host has looked at the connection */

static void script_short(peer *peer) {
  if (!peer_tls(peer)) return;
  if (peer_resumed(peer)) resumed += 1;
  if (peer_ready(peer)) sem_wait(&seen);
}

static void script_short_12(peer *peer) {
  peer_limit_tls(peer, TLS1_2_VERSION);
  script_short(peer);
}

static void check_tls(gw_client *client, const char *version, uint32_t is_resumed) {
  gw_tls_state state = {.struct_size = sizeof state};
  gw_status status = gw_client_get_tls(client, &state);
  CHECK_STATUS(status, GW_OK);
  CHECK(slice_is(state.version, version));
  CHECK(state.cipher.len > 0);
  CHECK(slice_has(state.chain, "BEGIN CERTIFICATE"));
  CHECK(state.resumed == is_resumed);
}

static void sessions_are_resumed(peer_script *script, const char *version, uint32_t flags, bool is_wanted) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  REQUIRE(host_open(&host));
  resumed = 0;
  sem_init(&seen, 0, 0);
  peer_server *server = peer_listen(script, file("good.pem"), 3);
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.flags = flags;
  gw_client_options options = host_client_options(peer_url(server));
  const char *pins[1] = {pin_of("key:good.pem")}, *others[1] = {pin_of("none")}, *broken[1] = {"key:abc"};
  options.flags = 0;
  options.reconnect_initial_ms = 1;
  options.reconnect_max_ms = 1;
  options.pins = pins;
  options.pin_count = 1;
  options.trust = &trust;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  check_tls(client, version, 0);
  sem_post(&seen);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  check_tls(client, version, is_wanted ? 1 : 0);
  CHECK(resumed == (is_wanted ? 1 : 0));

  /* What the pins of now do not want is not resumed either. */
  CHECK_STATUS(gw_client_set_pins(client, broken, 1), GW_ERR_PIN_TEXT);
  CHECK_STATUS(gw_client_set_pins(client, others, 1), GW_OK);
  sem_post(&seen);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CLOSED, 0, &event));
  CHECK_STATUS(event.event.status, GW_ERR_TLS_PIN);
  CHECK(resumed == (is_wanted ? 1 : 0));
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void a_session_is_resumed(void) { sessions_are_resumed(script_short, "TLSv1.3", 0, true); }
static void a_session_is_resumed_12(void) { sessions_are_resumed(script_short_12, "TLSv1.2", 0, true); }
static void no_session_is_resumed(void) { sessions_are_resumed(script_short, "TLSv1.3", GW_TRUST_NO_RESUMPTION, false); }

/* --- client certificates --- */

static void shows(const char *certificate, const char *key, const char *pkcs12, const char *passphrase, gw_status wanted) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  gw_error error = {.struct_size = sizeof error};
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(script_want_certificate, file("good.pem"), 1);
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.certificate_file = certificate == NULL ? NULL : file(certificate);
  trust.key_file = key == NULL ? NULL : file(key);
  trust.pkcs12_file = pkcs12 == NULL ? NULL : file(pkcs12);
  trust.passphrase = passphrase;
  gw_client_options options = host_client_options(peer_url(server));
  const char *pins[1] = {pin_of("key:good.pem")};
  options.pins = pins;
  options.pin_count = 1;
  options.trust = &trust;
  CHECK_STATUS(gw_client_open(host.context, &options, &client), wanted);
  if (wanted == GW_OK) {
    CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  } else {
    CHECK_STATUS(gw_context_last_error(host.context, &error), GW_OK);
    CHECK(error.text.len > 0 && !slice_has(error.text, "canary"));
  }
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

static void client_certificates_are_shown(void) {
  shows("client.crt", "client.key", NULL, NULL, GW_OK);
  shows("client.crt", "locked.key", NULL, CANARY, GW_OK);
  shows(NULL, NULL, "client.p12", CANARY, GW_OK);
}

static void what_cannot_be_shown_is_refused(void) {
  shows("client.crt", "locked.key", NULL, "canary-wrong", GW_ERR_CERTIFICATE);
  shows("client.crt", "locked.key", NULL, NULL, GW_ERR_CERTIFICATE);
  shows("client.crt", "good.key", NULL, NULL, GW_ERR_CERTIFICATE);
  shows(NULL, NULL, "client.p12", "canary-wrong", GW_ERR_CERTIFICATE);
  shows(NULL, NULL, "client.crt", CANARY, GW_ERR_CERTIFICATE);
  shows("client.crt", NULL, NULL, NULL, GW_ERR_ARGUMENT);
  shows("client.crt", "client.key", "client.p12", CANARY, GW_ERR_ARGUMENT);
  shows(NULL, NULL, NULL, CANARY, GW_ERR_ARGUMENT);
}

static void the_key_log_is_private(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  char path[] = "/tmp/gatewire-keys-XXXXXX", line[64] = "";
  int made = mkstemp(path);
  REQUIRE(made >= 0 && host_open(&host));
  close(made);
  remove(path);
  peer_server *server = peer_listen(script_gateway, file("good.pem"), 1);
  gw_trust_options trust;
  gw_trust_options_init(&trust);
  trust.key_log_file = path;
  gw_client_options options = host_client_options(peer_url(server));
  options.ca_file = file("ca.pem");
  options.trust = &trust;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  FILE *log = fopen(path, "r");
  CHECK(log != NULL && fgets(line, sizeof line, log) != NULL && strstr(line, "_TRAFFIC_SECRET ") != NULL);
  if (log != NULL) fclose(log);
  CHECK(access(path, X_OK) != 0);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
  remove(path);
}

int main(int argc, char **argv) {
  if (argc < 3) return 99;
  host_read_arguments(argc, argv);
  directory = argv[2];
  for (size_t at = 0; at < sizeof verdicts / sizeof *verdicts; ++at) {
    current = &verdicts[at];
    RUN(current->name, run_verdict);
  }
  RUN("a first use is asked about inside the handshake", a_first_use_is_asked_about);
  RUN("what the host refuses ends without a byte", what_the_host_refuses_ends);
  RUN("an answer has a time limit", an_answer_has_a_time_limit);
  RUN("a question ends with its client and with its context", a_question_ends_with_its_client);
  RUN("a session is resumed and its certificate judged again", a_session_is_resumed);
  RUN("a session is resumed and its certificate judged again, with TLS 1.2", a_session_is_resumed_12);
  RUN("no session is resumed if that is not wanted", no_session_is_resumed);
  RUN("client certificates are shown", client_certificates_are_shown);
  RUN("what cannot be shown is refused, and no passphrase is repeated", what_cannot_be_shown_is_refused);
  RUN("the key log is for debugging, and private", the_key_log_is_private);
  return test_finish();
}
