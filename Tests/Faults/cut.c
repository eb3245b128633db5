/* A connection that is cut, at every byte of its life and in both directions: while a proxy opens the tunnel, in the TLS handshake,
 * the upgrade, the challenge, the hello, a call and the close.  Whatever happens, the client ends in one event within its time, the
 * call in the outcome that is true, and nothing is left behind.
 *   cut DRIVE - [full | SEED]      full: every byte, some minutes; else some cuts, chosen by the seed */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/test.h"
#include "child.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
  SLOTS = 24,       /* attempts at a time */
  SAMPLES = 60,     /* cuts of a way when not every byte is tried */
  LIMIT_MS = 250,   /* of each phase when nothing but a time limit can end it */
  SLACK_MS = 10000, /* for a machine with other work; less than the default limits */
  MAX_CALLS = 1 << 20
};

/* --- what is on the way --- */

typedef struct way {
  const char *name;
  bool is_encrypted;
  const char *proxy; /* scheme, or NULL */
} way;

static const way ways[] = {
    {"plain", false, NULL},
    {"TLS", true, NULL},
    {"plain through CONNECT", false, "http"},
    {"TLS through SOCKS 5", true, "socks5h"},
};

static child faults, tunnel;
static unsigned tunnel_port;

static bool ask_for_proxy(const char *options, unsigned target, unsigned *port) {
  char line[256], answer[64];
  snprintf(line, sizeof line, "127.0.0.1:%u %s\n", target, options);
  return child_ask(&faults, line, answer, sizeof answer) && sscanf(answer, "%u", port) == 1;
}

static bool end_proxy(unsigned port, unsigned *from_client, unsigned *to_client) {
  char line[64], answer[64];
  snprintf(line, sizeof line, "end %u\n", port);
  return child_ask(&faults, line, answer, sizeof answer) && sscanf(answer, "%u %u", from_client, to_client) == 2;
}

/* --- the gateway, kept by a thread of this program: it notes which calls it was asked to run --- */

typedef struct gateway {
  host host;
  gw_server *server;
  char url[128], pin[80];
} gateway;

static gateway gateways[2]; /* plain, TLS */
static pthread_t gateway_threads[2];
static atomic_bool is_over;
static atomic_uchar runs[MAX_CALLS];
static gw_status outcomes[MAX_CALLS];
static unsigned calls;

static void *keep_gateway(void *argument) {
  gateway *gateway = argument;
  kept_event event;
  unsigned number;
  while (!is_over) {
    if (!host_next(&gateway->host, 50, &event) || event.event.type != GW_EVENT_PEER_REQUEST) continue;
    if (sscanf(event.payload, "{\"number\":%u}", &number) == 1 && number < MAX_CALLS) ++runs[number];
    gw_server_reply(gateway->server, event.event.subject, "{\"done\":true}", 13, 1);
  }
  return NULL;
}

static bool gateway_open(gateway *gateway, bool is_encrypted) {
  gw_slice url, pin;
  gw_server_options options = host_server_options();
  if (!is_encrypted) options.flags |= GW_SERVER_PLAINTEXT;
  if (!host_open(&gateway->host) || gw_server_open(gateway->host.context, &options, &gateway->server) != GW_OK)
    return false;
  gw_server_get_text(gateway->server, GW_SERVER_URL, &url);
  gw_server_get_text(gateway->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(gateway->url, sizeof gateway->url, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(gateway->pin, sizeof gateway->pin, "%.*s", (int)pin.len, (const char *)pin.ptr);
  return true;
}

/* --- one attempt --- */

typedef struct cut {
  const char *how; /* NULL: not at all */
  bool to_client;
  unsigned offset; /* bytes that pass before */
} cut;

typedef struct attempt {
  gw_client *client; /* NULL: the slot is free */
  uint64_t source;
  cut cut;
  unsigned proxy_port;
  int64_t began;
  unsigned call; /* number, 0 before it is made */
  bool is_call_over;
} attempt;

typedef struct sweep {
  const way *way;
  cut *cuts;
  unsigned count, next, ended;
  attempt slots[SLOTS];
  unsigned statuses[1000]; /* ends, by status */
} sweep;

static host the;
static sweep current;

static const char *const hows[] = {"reset", "close", "hold"};

/* Nothing but a time limit can end what is held. */
static bool waits_for_limits(cut cut) { return cut.how == hows[2]; }

static void complain(const attempt *attempt, const char *what, const kept_event *event) {
  test_is_failing = true;
  printf("# %s after %u bytes %s the client: %s: %s: %s\n", attempt->cut.how, attempt->cut.offset,
         attempt->cut.to_client ? "to" : "from", what, gw_status_name(event->event.status), event->text);
}

static bool attempt_begin(attempt *attempt, cut cut) {
  const gateway *gateway = &gateways[current.way->is_encrypted];
  unsigned port = gw_server_port(gateway->server);
  char url[128], proxy[64], text[64] = "";
  const char *pins[] = {gateway->pin};
  *attempt = (struct attempt){.cut = cut, .began = host_now()};
  if (cut.how != NULL)
    snprintf(text, sizeof text, "--cut-%s-client %u --how %s", cut.to_client ? "to" : "from", cut.offset, cut.how);
  gw_route_options route;
  gw_route_options_init(&route);
  if (!ask_for_proxy(text, current.way->proxy != NULL ? tunnel_port : port, &attempt->proxy_port)) return false;
  snprintf(url, sizeof url, "%s://127.0.0.1:%u", current.way->is_encrypted ? "wss" : "ws",
           current.way->proxy != NULL ? port : attempt->proxy_port);
  gw_client_options options = host_client_options(url);
  if (current.way->is_encrypted) {
    options.pins = pins;
    options.pin_count = 1;
  }
  if (current.way->proxy != NULL) {
    snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%u", current.way->proxy, attempt->proxy_port);
    route.proxy = proxy;
    options.route = &route;
  }
  if (waits_for_limits(cut)) {
    route.proxy_timeout_ms = options.tls_timeout_ms = options.upgrade_timeout_ms = LIMIT_MS;
    options.challenge_timeout_ms = options.hello_timeout_ms = LIMIT_MS;
    options.call_timeout_ms = options.close_timeout_ms = LIMIT_MS;
  } else {
    options.close_timeout_ms = 0; /* the default */
  }
  if (gw_client_open(the.context, &options, &attempt->client) != GW_OK) return false;
  attempt->source = gw_client_id(attempt->client);
  return true;
}

static void attempt_connected(attempt *attempt) {
  char params[64];
  uint64_t call;
  if (calls + 1 >= MAX_CALLS) return;
  int len = snprintf(params, sizeof params, "{\"number\":%u}", calls + 1);
  if (gw_client_call(attempt->client, "cut.run", params, (size_t)len, NULL, &call) < 0) return;
  attempt->call = ++calls;
  outcomes[attempt->call] = GW_ERR_INTERNAL;
}

static bool is_true_end(cut cut, gw_status status) {
  switch (status) {
  case GW_OK: return true;
  case GW_ERR_PROXY_TIMEOUT:
  case GW_ERR_TLS_TIMEOUT:
  case GW_ERR_UPGRADE_TIMEOUT:
  case GW_ERR_CHALLENGE_TIMEOUT:
  case GW_ERR_HELLO_TIMEOUT: return waits_for_limits(cut);
  case GW_ERR_LOST:
  case GW_ERR_CLOSED:
  case GW_ERR_PROXY:
  case GW_ERR_TLS:
  case GW_ERR_UPGRADE_INVALID: return !waits_for_limits(cut);
  default: return false;
  }
}

static void attempt_ended(attempt *attempt, const kept_event *event) {
  unsigned from_client, to_client;
  int64_t took = host_now() - attempt->began;
  /* At most one phase and the close wait for their limits. */
  if (took > SLACK_MS + (waits_for_limits(attempt->cut) ? 2 * LIMIT_MS : 0)) complain(attempt, "ended late", event);
  if (!is_true_end(attempt->cut, event->event.status)) complain(attempt, "ended as if something else had happened", event);
  if (event->event.text.len == 0 && event->event.status != GW_OK) complain(attempt, "ended without a reason", event);
  if (attempt->call != 0 && !attempt->is_call_over) complain(attempt, "ended before its call", event);
  if (event->event.status <= 0 && event->event.status > -1000) ++current.statuses[-event->event.status];
  gw_client_free(attempt->client);
  if (!end_proxy(attempt->proxy_port, &from_client, &to_client)) complain(attempt, "the proxy has gone", event);
  attempt->client = NULL;
  ++current.ended;
}

static void attempt_hears(attempt *attempt, const kept_event *event) {
  switch (event->event.type) {
  case GW_EVENT_CLIENT_CONNECTED: attempt_connected(attempt); break;
  case GW_EVENT_CALL_DONE:
    if (attempt->is_call_over) complain(attempt, "the call ended twice", event);
    attempt->is_call_over = true;
    outcomes[attempt->call] = event->event.status;
    gw_client_close(attempt->client, 0, NULL);
    break;
  case GW_EVENT_CLIENT_CLOSED: attempt_ended(attempt, event); break;
  case GW_EVENT_GATEWAY_EVENT: break;
  default: complain(attempt, gw_event_type_name(event->event.type), event);
  }
}

/* --- all attempts of a sweep --- */

static attempt *slot_of(uint64_t source) {
  for (unsigned at = 0; at < SLOTS; ++at)
    if (current.slots[at].client != NULL && current.slots[at].source == source) return &current.slots[at];
  return NULL;
}

static void fill_slots(void) {
  for (unsigned at = 0; at < SLOTS && current.next < current.count; ++at) {
    if (current.slots[at].client != NULL || attempt_begin(&current.slots[at], current.cuts[current.next++])) continue;
    test_note(__FILE__, __LINE__, "an attempt could not begin");
    ++current.ended;
  }
}

/* With a guardian, the host is one that stays away for longer than it may. */
static void stay_away(void) {
  if (host_takeover == GW_TAKEOVER_NEVER || host_takeover == GW_TAKEOVER_ALWAYS) return;
  struct timespec pause = {.tv_nsec = (long)host_takeover * 3 * 1000000};
  nanosleep(&pause, NULL);
}

/* Drives attempts until all have ended; false when nothing happens for longer than all limits together. */
static bool run_attempts(void) {
  kept_event event;
  while (current.ended < current.count) {
    fill_slots();
    if (the.next >= the.count) stay_away();
    if (!host_next(&the, HOST_DEADLINE_MS, &event)) return false;
    attempt *attempt = slot_of(event.event.source);
    if (attempt != NULL) {
      attempt_hears(attempt, &event);
    } else {
      test_is_failing = true;
      printf("# %s of a client that has ended\n", gw_event_type_name(event.event.type));
    }
  }
  return true;
}

/* What the gateway was asked to run is final once its thread has seen the end of all connections. */
static void check_outcomes(unsigned from) {
  for (unsigned call = from; call <= calls; ++call) {
    unsigned times = runs[call];
    bool is_true = times <= 1;
    switch (outcomes[call]) {
    case GW_OK: is_true = times == 1; break;
    case GW_ERR_NOT_SENT: is_true = times == 0; break;
    case GW_ERR_OUTCOME_UNKNOWN:
    case GW_ERR_CALL_TIMEOUT: break;
    default: is_true = false;
    }
    if (is_true) continue;
    test_is_failing = true;
    printf("# a call ended with %s and was run %u times\n", gw_status_name(outcomes[call]), times);
  }
}

static int descriptors(void) {
  int count = 0;
  DIR *open = opendir("/proc/self/fd");
  while (open != NULL && readdir(open) != NULL) ++count;
  closedir(open);
  return count;
}

/* The gateway's ends of the connections go a little later than the client's. */
static bool descriptors_are(int wanted) {
  for (int64_t end = host_now() + HOST_DEADLINE_MS; host_now() < end;) {
    kept_event event;
    if (descriptors() == wanted) return true;
    host_next(&the, 5, &event);
  }
  printf("# %d descriptors, %d before\n", descriptors(), wanted);
  return false;
}

static bool is_full;
static uint64_t seed = 1;

static unsigned draw(unsigned below) { /* xorshift64* */
  seed ^= seed >> 12;
  seed ^= seed << 25;
  seed ^= seed >> 27;
  return (unsigned)((seed * 2685821657736338717u >> 33) % below);
}

/* How many bytes pass in each direction when nothing is cut. */
static bool measure(unsigned *from_client, unsigned *to_client) {
  kept_event event;
  attempt *attempt = &current.slots[0];
  if (!attempt_begin(attempt, (cut){.how = NULL})) return false;
  bool is_whole = host_wait(&the, GW_EVENT_CLIENT_CONNECTED, attempt->source, &event);
  attempt_connected(attempt);
  is_whole = is_whole && host_wait(&the, GW_EVENT_CALL_DONE, attempt->source, &event) && event.event.status == GW_OK;
  outcomes[attempt->call] = GW_OK;
  gw_client_close(attempt->client, 0, NULL);
  is_whole = is_whole && host_wait(&the, GW_EVENT_CLIENT_CLOSED, attempt->source, &event) && event.event.status == GW_OK;
  gw_client_free(attempt->client);
  attempt->client = NULL;
  return end_proxy(attempt->proxy_port, from_client, to_client) && is_whole;
}

static void print_counts(const char *what, const unsigned counts[1000]) {
  printf("; %s:", what);
  for (int status = 0; status < 1000; ++status)
    if (counts[status] > 0) printf(" %s %u", gw_status_name(-status), counts[status]);
}

static void print_ends(unsigned first_call) {
  unsigned counts[1000] = {0};
  for (unsigned call = first_call; call <= calls; ++call) ++counts[-outcomes[call] % 1000];
  printf("# %u cuts", current.count);
  print_counts("clients", current.statuses);
  print_counts("calls", counts);
  printf("\n");
}

/* What of the sweep is tried: every byte of a direction, or some of both. */
static bool is_to_client;
static const char *the_how;

static bool choose_cuts(unsigned from_client, unsigned to_client) {
  unsigned bytes = is_to_client ? to_client : from_client;
  current.count = is_full ? bytes + 1 : SAMPLES;
  current.cuts = calloc(current.count, sizeof *current.cuts);
  if (current.cuts == NULL) return false;
  for (unsigned at = 0; at < current.count; ++at) {
    cut *cut = &current.cuts[at];
    cut->to_client = is_full ? is_to_client : draw(2) == 1;
    cut->how = is_full ? the_how : hows[draw(3)];
    cut->offset = is_full ? at : draw((cut->to_client ? to_client : from_client) + 1);
  }
  return true;
}

static void a_cut_ends_in_one_event(void) {
  unsigned from_client = 0, to_client = 0, first_call = calls + 1;
  uint64_t began_with = seed;
  int before = descriptors();
  REQUIRE(measure(&from_client, &to_client) && choose_cuts(from_client, to_client));
  CHECK(run_attempts());
  free(current.cuts);
  CHECK(descriptors_are(before));
  check_outcomes(first_call);
  if (is_full) print_ends(first_call);
  if (test_is_failing && !is_full) printf("# seed %llu\n", (unsigned long long)began_with);
}

/* --- memory --- */

static size_t memory_before, memory_after;

/* The allocator keeps freed pieces for a while; a connection forgotten in every tenth cut would be megabytes. */
static void memory_is_flat(void) {
  if (memory_after > memory_before + 393216) printf("# %zu bytes more\n", memory_after - memory_before);
  CHECK(memory_after <= memory_before + 393216);
}

static void cut_everywhere(const way *way) {
  char name[128];
  for (int direction = 0; direction < 2; ++direction) {
    for (unsigned how = 0; how < 3; ++how) {
      current = (sweep){.way = way};
      is_to_client = direction == 1;
      the_how = hows[how];
      snprintf(name, sizeof name, "%s at every byte %s the client, %s", hows[how], is_to_client ? "to" : "from", way->name);
      RUN(name, a_cut_ends_in_one_event);
      memory_after = mallinfo2().uordblks;
      if (direction == 0 && how == 0) memory_before = memory_after;
    }
  }
  snprintf(name, sizeof name, "memory stays flat, %s", way->name);
  RUN(name, memory_is_flat);
}

static void cut_somewhere(const way *way) {
  char name[128];
  current = (sweep){.way = way};
  snprintf(name, sizeof name, "cut anywhere, %s", way->name);
  RUN(name, a_cut_ends_in_one_event);
}

int main(int argc, char **argv) {
  char *proxy[] = {"python3", "Tests/Faults/fault_proxy.py", "-", NULL};
  char *tunnels[] = {"python3", "Tests/Faults/tunnel_proxy.py", NULL};
  char answer[64];
  host_read_arguments(argc, argv);
  is_full = argc > 3 && strcmp(argv[3], "full") == 0;
  seed = argc > 3 && !is_full ? strtoull(argv[3], NULL, 10) | 1 : (uint64_t)host_now() | 1;
  if (!child_start(&faults, proxy) || !child_start(&tunnel, tunnels) ||
      !child_ask(&tunnel, NULL, answer, sizeof answer) || sscanf(answer, "%u", &tunnel_port) != 1) {
    printf("# python3 Tests/Faults/fault_proxy.py or tunnel_proxy.py does not run\n");
    return 1;
  }
  if (!host_open(&the)) return 1;
  host_takeover = GW_TAKEOVER_NEVER; /* the gateways' */
  for (int at = 0; at < 2; ++at) {
    if (!gateway_open(&gateways[at], at == 1)) return 1;
    pthread_create(&gateway_threads[at], NULL, keep_gateway, &gateways[at]);
  }
  host_read_arguments(argc, argv);
  for (unsigned at = 0; at < sizeof ways / sizeof *ways; ++at) is_full ? cut_everywhere(&ways[at]) : cut_somewhere(&ways[at]);
  is_over = true;
  for (int at = 0; at < 2; ++at) {
    pthread_join(gateway_threads[at], NULL);
    gw_server_free(gateways[at].server);
    host_close(&gateways[at].host);
  }
  host_close(&the);
  child_end(&faults);
  child_end(&tunnel);
  return test_finish();
}
