/* How long a connection takes to stand: TCP, TLS and the upgrade, plain, with a full handshake and resumed, beside what
 * `openssl s_time` needs for TCP and TLS at the same server.  Prints a table of docs/FIGURES.md.
 *   connect CERTIFICATES [COUNT]      connections of each kind, 500 unless told; the directory is that of certificates.sh */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/peer.h"

#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST = 10000 };

typedef struct kind {
  const char *name;
  bool is_encrypted, is_resumed;
  uint32_t version;
  const char *s_time; /* its options; NULL: it cannot do the same */
} kind;

static const kind kinds[] = {
    {"plain", false, false, 0, NULL},
    {"TLS 1.3", true, false, GW_TLS_1_3, "-new -tls1_3"},
    {"TLS 1.3, resumed", true, true, GW_TLS_1_3, NULL},
    {"TLS 1.2", true, false, GW_TLS_1_2, "-new -tls1_2"},
    {"TLS 1.2, resumed", true, true, GW_TLS_1_2, "-reuse -tls1_2"},
};

static int count = 500;

static void fail(const char *what) {
  fprintf(stderr, "connect: %s\n", what);
  exit(1);
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static uint64_t median(uint64_t *values) {
  qsort(values, (size_t)count, sizeof *values, compare);
  return values[count / 2];
}

/* Microseconds, real and in user space, of one connection of s_time: TCP, TLS, end. */
typedef struct cost {
  double real, user;
} cost;

static cost s_time(unsigned port, const char *options) {
  char command[256], line[256];
  double user = 0, connections = 0;
  snprintf(command, sizeof command, "openssl s_time -connect 127.0.0.1:%u -time 3 %s 2>&1", port, options);
  int64_t began = host_now();
  FILE *output = popen(command, "r");
  if (output == NULL) fail(command);
  /* The last line of this form is that of the kind of handshake that was asked for. */
  while (fgets(line, sizeof line, output) != NULL) sscanf(line, "%lf connections in %lfs;", &connections, &user);
  pclose(output);
  if (connections == 0) fail("openssl s_time made no connection");
  return (cost){(double)(host_now() - began) * 1000 / connections, user * 1e6 / connections};
}

/* Of this thread, the client's. */
static double user_us(void) {
  struct rusage used;
  getrusage(RUSAGE_THREAD, &used);
  return (double)used.ru_utime.tv_sec * 1e6 + (double)used.ru_utime.tv_usec;
}

static sem_t seen; /* the host has looked at the connection */
static bool is_encrypted;

static void gateway(peer *peer) {
  if ((!is_encrypted || peer_tls(peer)) && peer_ready(peer)) sem_wait(&seen);
}

static bool next_event(host *host, uint32_t type) {
  kept_event event;
  while (host_next(host, HOST_DEADLINE_MS, &event))
    if (event.event.type == type) return true;
  return false;
}

static void measure(const kind *kind, const char *directory) {
  static uint64_t tcp[MOST], tls[MOST], upgrade[MOST];
  host host;
  gw_client *client = NULL;
  char pem[512], ca[512];
  unsigned port = 0;
  snprintf(pem, sizeof pem, "%s/good.pem", directory);
  snprintf(ca, sizeof ca, "%s/ca.pem", directory);
  is_encrypted = kind->is_encrypted;
  sem_init(&seen, 0, 0);
  peer_server *server = peer_listen(gateway, is_encrypted ? pem : NULL, INT_MAX);
  if (!host_open(&host) || sscanf(strrchr(peer_url(server), ':'), ":%u", &port) != 1) fail("no server");

  gw_trust_options trust;
  gw_trust_options_init(&trust);
  if (!kind->is_resumed) trust.flags |= GW_TRUST_NO_RESUMPTION;
  trust.min_version = trust.max_version = kind->version;
  gw_client_options options = host_client_options(peer_url(server));
  options.flags = 0;
  options.reconnect_initial_ms = options.reconnect_max_ms = 1;
  if (is_encrypted) {
    options.ca_file = ca;
    options.trust = &trust;
  }
  if (gw_client_open(host.context, &options, &client) != GW_OK) fail("gw_client_open");
  double began = 0;
  /* The first one is never resumed. */
  for (int at = -1; at < count; ++at) {
    gw_client_state state = {.struct_size = sizeof state};
    gw_tls_state agreed = {.struct_size = sizeof agreed};
    if (!next_event(&host, GW_EVENT_CLIENT_CONNECTED)) fail("no connection");
    gw_client_get_state(client, &state);
    if (at < 0) {
      began = user_us();
    } else {
      tcp[at] = state.connect_us;
      tls[at] = state.tls_us;
      upgrade[at] = state.upgrade_us;
      if (is_encrypted && (gw_client_get_tls(client, &agreed) != GW_OK || agreed.resumed != kind->is_resumed))
        fail("not the handshake that was wanted");
    }
    sem_post(&seen);
  }
  double user = (user_us() - began) / count;
  gw_client_free(client);
  host_close(&host);
  printf("| %s | %llu | ", kind->name, (unsigned long long)median(tcp));
  printf(is_encrypted ? "%llu" : "-", (unsigned long long)median(tls));
  printf(" | %llu | %.0f | ", (unsigned long long)median(upgrade), user);
  if (kind->s_time == NULL) {
    printf("- | - |\n");
  } else {
    cost other = s_time(port, kind->s_time);
    printf("%.0f | %.0f |\n", other.real, other.user);
  }
  fflush(stdout);
  sem_post(&seen);
  peer_join(server);
}

int main(int argc, char **argv) {
  if (argc < 2) fail("no directory");
  if (argc > 2) count = atoi(argv[2]);
  if (count < 1 || count > MOST) fail("COUNT is 1 to 10000");
  printf("| connecting, us | TCP | TLS | upgrade | user CPU, with the hello | s_time, TCP and TLS | s_time, user CPU |\n");
  printf("| --- | --- | --- | --- | --- | --- | --- |\n");
  for (size_t at = 0; at < sizeof kinds / sizeof *kinds; ++at) measure(&kinds[at], argv[1]);
  return 0;
}
