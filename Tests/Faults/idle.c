/* What idle connections cost: many of them in one context, the server in another process.
 *   idle COUNT plain|tls|gateway      prints the rows of docs/FIGURES.md; fails above the limits below */
#define _GNU_SOURCE
#include "../C/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  AT_A_TIME = 50, /* connections that are being made */
  PING_MS = 5000,
  WINDOW_MS = 2 * PING_MS,
  MOST_BYTES = 128 * 1024, /* of one connection at one end: a forgotten buffer would be more */
};

/* What a process is at some moment. */
typedef struct usage {
  long long bytes; /* resident */
  long long cpu_us;
} usage;

static usage use_now(void) {
  usage now = {0, 0};
  long pages = 0;
  struct rusage used;
  FILE *statm = fopen("/proc/self/statm", "r");
  if (statm == NULL || fscanf(statm, "%*d %ld", &pages) != 1) exit(99);
  fclose(statm);
  getrusage(RUSAGE_SELF, &used);
  now.bytes = (long long)pages * sysconf(_SC_PAGESIZE);
  now.cpu_us =
      (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000ll + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
  return now;
}

static void fail(const char *what) {
  fprintf(stderr, "idle: %s\n", what);
  exit(1);
}

static unsigned wanted;
static bool is_gateway, is_encrypted;

static gw_socket_limits limits(void) {
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  limits.ping_interval_ms = PING_MS;
  return limits;
}

/* --- the server's process: answers each byte on its input with its usage --- */

typedef struct address {
  uint32_t port;
  char pin[80];
} address;

static void take_pin(gw_slice text, address *out) {
  snprintf(out->pin, sizeof out->pin, "%.*s", (int)text.len, text.ptr);
}

static void open_server(host *host, address *out) {
  gw_slice pin = {NULL, 0};
  memset(out, 0, sizeof *out);
  if (is_gateway) {
    gw_server *server = NULL;
    gw_server_options options = host_server_options();
    options.max_connections = wanted + 1;
    options.ping_interval_ms = GW_NEVER;
    options.tick_interval_ms = PING_MS;
    if (gw_server_open(host->context, &options, &server) != GW_OK) fail("gw_server_open");
    gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &pin);
    out->port = gw_server_port(server);
  } else {
    gw_listener *listener = NULL;
    gw_listener_options options;
    gw_socket_limits limit = limits();
    gw_listener_options_init(&options);
    limit.ping_interval_ms = GW_NEVER;
    options.limits = &limit;
    options.max_connections = wanted + 1;
    if (!is_encrypted) options.flags |= GW_LISTENER_PLAINTEXT;
    if (gw_listener_open(host->context, &options, &listener) != GW_OK) fail("gw_listener_open");
    gw_listener_get_text(listener, GW_SERVER_CERTIFICATE_PIN, &pin);
    out->port = gw_listener_port(listener);
  }
  take_pin(pin, out);
}

static void serve(int in, int out) {
  host host;
  address address;
  kept_event event;
  char byte;
  if (!host_open(&host)) fail("gw_context_new");
  open_server(&host, &address);
  if (write(out, &address, sizeof address) != sizeof address) exit(1);
  for (;;) {
    host_next(&host, 20, &event);
    ssize_t got = read(in, &byte, 1);
    if (got == 0) exit(0);
    if (got < 0) continue; /* nothing yet */
    usage now = use_now();
    if (write(out, &now, sizeof now) != sizeof now) exit(1);
  }
}

/* --- the clients' process --- */

static int to_server, from_server;

static usage ask_server(void) {
  usage now;
  if (write(to_server, "?", 1) != 1 || read(from_server, &now, sizeof now) != sizeof now) fail("the server has gone");
  return now;
}

static void open_one(host *host, const address *address) {
  char url[64];
  const char *pins[] = {address->pin};
  snprintf(url, sizeof url, "%s://127.0.0.1:%u", is_encrypted ? "wss" : "ws", address->port);
  gw_status status;
  if (is_gateway) {
    gw_client *client = NULL;
    gw_client_options options = host_client_options(url);
    options.pins = pins;
    options.pin_count = 1;
    options.ping_interval_ms = PING_MS;
    status = gw_client_open(host->context, &options, &client);
  } else {
    gw_socket *socket = NULL;
    gw_socket_limits limit = limits();
    gw_socket_options options;
    gw_socket_options_init(&options);
    options.url = url;
    options.limits = &limit;
    options.pins = pins;
    options.pin_count = is_encrypted ? 1 : 0;
    status = gw_socket_open(host->context, &options, &socket);
  }
  if (status != GW_OK) fail(gw_status_name(status));
}

/* Opens connections until so many are open; their handles live as long as the process. */
static void open_many(host *host, const address *address, unsigned from, unsigned to) {
  kept_event event;
  for (unsigned begun = from, open = from; open < to;) {
    for (; begun < to && begun < open + AT_A_TIME; ++begun) open_one(host, address);
    if (!host_next(host, HOST_DEADLINE_MS, &event)) fail("no connection was made for 20 s");
    open += event.event.type == GW_EVENT_SOCKET_OPEN || event.event.type == GW_EVENT_CLIENT_CONNECTED;
    if (event.event.type == GW_EVENT_SOCKET_CLOSED || event.event.type == GW_EVENT_CLIENT_CLOSED) fail(event.text);
  }
}

/* Polls for a time in which nothing but pings and ticks may happen. */
static void be_idle(host *host, int64_t milliseconds) {
  kept_event event;
  for (int64_t end = host_now() + milliseconds; host_now() < end;)
    if (host_next(host, (int32_t)(end - host_now()), &event) &&
        (event.event.type == GW_EVENT_SOCKET_CLOSED || event.event.type == GW_EVENT_CLIENT_CLOSED))
      fail(event.text);
}

static long long each(long long sum) { return sum / (long long)(wanted - 1); }

int main(int argc, char **argv) {
  int down[2], up[2];
  host host;
  address address;
  if (argc < 3) fail("COUNT plain|tls|gateway");
  wanted = (unsigned)strtoul(argv[1], NULL, 10);
  is_gateway = strcmp(argv[2], "gateway") == 0;
  is_encrypted = strcmp(argv[2], "plain") != 0;
  struct rlimit files = {.rlim_cur = wanted + 256, .rlim_max = wanted + 256};
  if (wanted < 2 || setrlimit(RLIMIT_NOFILE, &files) != 0) {
    printf("# skipped: no right to have %u descriptors: %s\n", wanted + 256, strerror(errno));
    return 0;
  }
  if (pipe(down) != 0 || pipe(up) != 0) fail("pipe");
  pid_t server = fork();
  if (server == 0) {
    close(down[1]);
    close(up[0]);
    fcntl(down[0], F_SETFL, O_NONBLOCK);
    serve(down[0], up[1]);
  }
  close(down[0]);
  close(up[1]);
  to_server = down[1];
  from_server = up[0];
  if (read(from_server, &address, sizeof address) != sizeof address) fail("the server did not begin");
  if (!host_open(&host)) fail("gw_context_new");

  open_many(&host, &address, 0, 1);
  usage first = use_now(), server_first = ask_server();
  open_many(&host, &address, 1, wanted);
  be_idle(&host, PING_MS); /* what the handshakes needed is given back */
  usage all = use_now(), server_all = ask_server();
  be_idle(&host, WINDOW_MS);
  usage later = use_now(), server_later = ask_server();

  long long client_bytes = each(all.bytes - first.bytes), server_bytes = each(server_all.bytes - server_first.bytes);
  double seconds = WINDOW_MS / 1000.0;
  printf("| %s | %u | %lld | %lld | %.1f | %.1f |\n",
         is_gateway     ? "gateway, TLS"
         : is_encrypted ? "WebSocket, TLS"
                        : "WebSocket, plain",
         wanted, client_bytes, server_bytes, (double)(later.cpu_us - all.cpu_us) / wanted / seconds,
         (double)(server_later.cpu_us - server_all.cpu_us) / wanted / seconds);
  close(to_server);
  waitpid(server, NULL, 0);
  if (client_bytes > MOST_BYTES || server_bytes > MOST_BYTES) fail("an idle connection holds more than 128 KiB");
  host_close(&host);
  return 0;
}
