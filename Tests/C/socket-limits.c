/* Raw WebSockets: queues and their marks, parts, limits, compression, counters, and who closed. */
#include "pair.h"
#include "peer.h"
#include "test.h"

#include <poll.h>
#include <stdlib.h>

static gw_socket_limits limits_of(void) {
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  return limits;
}

/* Both ends with these limits. */
static bool open_limited(link_pair *link, gw_socket_limits *limits, uint32_t socket_flags, uint32_t listener_flags) {
  gw_listener_options serving = listening();
  gw_socket_options options = opening();
  serving.limits = limits;
  serving.flags = listener_flags;
  options.limits = limits;
  options.flags = socket_flags;
  return link_open_with(link, serving, options);
}

/* Takes one message of either end, in however many parts; its size, or -1.  parts counts the events. */
static long receive(link_pair *link, uint64_t source, unsigned char *into, size_t room, int *parts) {
  size_t size = 0;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  *parts = 0;
  while (host_now() < end) {
    gw_event events[16];
    gw_batch batch;
    gw_batch_init(&batch);
    gw_status status = gw_context_poll(link->host.context, 100, events, 16, sizeof *events, &batch);
    if (status != GW_OK && status != GW_TIMEOUT) return -1;
    for (uint32_t index = 0; status == GW_OK && index < batch.count; ++index) {
      const gw_event *event = &events[index];
      if (event->type == GW_EVENT_SOCKET_CLOSED) return -1;
      if (event->type != GW_EVENT_SOCKET_MESSAGE || event->source != source) continue;
      if (event->payload.len > room - size) return -1;
      if (event->payload.len > 0) memcpy(into + size, event->payload.ptr, event->payload.len);
      size += event->payload.len;
      ++*parts;
      if ((event->flags & GW_EVENT_PART) == 0) return (long)size;
    }
  }
  return -1;
}

static void large_messages_come_in_parts(void) {
  enum { SIZE = 3000000 };
  static unsigned char sent[SIZE], received[SIZE];
  for (size_t at = 0; at < SIZE; ++at) sent[at] = (unsigned char)(at * 2654435761u >> 24);
  for (int compressed = 0; compressed < 2; ++compressed) {
    link_pair link;
    int parts;
    REQUIRE(open_limited(&link, NULL, GW_SOCKET_PARTS, GW_LISTENER_PARTS));
    uint32_t flags = compressed ? GW_SEND_COMPRESSED : GW_SEND_UNCOMPRESSED;
    CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, sent, SIZE, flags), GW_OK);
    CHECK(receive(&link, gw_listener_id(link.listener), received, SIZE, &parts) == SIZE);
    CHECK(parts > 2 && memcmp(sent, received, SIZE) == 0);
    CHECK_STATUS(gw_listener_send(link.listener, link.peer, GW_BINARY, sent, SIZE, flags), GW_OK);
    CHECK(receive(&link, gw_socket_id(link.socket), received, SIZE, &parts) == SIZE);
    CHECK(parts > 2 && memcmp(sent, received, SIZE) == 0);
    link_close(&link);
  }
}

static void parts_of_text_are_text(void) {
  link_pair link;
  kept_event event;
  gw_socket_limits limits = limits_of();
  limits.part_bytes = 1;
  REQUIRE(open_limited(&link, &limits, GW_SOCKET_NO_DEFLATE, GW_LISTENER_PARTS));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "a\xe2\x82", 3, GW_SEND_PART), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(slice_is(event.event.payload, "a") && (event.event.flags & GW_EVENT_PART) != 0);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "\xac", 1, GW_SEND_PART), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(slice_is(event.event.payload, "\xe2\x82\xac") && (event.event.flags & GW_EVENT_PART) != 0);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, NULL, 0, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(event.event.payload.len == 0 && (event.event.flags & GW_EVENT_PART) == 0);
  link_close(&link);
}

static void the_queue_has_two_marks(void) {
  enum { SIZE = 20000 };
  static char message[SIZE];
  link_pair link;
  kept_event event;
  gw_socket_limits limits = limits_of();
  limits.max_queued_bytes = 100000;
  limits.high_water_bytes = 50000;
  limits.low_water_bytes = 10000;
  REQUIRE(open_limited(&link, &limits, 0, 0));
  gw_status status = GW_OK;
  uint64_t queued = 0;
  int count = 0;
  /* Without a poll nothing leaves, so that the marks are met exactly.  A library thread may take some of it away. */
  while (status >= 0 && count < 100) {
    status = gw_socket_send(link.socket, GW_BINARY, message, SIZE, GW_SEND_UNCOMPRESSED);
    if (status >= 0) ++count;
    queued = socket_state(&link).queued_bytes;
    if (host_takeover == GW_TAKEOVER_NEVER && status >= 0)
      CHECK(status == (queued > limits.high_water_bytes ? GW_QUEUED : GW_OK));
  }
  if (host_takeover == GW_TAKEOVER_NEVER) {
    CHECK_STATUS(status, GW_ERR_FULL);
    CHECK(count == 4 && queued > 4 * SIZE);
    CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, limits.max_queued_bytes + 1, 0), GW_ERR_TOO_BIG);
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_WRITABLE, gw_socket_id(link.socket), &event));
    CHECK(socket_state(&link).queued_bytes <= limits.low_water_bytes);
  }
  link_close(&link);
}

static void one_budget_holds_for_all_memory(void) {
  static char message[20000];
  link_pair link;
  kept_event event;
  gw_socket_limits limits = limits_of();
  limits.max_memory_bytes = 15000;
  REQUIRE(open_limited(&link, &limits, GW_SOCKET_NO_DEFLATE, 0));
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, sizeof message, 0), GW_ERR_FULL);
  gw_socket_free(link.socket);
  gw_socket_options options = opening();
  REQUIRE(start(&link, options) && both_open(&link, NULL));
  /* A message in fragments has to be put together, and that is too much for the listener. */
  for (int part = 0; part < 3; ++part)
    CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, 6000, GW_SEND_PART | GW_SEND_UNCOMPRESSED), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_listener_id(link.listener), &event));
  while (event.event.connection != link.peer)
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_listener_id(link.listener), &event));
  CHECK_STATUS(event.event.status, GW_ERR_LIMIT);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK(event.event.code == 1009);
  link_close(&link);
}

static void a_frame_has_a_limit_of_its_own(void) {
  static char message[2000];
  link_pair link;
  kept_event event;
  gw_socket_limits limits = limits_of();
  limits.max_frame_bytes = 1000;
  REQUIRE(open_limited(&link, &limits, GW_SOCKET_NO_DEFLATE, 0));
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, 1000, GW_SEND_PART), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, 1000, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK_STATUS(gw_socket_send(link.socket, GW_BINARY, message, 1001, 0), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK(event.event.code == 1009);
  link_close(&link);
}

static void reading_waits_for_a_host_that_does_not_poll(void) {
  enum { SIZE = 1000, COUNT = 500 };
  static char message[SIZE];
  link_pair link;
  gw_socket_limits limits = limits_of();
  limits.max_unread_bytes = 1;
  REQUIRE(open_limited(&link, &limits, 0, 0));
  for (int index = 0; index < COUNT; ++index)
    CHECK(gw_socket_send(link.socket, GW_BINARY, message, SIZE, GW_SEND_UNCOMPRESSED) >= 0);
  kept_event event;
  for (int index = 0; index < COUNT; ++index)
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  CHECK(accepted_state(&link).messages_received == COUNT);
  link_close(&link);
}

/* When it is told to: messages without end, of 1000 bytes each. */
static void floods(peer *peer) {
  static char message[1000];
  if (!peer_upgrade(peer) || !peer_read_json(peer, message, sizeof message)) return;
  while (peer_send_frame(peer, 2, message, sizeof message)) {
  }
}

/* A host that does not poll, which only a thread of the library reads for. */
static void what_is_not_polled_has_an_exact_bound(void) {
  enum { SIZE = 1000, LIMIT = 100000, READ = 256 * 1024 };
  host host;
  kept_event event;
  gw_socket *socket = NULL;
  gw_socket_state state = {.struct_size = sizeof state};
  if (host_takeover == GW_TAKEOVER_NEVER) return;
  gw_socket_limits limits = limits_of();
  limits.max_unread_bytes = LIMIT;
  peer_server *server = peer_listen(floods, NULL, 1);
  gw_socket_options options = opening();
  options.url = peer_url(server);
  options.limits = &limits;
  REQUIRE(host_open(&host));
  REQUIRE_STATUS(gw_socket_open(host.context, &options, &socket), GW_OK);
  REQUIRE(host_wait(&host, GW_EVENT_SOCKET_OPEN, gw_socket_id(socket), &event));
  CHECK_STATUS(gw_socket_send(socket, GW_TEXT, "go", 2, GW_SEND_UNCOMPRESSED), GW_OK);
  uint64_t counts[2] = {0, 1};
  for (int64_t end = host_now() + HOST_DEADLINE_MS; (counts[0] != counts[1] || counts[1] == 0) && host_now() < end;) {
    poll(NULL, 0, 100);
    counts[0] = counts[1];
    CHECK_STATUS(gw_socket_get_state(socket, &state), GW_OK);
    counts[1] = state.messages_received;
  }
  CHECK(counts[1] * SIZE > LIMIT && counts[1] * SIZE <= LIMIT + READ);
  if (counts[1] * SIZE > LIMIT + READ) printf("# %llu messages\n", (unsigned long long)counts[1]);
  gw_socket_abort(socket);
  gw_socket_free(socket);
  host_close(&host);
  peer_join(server);
}

static void a_watched_descriptor_tells_of_held_connections(void) {
  enum { SIZE = 1000, COUNT = 200 };
  static char message[SIZE];
  link_pair link;
  gw_socket_limits limits = limits_of();
  int received = 0;
  limits.max_unread_bytes = 1;
  REQUIRE(open_limited(&link, &limits, 0, 0));
  struct pollfd watched = {.fd = gw_context_fd(link.host.context), .events = POLLIN};
  for (int index = 0; index < COUNT; ++index)
    CHECK(gw_socket_send(link.socket, GW_BINARY, message, SIZE, GW_SEND_UNCOMPRESSED) >= 0);
  while (received < COUNT && poll(&watched, 1, HOST_DEADLINE_MS) == 1) {
    gw_event events[4];
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(link.host.context, 0, events, 4, sizeof *events, &batch) != GW_OK) continue;
    for (uint32_t index = 0; index < batch.count; ++index) received += events[index].type == GW_EVENT_SOCKET_MESSAGE;
  }
  CHECK(received == COUNT);
  link_close(&link);
}

static void a_paused_end_reads_nothing(void) {
  enum { SIZE = 1000, COUNT = 500 };
  static char message[SIZE];
  link_pair link;
  kept_event event;
  REQUIRE(link_open(&link));
  REQUIRE_STATUS(gw_listener_pause(link.listener, link.peer), GW_OK);
  CHECK_STATUS(gw_listener_pause(link.listener, link.peer), GW_OK);
  for (int index = 0; index < COUNT; ++index)
    CHECK(gw_socket_send(link.socket, GW_BINARY, message, SIZE, GW_SEND_UNCOMPRESSED) >= 0);
  while (host_next(&link.host, 200, &event)) CHECK(event.event.type != GW_EVENT_SOCKET_MESSAGE);
  REQUIRE_STATUS(gw_listener_resume(link.listener, link.peer), GW_OK);
  for (int index = 0; index < COUNT; ++index)
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));

  CHECK_STATUS(gw_socket_pause(link.socket), GW_OK);
  CHECK_STATUS(gw_socket_close(link.socket, 1000, NULL), GW_OK);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK(event.event.flags & GW_EVENT_CLEAN);
  CHECK_STATUS(gw_socket_pause(link.socket), GW_ERR_GONE);
  CHECK_STATUS(gw_socket_resume(link.socket), GW_ERR_GONE);
  CHECK_STATUS(gw_socket_pause(NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_socket_resume(NULL), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_listener_pause(link.listener, 1), GW_ERR_GONE);
  CHECK_STATUS(gw_listener_resume(NULL, 1), GW_ERR_ARGUMENT);
  link_close(&link);
}

static void both_ends_count_the_same(void) {
  static char message[5000];
  link_pair link;
  kept_event event;
  memset(message, 'a', sizeof message);
  REQUIRE(open_limited(&link, NULL, 0, 0));
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, sizeof message, 0), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, sizeof message, GW_SEND_UNCOMPRESSED), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, 5, GW_SEND_COMPRESSED), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, 5, 0), GW_OK);
  CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, 5, GW_SEND_UNCOMPRESSED | GW_SEND_COMPRESSED),
               GW_ERR_FLAGS);
  for (int index = 0; index < 4; ++index)
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
  gw_socket_state here = socket_state(&link), there = accepted_state(&link);
  CHECK(here.messages_sent == 4 && there.messages_received == 4);
  CHECK(here.bytes_sent == 10010 && there.bytes_received == 10010);
  CHECK(here.wire_bytes_sent == there.wire_bytes_received && here.wire_bytes_sent < 6000);
  CHECK(here.sent_before_deflate == 5005 && there.received_after_inflate == 5005);
  CHECK(here.sent_after_deflate == there.received_before_inflate && here.sent_after_deflate < 100);
  CHECK(here.deflate == 1 && here.client_no_context_takeover == 1 && here.server_no_context_takeover == 1);
  gw_listener_stats stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gw_listener_get_stats(link.listener, &stats), GW_OK);
  CHECK(stats.connections == 1 && stats.messages_received == 4 && stats.bytes_received == 10010);
  stats.struct_size -= 8;
  CHECK_STATUS(gw_listener_get_stats(link.listener, &stats), GW_ERR_STRUCT_SIZE);
  link_close(&link);
}

static void every_parameter_of_deflate_is_agreed(void) {
  static const uint32_t flags[] = {0, GW_SOCKET_CLIENT_TAKEOVER, GW_SOCKET_SERVER_TAKEOVER, GW_SOCKET_DEFLATE_TAKEOVER};
  static char message[5000];
  for (size_t mine = 0; mine < 4; ++mine) {
    for (size_t theirs = 0; theirs < 4; ++theirs) {
      link_pair link;
      kept_event event;
      gw_socket_limits limits = limits_of();
      limits.client_max_window_bits = 9 + (uint32_t)mine;
      limits.server_max_window_bits = 15 - (uint32_t)theirs;
      REQUIRE(open_limited(&link, &limits, flags[mine], flags[theirs]));
      gw_socket_state here = socket_state(&link), there = accepted_state(&link);
      uint32_t both = flags[mine] & flags[theirs];
      CHECK(here.client_no_context_takeover == ((both & GW_SOCKET_CLIENT_TAKEOVER) == 0));
      CHECK(here.server_no_context_takeover == ((both & GW_SOCKET_SERVER_TAKEOVER) == 0));
      CHECK(here.client_max_window_bits == limits.client_max_window_bits);
      CHECK(here.server_max_window_bits == limits.server_max_window_bits);
      CHECK(there.client_no_context_takeover == here.client_no_context_takeover);
      CHECK(there.server_no_context_takeover == here.server_no_context_takeover);
      CHECK(there.client_max_window_bits == here.client_max_window_bits);
      CHECK(there.server_max_window_bits == here.server_max_window_bits);
      for (size_t round = 0; round < 3; ++round) {
        for (size_t at = 0; at < sizeof message; ++at) message[at] = (char)('a' + (at * (round + 3) >> 3) % 26);
        CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, message, sizeof message, 0), GW_OK);
        REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
        CHECK(memcmp(event.payload, message, sizeof message) == 0);
        CHECK_STATUS(gw_listener_send(link.listener, link.peer, GW_TEXT, message, sizeof message, 0), GW_OK);
        REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_socket_id(link.socket), &event));
        CHECK(memcmp(event.payload, message, sizeof message) == 0);
      }
      link_close(&link);
    }
  }
}

static void who_closed_first_is_readable(void) {
  for (int by_peer = 0; by_peer < 2; ++by_peer) {
    link_pair link;
    kept_event event;
    gw_socket_state state = {.struct_size = sizeof state};
    REQUIRE(link_open(&link));
    CHECK(socket_state(&link).close_first == GW_CLOSE_FIRST_NOBODY);
    if (by_peer) {
      CHECK_STATUS(gw_listener_disconnect(link.listener, link.peer, 4321, "bye"), GW_OK);
    } else {
      CHECK_STATUS(gw_socket_close(link.socket, 4321, "bye"), GW_OK);
    }
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
    CHECK(((event.event.flags & GW_EVENT_PEER_FIRST) != 0) == (by_peer == 1));
    /* The handle tells the last state also after the end. */
    CHECK_STATUS(gw_socket_get_state(link.socket, &state), GW_OK);
    CHECK(state.phase == GW_PHASE_CLOSED);
    CHECK(state.close_first == (by_peer ? GW_CLOSE_FIRST_PEER : GW_CLOSE_FIRST_LOCAL));
    CHECK(state.close_code_sent == 4321 && state.close_code_received == 4321);
    CHECK(state.tls == 1 && state.queued_bytes == 0 && state.memory_bytes == 0);
    link_close(&link);
  }
}

static void too_many_messages_are_a_violation(void) {
  link_pair link;
  kept_event event;
  gw_listener_options serving = listening();
  serving.max_messages_per_second = 5;
  REQUIRE(link_open_with(&link, serving, opening()));
  /* A library thread may see the end before the last one is sent. */
  int sent = 0;
  while (sent < 20 && gw_socket_send(link.socket, GW_TEXT, "x", 1, 0) >= 0) ++sent;
  CHECK(sent > 5);
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_CLOSED, gw_socket_id(link.socket), &event));
  CHECK_STATUS(event.event.status, GW_ERR_CLOSED);
  CHECK(event.event.code == 1008 && (event.event.flags & GW_EVENT_PEER_FIRST) != 0);
  link_close(&link);
}

static void the_round_trip_is_measured(void) {
  link_pair link;
  kept_event event;
  gw_socket_limits limits = limits_of();
  limits.ping_interval_ms = 20;
  REQUIRE(open_limited(&link, &limits, GW_SOCKET_CONTROL, 0));
  REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_PONG, gw_socket_id(link.socket), &event));
  CHECK(socket_state(&link).round_trip_us > 0);
  link_close(&link);
}

static void a_burst_leaves_at_once(void) {
  link_pair link;
  kept_event event;
  REQUIRE(link_open(&link));
  if (host_takeover == GW_TAKEOVER_NEVER) {
    for (int index = 0; index < 100; ++index) CHECK_STATUS(gw_socket_send(link.socket, GW_TEXT, "x", 1, 0), GW_OK);
    CHECK(socket_state(&link).queued_bytes == 700);
    CHECK_STATUS(gw_context_flush(link.host.context), GW_OK);
    CHECK(socket_state(&link).queued_bytes == 0);
    /* All of it was one TLS record, and arrives in one batch. */
    int count = 0;
    REQUIRE(host_wait(&link.host, GW_EVENT_SOCKET_MESSAGE, gw_listener_id(link.listener), &event));
    for (count = 1; host_next(&link.host, 0, &event); ++count) CHECK(event.event.type == GW_EVENT_SOCKET_MESSAGE);
    CHECK(count == 100);
  }
  link_close(&link);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("limits: large messages come in parts (RFC 6455 section 5.4)", large_messages_come_in_parts);
  RUN("limits: parts of a text are text (RFC 6455 section 8.1)", parts_of_text_are_text);
  RUN("limits: the outgoing queue has two marks and an end", the_queue_has_two_marks);
  RUN("limits: one budget holds for all memory (RFC 6455 section 10.4)", one_budget_holds_for_all_memory);
  RUN("limits: a frame has a limit of its own (RFC 6455 section 10.4)", a_frame_has_a_limit_of_its_own);
  RUN("limits: what is not polled has an exact bound", what_is_not_polled_has_an_exact_bound);
  RUN("limits: reading waits for a host that does not poll", reading_waits_for_a_host_that_does_not_poll);
  RUN("limits: a watched descriptor tells of connections that waited", a_watched_descriptor_tells_of_held_connections);
  RUN("limits: a paused end reads nothing until it goes on, or closes", a_paused_end_reads_nothing);
  RUN("limits: both ends count the same", both_ends_count_the_same);
  RUN("limits: every parameter of deflate is agreed (RFC 7692 section 7.1)", every_parameter_of_deflate_is_agreed);
  RUN("limits: who closed first is readable (RFC 6455 section 7.1.5)", who_closed_first_is_readable);
  RUN("limits: too many messages are a violation", too_many_messages_are_a_violation);
  RUN("limits: the round trip is measured (RFC 6455 section 5.5.2)", the_round_trip_is_measured);
  RUN("limits: a burst leaves at once", a_burst_leaves_at_once);
  return test_finish();
}
