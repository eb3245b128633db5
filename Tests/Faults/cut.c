/* A connection that is cut, at every byte of its life and in both directions: while a proxy opens the tunnel, in the
 * TLS handshake, the upgrade, the challenge, the hello, a call and the close.  Whatever happens, each end is told in
 * one event and within its time, calls have the outcome that is true, and nothing is left behind.
 *   cut DRIVE CERTIFICATES [full | SEED]
 * CERTIFICATES is the directory that certificates.sh has filled.  full: every byte, some minutes; else some cuts, chosen by the seed. */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/test.h"
#include "child.h"
#include "far_end.h"

#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
  SLOTS = 24,       /* attempts at a time */
  SAMPLES = 60,     /* cuts of a way when not every byte is tried */
  LIMIT_MS = 250,   /* of each phase when nothing but a time limit can end it */
  SLACK_MS = 10000, /* for a machine with other work; less than the default limits */
};

/* --- what is on the way --- */

typedef struct way {
  const char *name;
  bool is_encrypted;
  const char *proxy; /* scheme, or NULL */
  bool is_raw;       /* a gw_socket in place of a gw_client */
  bool is_unix;      /* over a Unix socket */
} way;

static const way ways[] = {
    {"plain", false, NULL, false, false},
    {"TLS", true, NULL, false, false},
    {"plain through CONNECT", false, "http", false, false},
    {"TLS through SOCKS 5", true, "socks5h", false, false},
    {"raw, TLS", true, NULL, true, false},
    {"TLS through CONNECT over TLS", true, "https", false, false},
    {"plain over a Unix socket", false, NULL, false, true},
};

static child faults, tunnel;
static unsigned tunnel_port, secure_tunnel_port;
static char tunnel_ca[512];

static bool ask_for_proxy(const char *options, unsigned target, unsigned *port) {
  char line[256], answer[64];
  snprintf(line, sizeof line, "127.0.0.1:%u %s\n", target, options);
  return child_ask(&faults, line, answer, sizeof answer) && sscanf(answer, "%u", port) == 1;
}

static unsigned tunnel_port_of(const way *way) {
  return strcmp(way->proxy, "https") == 0 ? secure_tunnel_port : tunnel_port;
}

/* --- both ends --- */

static far_end far_ends[3]; /* gateways, plain and TLS; a WebSocket server */
static gw_status outcomes[FAR_END_CALLS];
static unsigned calls;

/* --- one attempt --- */

typedef struct cut {
  const char *how; /* NULL: not at all */
  bool to_client;
  unsigned offset; /* bytes that pass before */
} cut;

typedef struct attempt {
  uint64_t source; /* 0: the slot is free */
  gw_client *client;
  gw_socket *socket;
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
  unsigned from_client, to_client; /* bytes that passed in the attempt that ended last */
  unsigned statuses[1000];         /* ends, by status */
} sweep;

static host the;
static sweep current;

static const char *const hows[] = {"reset", "close", "hold"};

static bool end_proxy(unsigned port) {
  char line[64], answer[64];
  snprintf(line, sizeof line, "end %u\n", port);
  return child_ask(&faults, line, answer, sizeof answer) &&
         sscanf(answer, "%u %u", &current.from_client, &current.to_client) == 2;
}

/* Nothing but a time limit can end what is held. */
static bool waits_for_limits(cut cut) { return cut.how == hows[2]; }

static void complain(const attempt *attempt, const char *what, const kept_event *event) {
  test_is_failing = true;
  printf("# %s after %u bytes %s the client: %s: %s: %s\n", attempt->cut.how, attempt->cut.offset,
         attempt->cut.to_client ? "to" : "from", what, gw_status_name(event->event.status), event->text);
}

static const far_end *the_far_end(void) {
  return current.way->is_raw ? &far_ends[2] : &far_ends[current.way->is_encrypted];
}

static gw_status open_client(attempt *attempt, gw_client_options options, gw_route_options *route) {
  if (waits_for_limits(attempt->cut)) {
    route->proxy_timeout_ms = options.tls_timeout_ms = options.upgrade_timeout_ms = LIMIT_MS;
    options.challenge_timeout_ms = options.hello_timeout_ms = LIMIT_MS;
    options.call_timeout_ms = options.close_timeout_ms = LIMIT_MS;
  } else {
    options.close_timeout_ms = 0; /* the default */
  }
  gw_status status = gw_client_open(the.context, &options, &attempt->client);
  attempt->source = gw_client_id(attempt->client);
  return status;
}

static gw_status open_socket(attempt *attempt, gw_socket_options options) {
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  if (waits_for_limits(attempt->cut)) {
    options.tls_timeout_ms = options.upgrade_timeout_ms = LIMIT_MS;
    limits.ping_interval_ms = limits.pong_timeout_ms = limits.close_timeout_ms = LIMIT_MS;
    options.limits = &limits;
  }
  gw_status status = gw_socket_open(the.context, &options, &attempt->socket);
  attempt->source = gw_socket_id(attempt->socket);
  return status;
}

static bool attempt_begin(attempt *attempt, cut cut) {
  const far_end *end = the_far_end();
  char url[128], proxy[64], name[64], text[128] = "";
  const char *pins[] = {end->pin};
  *attempt = (struct attempt){.cut = cut, .began = host_now()};
  int len = current.way->is_unix ? snprintf(text, sizeof text, "--unix ") : 0;
  if (cut.how != NULL)
    snprintf(text + len, sizeof text - (size_t)len, "--cut-%s-client %u --how %s", cut.to_client ? "to" : "from", cut.offset,
             cut.how);
  unsigned target = current.way->proxy != NULL ? tunnel_port_of(current.way) : end->port;
  if (!ask_for_proxy(text, target, &attempt->proxy_port)) return false;
  snprintf(url, sizeof url, "%s://127.0.0.1:%u", current.way->is_encrypted ? "wss" : "ws",
           current.way->proxy != NULL ? end->port : attempt->proxy_port);
  if (current.way->is_raw) {
    gw_socket_options options;
    gw_socket_options_init(&options);
    options.url = url;
    options.pins = pins;
    options.pin_count = current.way->is_encrypted;
    return open_socket(attempt, options) == GW_OK;
  }
  gw_client_options options = host_client_options(url);
  gw_route_options route;
  gw_route_options_init(&route);
  options.pins = pins;
  options.pin_count = current.way->is_encrypted;
  if (current.way->proxy != NULL) {
    snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%u", current.way->proxy, attempt->proxy_port);
    route.proxy = proxy;
    route.proxy_ca_file = tunnel_ca;
    options.route = &route;
  }
  if (current.way->is_unix) {
    snprintf(name, sizeof name, "@gatewire-fault-%d-%u", (int)faults.pid, attempt->proxy_port);
    route.unix_path = name;
    options.route = &route;
  }
  return open_client(attempt, options, &route) == GW_OK;
}

/* The client can make its call, the socket can send its message. */
static void attempt_connected(attempt *attempt) {
  if (current.way->is_raw) {
    gw_socket_send(attempt->socket, GW_TEXT, "cut", 3, 0);
    return;
  }
  char params[64];
  uint64_t call;
  if (calls + 1 >= FAR_END_CALLS) return;
  int len = snprintf(params, sizeof params, "{\"number\":%u}", calls + 1);
  if (gw_client_call(attempt->client, "cut.run", params, (size_t)len, NULL, &call) < 0) return;
  attempt->call = ++calls;
  outcomes[attempt->call] = GW_ERR_INTERNAL;
}

static bool is_true_end(cut cut, gw_status status) {
  switch (status) {
  case GW_OK:
    return true;
  case GW_ERR_PROXY_TIMEOUT:
  case GW_ERR_TLS_TIMEOUT:
  case GW_ERR_UPGRADE_TIMEOUT:
  case GW_ERR_CHALLENGE_TIMEOUT:
  case GW_ERR_HELLO_TIMEOUT:
  case GW_ERR_PONG_TIMEOUT:
    return waits_for_limits(cut);
  case GW_ERR_LOST: /* also of a close frame that gets no answer */
    return !waits_for_limits(cut) || current.way->is_raw;
  case GW_ERR_CONNECT: /* a reset that comes before the end of connect(2) is seen */
    return cut.how == hows[0] && cut.offset == 0;
  case GW_ERR_CLOSED:
  case GW_ERR_PROXY:
  case GW_ERR_TLS:
  case GW_ERR_UPGRADE_INVALID:
    return !waits_for_limits(cut);
  default:
    return false;
  }
}

static void attempt_ended(attempt *attempt, const kept_event *event) {
  int64_t took = host_now() - attempt->began;
  /* At most one phase and the close wait for their limits. */
  if (took > SLACK_MS + (waits_for_limits(attempt->cut) ? 2 * LIMIT_MS : 0)) complain(attempt, "ended late", event);
  if (!is_true_end(attempt->cut, event->event.status))
    complain(attempt, "ended as if something else had happened", event);
  if (event->event.text.len == 0 && event->event.status != GW_OK) complain(attempt, "ended without a reason", event);
  if (attempt->call != 0 && !attempt->is_call_over) complain(attempt, "ended before its call", event);
  if (event->event.status <= 0 && event->event.status > -1000) ++current.statuses[-event->event.status];
  gw_client_free(attempt->client);
  gw_socket_free(attempt->socket);
  if (!end_proxy(attempt->proxy_port)) complain(attempt, "the proxy has gone", event);
  attempt->source = 0;
  ++current.ended;
}

static void attempt_hears(attempt *attempt, const kept_event *event) {
  switch (event->event.type) {
  case GW_EVENT_CLIENT_CONNECTED:
  case GW_EVENT_SOCKET_OPEN:
    attempt_connected(attempt);
    break;
  case GW_EVENT_CALL_DONE:
    if (attempt->is_call_over) complain(attempt, "the call ended twice", event);
    attempt->is_call_over = true;
    outcomes[attempt->call] = event->event.status;
    gw_client_close(attempt->client, 0, NULL);
    break;
  case GW_EVENT_SOCKET_MESSAGE:
    gw_socket_close(attempt->socket, 0, NULL);
    break;
  case GW_EVENT_CLIENT_CLOSED:
  case GW_EVENT_SOCKET_CLOSED:
    attempt_ended(attempt, event);
    break;
  case GW_EVENT_GATEWAY_EVENT:
    break;
  default:
    complain(attempt, gw_event_type_name(event->event.type), event);
  }
}

/* --- all attempts of a sweep --- */

static attempt *slot_of(uint64_t source) {
  for (unsigned at = 0; at < SLOTS; ++at)
    if (current.slots[at].source == source) return &current.slots[at];
  return NULL;
}

static void fill_slots(void) {
  for (unsigned at = 0; at < SLOTS && current.next < current.count; ++at) {
    if (current.slots[at].source != 0 || attempt_begin(&current.slots[at], current.cuts[current.next++])) continue;
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
    unsigned times = far_end_runs(call);
    bool is_true = times <= 1;
    switch (outcomes[call]) {
    case GW_OK:
      is_true = times == 1;
      break;
    case GW_ERR_NOT_SENT:
      is_true = times == 0;
      break;
    case GW_ERR_OUTCOME_UNKNOWN:
    case GW_ERR_CALL_TIMEOUT:
      break;
    default:
      is_true = false;
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
static bool nobody_is_left(int wanted) {
  const far_end *far = the_far_end();
  for (int64_t end = host_now() + HOST_DEADLINE_MS; host_now() < end;) {
    kept_event event;
    if (descriptors() == wanted && far->open_count == 0) return true;
    host_next(&the, 5, &event);
  }
  printf("# %d descriptors, %d before; %u connections without an end\n", descriptors(), wanted, far->open_count);
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
  cut none = {.how = NULL};
  current.cuts = &none;
  current.count = 1;
  bool is_whole = run_attempts() && current.statuses[-GW_OK] == 1;
  *from_client = current.from_client;
  *to_client = current.to_client;
  current = (sweep){.way = current.way};
  return is_whole;
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
  CHECK(nobody_is_left(before));
  CHECK(the_far_end()->surplus_ends == 0);
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
      snprintf(name, sizeof name, "%s at every byte %s the client, %s", hows[how], is_to_client ? "to" : "from",
               way->name);
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
  char certificate[512], answer[64];
  char *tunnels[] = {"python3", "Tests/Faults/tunnel_proxy.py", certificate, NULL};
  if (argc < 3) return 99;
  host_read_arguments(argc, argv);
  snprintf(certificate, sizeof certificate, "%s/good.pem", argv[2]);
  snprintf(tunnel_ca, sizeof tunnel_ca, "%s/ca.pem", argv[2]);
  is_full = argc > 3 && strcmp(argv[3], "full") == 0;
  seed = argc > 3 && !is_full ? strtoull(argv[3], NULL, 10) | 1 : (uint64_t)host_now() | 1;
  if (!child_start(&faults, proxy) || !child_start(&tunnel, tunnels) ||
      !child_ask(&tunnel, NULL, answer, sizeof answer) || sscanf(answer, "%u %u", &tunnel_port, &secure_tunnel_port) != 2) {
    printf("# python3 Tests/Faults/fault_proxy.py or tunnel_proxy.py does not run\n");
    return 1;
  }
  if (!host_open(&the)) return 1;
  for (int at = 0; at < 3; ++at)
    if (!far_end_start(&far_ends[at], at > 0, at == 2)) return 1;
  for (unsigned at = 0; at < sizeof ways / sizeof *ways; ++at)
    is_full ? cut_everywhere(&ways[at]) : cut_somewhere(&ways[at]);
  for (int at = 0; at < 3; ++at) far_end_stop(&far_ends[at]);
  host_close(&the);
  child_end(&faults);
  child_end(&tunnel);
  return test_finish();
}
