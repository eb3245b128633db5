/* A raw WebSocket against an echo server that is not ours, or not there without something in between.  The server sends every
 * message back, but for the commands that echo_server.c tells of.
 *
 *   socket_client URL [--ca FILE] [--no-deflate] [--takeover] [--no-burst] [--no-ping-between]
 *
 * The last two leave out what a counterpart is known not to manage. */
#include "../C/test.h"

#include <stdlib.h>

enum { DEADLINE_MS = 20000, LARGE = 1 << 20 };

static gw_context *context;
static gw_socket *the_socket;
static gw_socket_options options;
/* The last event; what it points to lives until the next one is waited for. */
static gw_event event;
static bool expects_deflate = true, sends_burst = true, pings_between = true;
static unsigned char large[LARGE];

/* Waits for the next event of a type; false if another end comes before it, or the deadline. */
static bool await(uint32_t type) {
  for (;;) {
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(context, DEADLINE_MS, &event, 1, sizeof event, &batch) != GW_OK || batch.count == 0) break;
    if (event.source != gw_socket_id(the_socket)) continue;
    if (event.type == type) return true;
    if (event.type == GW_EVENT_SOCKET_CLOSED) {
      printf("# closed: %s: %.*s\n", gw_status_name(event.status), (int)event.text.len, (const char *)event.text.ptr);
      return false;
    }
  }
  printf("# waited in vain for %s\n", gw_event_type_name(type));
  return false;
}

static bool open_socket(void) {
  gw_socket_free(the_socket);
  the_socket = NULL;
  return gw_socket_open(context, &options, &the_socket) == GW_OK && await(GW_EVENT_SOCKET_OPEN);
}

static gw_status send_text(const char *text, uint32_t flags) {
  return gw_socket_send(the_socket, GW_TEXT, text, strlen(text), flags);
}

static bool await_text(const char *text) {
  return await(GW_EVENT_SOCKET_MESSAGE) && event.code == GW_TEXT && slice_is(event.payload, text);
}

static bool comes_back(uint32_t kind, const void *data, size_t size) {
  return gw_socket_send(the_socket, kind, data, size, 0) >= 0 && await(GW_EVENT_SOCKET_MESSAGE) && event.code == kind &&
         event.payload.len == size && (size == 0 || memcmp(event.payload.ptr, data, size) == 0);
}

static void what_was_agreed(void) {
  gw_socket_state state = {.struct_size = sizeof state};
  REQUIRE(open_socket());
  CHECK_STATUS(gw_socket_get_state(the_socket, &state), GW_OK);
  CHECK(state.deflate == expects_deflate);
  CHECK(state.tls == (strncmp(options.url, "wss:", 4) == 0));
}

/* Around every border between the forms of a length (RFC 6455 section 5.2). */
static void messages_of_all_sizes_come_back(void) {
  static const size_t sizes[] = {0, 1, 125, 126, 127, 4096, 65535, 65536, 65537, LARGE};
  REQUIRE(open_socket());
  for (size_t at = 0; at < sizeof sizes / sizeof *sizes; ++at) {
    CHECK(comes_back(GW_TEXT, large, sizes[at]));
    CHECK(comes_back(GW_BINARY, large, sizes[at]));
  }
  CHECK(comes_back(GW_TEXT, "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x9c\x81", 15));
  CHECK(comes_back(GW_BINARY, "\0\xff\x80", 3));
}

static void many_messages_keep_their_order(void) {
  enum { MANY = 1000 };
  char text[32];
  REQUIRE(open_socket());
  for (int number = 0; number < MANY; ++number) {
    snprintf(text, sizeof text, "message %d", number);
    REQUIRE(send_text(text, 0) >= 0);
  }
  for (int number = 0; number < MANY; ++number) {
    snprintf(text, sizeof text, "message %d", number);
    REQUIRE(await_text(text));
  }
}

static void parts_are_one_message(void) {
  REQUIRE(open_socket());
  CHECK_STATUS(send_text("one ", GW_SEND_PART), GW_OK);
  CHECK_STATUS(send_text("", GW_SEND_PART), GW_OK);
  CHECK_STATUS(send_text("two ", GW_SEND_PART), GW_OK);
  if (pings_between) CHECK_STATUS(gw_socket_ping(the_socket, "between", 7), GW_OK);
  CHECK_STATUS(send_text("three", 0), GW_OK);
  CHECK(await_text("one two three"));
  CHECK_STATUS(send_text("parts one two three", 0), GW_OK);
  CHECK(await_text("onetwothree"));
}

static void pings_are_answered(void) {
  REQUIRE(open_socket());
  CHECK_STATUS(gw_socket_ping(the_socket, "there?", 6), GW_OK);
  REQUIRE(await(GW_EVENT_SOCKET_PONG));
  CHECK(slice_is(event.payload, "there?"));
  CHECK_STATUS(send_text("ping here?", 0), GW_OK);
  REQUIRE(await(GW_EVENT_SOCKET_PING));
  CHECK(slice_is(event.payload, "here?"));
  CHECK(await_text("pong here?"));
}

static void they_close(void) {
  REQUIRE(open_socket());
  CHECK_STATUS(send_text("close 4001 that is enough", 0), GW_OK);
  REQUIRE(await(GW_EVENT_SOCKET_CLOSED));
  CHECK_STATUS(event.status, GW_ERR_CLOSED);
  CHECK(event.flags & GW_EVENT_CLEAN);
  CHECK(event.code == 4001 && slice_is(event.name, "that is enough"));
}

static void we_close(void) {
  static const uint32_t codes[] = {1000, 1001, 1011, 3000, 4999};
  for (size_t at = 0; at < sizeof codes / sizeof *codes; ++at) {
    REQUIRE(open_socket());
    CHECK_STATUS(gw_socket_close(the_socket, codes[at], "done"), GW_OK);
    REQUIRE(await(GW_EVENT_SOCKET_CLOSED));
    CHECK_STATUS(event.status, GW_OK);
    CHECK(event.flags & GW_EVENT_CLEAN);
  }
}

int main(int argc, char **argv) {
  gw_socket_limits limits;
  gw_socket_limits_init(&limits);
  gw_socket_options_init(&options);
  limits.deflate_threshold_bytes = 1; /* so that every message shows what compression does to it */
  options.limits = &limits;
  options.flags = GW_SOCKET_CONTROL;
  for (int at = 1; at < argc; ++at) {
    if (strcmp(argv[at], "--ca") == 0 && at + 1 < argc) {
      options.ca_file = argv[++at];
    } else if (strcmp(argv[at], "--no-deflate") == 0) {
      options.flags |= GW_SOCKET_NO_DEFLATE;
      expects_deflate = false;
    } else if (strcmp(argv[at], "--no-burst") == 0) {
      sends_burst = false;
    } else if (strcmp(argv[at], "--no-ping-between") == 0) {
      pings_between = false;
    } else if (strcmp(argv[at], "--takeover") == 0) {
      options.flags |= GW_SOCKET_DEFLATE_TAKEOVER;
    } else {
      options.url = argv[at];
    }
  }
  for (size_t at = 0; at < sizeof large; ++at) large[at] = (unsigned char)(' ' + (at * at >> 7) % 95);
  if (options.url == NULL || gw_context_new(NULL, &context) != GW_OK) return 2;
  RUN("what was agreed", what_was_agreed);
  RUN("messages of all sizes come back", messages_of_all_sizes_come_back);
  if (sends_burst) RUN("many messages keep their order", many_messages_keep_their_order);
  RUN("parts are one message", parts_are_one_message);
  RUN("pings are answered", pings_are_answered);
  RUN("they close", they_close);
  RUN("we close", we_close);
  gw_socket_free(the_socket);
  gw_context_free(context);
  return test_finish();
}
