/* Hosts that do not poll and peers that do not read: memory stays within the limits that were set, TCP slows the sender
 * down, senders are told, and what was taken is not lost. */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/pair.h"
#include "../C/peer.h"
#include "../C/test.h"

#include <malloc.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

enum {
  KIB = 1024,
  MIB = 1024 * KIB,
  PIECE = 64 * KIB,
  BUDGET = MIB,        /* of everything that has a limit */
  OFFERED = 512 * MIB, /* far more than all limits and the kernel's buffers */
  KERNEL = 64 * MIB,   /* at most in the buffers of both sockets (tcp(7), tcp_rmem and tcp_wmem) */
  PATIENCE_MS = 400,   /* without progress, after which everything is taken to be full */
  MEMORY = 6 * MIB     /* two queues at their limits, the buffers of a context and what the allocator keeps */
};

static char piece[PIECE];

/* Bytes that this process has allocated; under sanitizers and valgrind, where nobody knows, nothing. */
static size_t memory(void) { return getenv("GATEWIRE_TEST_NO_MEMORY") != NULL ? 0 : mallinfo2().uordblks; }

static void check_memory(size_t before) {
  size_t now = memory();
  if (now > before + MEMORY) printf("# %zu bytes more\n", now - before);
  CHECK(now <= before + MEMORY);
}

static bool open_with(host *host, uint32_t takeover, uint32_t event_budget) {
  memset(host, 0, sizeof *host);
  gw_context_options options;
  gw_context_options_init(&options);
  options.takeover_ms = takeover;
  options.event_budget = event_budget;
  return gw_context_new(&options, &host->context) == GW_OK;
}

/* Polls for this long, whatever comes; the bytes of the messages among it. */
static size_t collect(host *host, int32_t milliseconds) {
  size_t bytes = 0;
  gw_batch batch;
  gw_batch_init(&batch);
  if (gw_context_poll(host->context, milliseconds, host->batch, sizeof host->batch / sizeof *host->batch,
                      sizeof *host->batch, &batch) != GW_OK)
    return 0;
  for (uint32_t at = 0; at < batch.count; ++at)
    if (host->batch[at].type == GW_EVENT_SOCKET_MESSAGE) bytes += host->batch[at].payload.len;
  return bytes;
}

/* --- a host that does not poll --- */

typedef struct stalled_link {
  host sender, host;
  gw_listener *listener;
  gw_socket *socket;
  uint64_t peer;
} stalled_link;

static bool stalled_open(stalled_link *link) {
  kept_event event;
  gw_slice text;
  char url[128], pin[80];
  const char *pins[] = {pin};
  memset(link, 0, sizeof *link);
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  limits.max_queued_bytes = BUDGET;
  limits.ping_interval_ms = GW_NEVER;
  gw_listener_options serving = listening();
  serving.limits = &limits;
  serving.flags = GW_LISTENER_NO_DEFLATE;
  if (!open_with(&link->sender, GW_TAKEOVER_NEVER, 0) || !open_with(&link->host, host_takeover, BUDGET)) return false;
  if (gw_listener_open(link->sender.context, &serving, &link->listener) != GW_OK) return false;
  gw_listener_get_text(link->listener, GW_SERVER_URL, &text);
  snprintf(url, sizeof url, "%.*s", (int)text.len, (const char *)text.ptr);
  gw_listener_get_text(link->listener, GW_SERVER_CERTIFICATE_PIN, &text);
  snprintf(pin, sizeof pin, "%.*s", (int)text.len, (const char *)text.ptr);
  gw_socket_options options = opening();
  options.url = url;
  options.pins = pins;
  options.pin_count = 1;
  options.limits = &limits;
  if (gw_socket_open(link->host.context, &options, &link->socket) != GW_OK) return false;
  for (int64_t end = host_now() + HOST_DEADLINE_MS; host_now() < end && link->peer == 0;) {
    if (host_next(&link->sender, 1, &event) && event.event.type == GW_EVENT_SOCKET_OPEN)
      link->peer = event.event.connection;
    collect(&link->host, 1);
  }
  return link->peer != 0;
}

static void stalled_close(stalled_link *link) {
  gw_socket_free(link->socket);
  gw_listener_free(link->listener);
  host_close(&link->host);
  host_close(&link->sender);
}

/* Sends until nothing more has been taken for a while; the bytes that were taken. */
static size_t send_until_full(stalled_link *link) {
  size_t taken = 0;
  for (int64_t last = host_now(); taken < OFFERED && host_now() < last + PATIENCE_MS;) {
    gw_status status = gw_listener_send(link->listener, link->peer, GW_BINARY, piece, sizeof piece, 0);
    if (status >= 0) {
      taken += sizeof piece;
      last = host_now();
    } else if (status != GW_ERR_FULL) {
      CHECK_STATUS(status, GW_ERR_FULL);
      break;
    }
    collect(&link->sender, status >= 0 ? 0 : 5);
  }
  return taken;
}

static void a_host_that_does_not_poll_slows_its_peer_down(void) {
  stalled_link link;
  size_t before = memory(), arrived = 0;
  REQUIRE(stalled_open(&link));
  size_t taken = send_until_full(&link);
  CHECK(taken > 0 && taken < KERNEL);
  check_memory(before);
  /* The host is back: everything that was taken arrives. */
  for (int64_t end = host_now() + HOST_DEADLINE_MS; arrived < taken && host_now() < end;) {
    arrived += collect(&link.host, 1);
    collect(&link.sender, 0);
  }
  CHECK(arrived == taken);
  check_memory(before);
  stalled_close(&link);
}

/* --- a peer that does not read --- */

static sem_t may_read;

static void upgrade_and_wait(peer *peer) {
  if (!peer_upgrade(peer)) return;
  sem_wait(&may_read);
  peer_wait_end(peer);
}

static void a_peer_that_does_not_read_is_told_to_the_sender(void) {
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  size_t before = memory(), taken = 0;
  bool was_queued = false, is_full = false;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(upgrade_and_wait, NULL, 1);
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  limits.max_queued_bytes = 2 * BUDGET;
  gw_socket_options options = opening();
  options.url = peer_url(server);
  options.limits = &limits;
  REQUIRE_STATUS(gw_socket_open(host.context, &options, &socket), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SOCKET_OPEN, 0, &event));
  for (int64_t progress = host_now(); taken < OFFERED && host_now() < progress + PATIENCE_MS;) {
    gw_status status = gw_socket_send(socket, GW_BINARY, piece, sizeof piece, 0);
    REQUIRE(status == GW_OK || status == GW_QUEUED || status == GW_ERR_FULL);
    was_queued |= status == GW_QUEUED;
    is_full = status == GW_ERR_FULL;
    if (!is_full) {
      taken += sizeof piece;
      progress = host_now();
    }
    CHECK(!host_next(&host, is_full ? 5 : 0, &event) || event.event.type == GW_EVENT_SOCKET_WRITABLE);
  }
  CHECK(was_queued && is_full && taken < KERNEL);
  gw_socket_state state = {.struct_size = sizeof state};
  CHECK_STATUS(gw_socket_get_state(socket, &state), GW_OK);
  CHECK(state.queued_bytes <= limits.max_queued_bytes && state.queued_bytes > limits.max_queued_bytes / 2);
  check_memory(before);
  sem_post(&may_read);
  CHECK(host_wait(&host, GW_EVENT_SOCKET_WRITABLE, 0, &event));
  CHECK_STATUS(gw_socket_send(socket, GW_BINARY, piece, sizeof piece, 0), GW_OK);
  CHECK_STATUS(gw_socket_abort(socket), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_SOCKET_CLOSED, 0, &event));
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
  check_memory(before);
}

/* gw_socket_limits.close_timeout_ms */
static void a_peer_that_does_not_answer_the_close_is_left(void) {
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(upgrade_and_wait, NULL, 1);
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  limits.close_timeout_ms = 300;
  gw_socket_options options = opening();
  options.url = peer_url(server);
  options.limits = &limits;
  REQUIRE_STATUS(gw_socket_open(host.context, &options, &socket), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SOCKET_OPEN, 0, &event));
  int64_t began = host_now();
  CHECK_STATUS(gw_socket_close(socket, 0, NULL), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_SOCKET_CLOSED, 0, &event));
  CHECK(host_now() - began >= 300 && host_now() - began < HOST_DEADLINE_MS / 4);
  CHECK_STATUS(event.event.status, GW_ERR_LOST);
  CHECK(event.event.code == 1006);
  CHECK(slice_has(event.event.text, "300 ms"));
  gw_socket_free(socket);
  host_close(&host);
  sem_post(&may_read);
  peer_join(server);
}

static void ready_and_reset(peer *peer) {
  if (!peer_ready(peer)) return;
  sem_wait(&may_read);
  peer_reset(peer);
}

/* Of calls to a gateway that does not read, the first went out and the last did not, whatever the kernel took in
 * between. */
static void calls_that_never_left_are_not_sent(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  gw_status status = GW_OK;
  static char params[PIECE];
  unsigned calls = 0, unknown = 0, not_sent = 0;
  uint64_t call = 0;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(ready_and_reset, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  options.max_queued_bytes = 2 * BUDGET;
  options.flags |= GW_CLIENT_NO_DEFLATE;
  options.ping_interval_ms = GW_NEVER;
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  memset(params, 'x', sizeof params);
  params[0] = params[sizeof params - 1] = '"';
  /* Until the kernel takes no more either. */
  for (int64_t last = host_now(); calls < OFFERED / PIECE && host_now() < last + PATIENCE_MS;) {
    status = gw_client_call(client, "stalled.run", params, sizeof params, NULL, &call);
    if (status >= 0) {
      ++calls;
      last = host_now();
    }
    CHECK(!host_next(&host, status >= 0 ? 0 : 5, &event) || event.event.type == GW_EVENT_CLIENT_WRITABLE);
  }
  CHECK_STATUS(status, GW_ERR_FULL);
  sem_post(&may_read); /* the peer resets the connection */
  while (host_next(&host, HOST_DEADLINE_MS, &event) && event.event.type != GW_EVENT_CLIENT_CLOSED) {
    if (event.event.type != GW_EVENT_CALL_DONE) continue;
    unknown += event.event.status == GW_ERR_OUTCOME_UNKNOWN;
    not_sent += event.event.status == GW_ERR_NOT_SENT;
    /* Calls end in the order in which they were made. */
    CHECK(event.event.status == GW_ERR_NOT_SENT || not_sent == 0);
  }
  CHECK(event.event.type == GW_EVENT_CLIENT_CLOSED);
  CHECK_STATUS(event.event.status, GW_ERR_LOST);
  CHECK(unknown + not_sent == calls && unknown > 0 && not_sent > BUDGET / PIECE);
  gw_client_free(client);
  host_close(&host);
  peer_join(server);
}

/* gw_server_options.max_queued_bytes: "a peer above it is closed as a slow consumer" */
static void a_slow_consumer_is_closed(void) {
  host gateway, consumer;
  kept_event event;
  gw_server *server = NULL;
  gw_client *client = NULL;
  gw_slice text;
  char url[128];
  static char payload[PIECE];
  size_t before = memory();
  REQUIRE(host_open(&gateway) && open_with(&consumer, GW_TAKEOVER_NEVER, 0));
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_PLAINTEXT | GW_SERVER_NO_DEFLATE;
  serving.max_queued_bytes = BUDGET;
  REQUIRE_STATUS(gw_server_open(gateway.context, &serving, &server), GW_OK);
  gw_server_get_text(server, GW_SERVER_URL, &text);
  snprintf(url, sizeof url, "%.*s", (int)text.len, (const char *)text.ptr);
  gw_client_options options = host_client_options(url);
  REQUIRE_STATUS(gw_client_open(consumer.context, &options, &client), GW_OK);
  bool is_connected = false;
  for (int64_t end = host_now() + HOST_DEADLINE_MS; !is_connected && host_now() < end;) {
    host_next(&gateway, 1, &event);
    is_connected = host_next(&consumer, 1, &event) && event.event.type == GW_EVENT_CLIENT_CONNECTED;
  }
  REQUIRE(is_connected);
  memset(payload, 'x', sizeof payload);
  payload[0] = payload[sizeof payload - 1] = '"';
  for (size_t pushed = 0; pushed < OFFERED; pushed += sizeof payload) {
    CHECK(gw_server_push(server, 0, "stalled", payload, sizeof payload) >= 0);
    gw_context_flush(gateway.context);
  }
  check_memory(before);
  CHECK(host_wait(&gateway, GW_EVENT_PEER_DISCONNECTED, 0, &event));
  CHECK(event.event.status != GW_OK && event.event.text.len > 0);
  check_memory(before);
  gw_client_free(client);
  gw_server_free(server);
  host_close(&consumer);
  host_close(&gateway);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  sem_init(&may_read, 0, 0);
  RUN("a host that does not poll slows its peer down, and loses nothing",
      a_host_that_does_not_poll_slows_its_peer_down);
  RUN("a peer that does not read: queued, then full, then writable again",
      a_peer_that_does_not_read_is_told_to_the_sender);
  RUN("a peer that does not answer the close frame is left", a_peer_that_does_not_answer_the_close_is_left);
  RUN("calls that never left the process are not sent", calls_that_never_left_are_not_sent);
  RUN("a slow consumer is closed", a_slow_consumer_is_closed);
  return test_finish();
}
