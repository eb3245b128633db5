/* A Socket.IO client against a server that is not ours (socketio_server.py, socketio_server.js).
 *
 *   socketio_client URL PART...
 *
 * talk: events, acknowledgements and attachments both ways, two namespaces, auth refused and accepted, a disconnect by the server, pings
 * that are answered.  lose: connections that are cut and that go silent.  recover: a session that goes on.  restart: prints "joined", and
 * expects that the server ends and comes back.  The request goes to /gateway/socket.io. */
#include "../C/test.h"

#include <time.h>

enum { DEADLINE_MS = 20000 };

static gw_context *context;
static gw_client *client;
static const char *url;
/* The last event; what it points to lives until the next one is waited for. */
static gw_event event;

/* Waits for the next event of a type, of a namespace if it is not 0; others are passed over. */
static bool await(uint32_t type, uint64_t space) {
  for (time_t until = time(NULL) + DEADLINE_MS / 1000; time(NULL) <= until;) {
    gw_batch batch;
    gw_batch_init(&batch);
    if (gw_context_poll(context, DEADLINE_MS, &event, 1, sizeof event, &batch) != GW_OK || batch.count == 0) break;
    if (event.type == type && (space == 0 || event.connection == space)) return true;
    if (event.type == GW_EVENT_CLIENT_CLOSED) break;
    if (event.status < 0)
      printf("# %s: %s: %.*s\n", gw_event_type_name(event.type), gw_status_name(event.status), (int)event.text.len,
             (const char *)event.text.ptr);
  }
  printf("# waited in vain for %s\n", gw_event_type_name(type));
  return false;
}

static bool await_event(uint64_t space, const char *name) {
  return await(GW_EVENT_SIO_EVENT, space) && slice_is(event.name, name);
}

static bool open_client(void) {
  gw_sio_options sio;
  gw_sio_options_init(&sio);
  sio.path = "/gateway/socket.io";
  gw_client_options options;
  gw_client_options_init(&options);
  options.url = url;
  options.dialect = GW_DIALECT_SOCKETIO;
  options.sio = &sio;
  options.reconnect_initial_ms = 50;
  options.reconnect_max_ms = 200;
  return gw_client_open(context, &options, &client) == GW_OK;
}

static void close_client(void) {
  CHECK_STATUS(gw_client_close(client, 0, NULL), GW_OK);
  for (gw_batch batch;;) {
    gw_batch_init(&batch);
    if (gw_context_poll(context, DEADLINE_MS, &event, 1, sizeof event, &batch) != GW_OK || batch.count == 0) break;
    if (event.type == GW_EVENT_CLIENT_CLOSED) break;
  }
  CHECK(event.type == GW_EVENT_CLIENT_CLOSED && event.status == GW_OK);
  gw_client_free(client);
}

static uint64_t join_with(const char *name, const char *auth) {
  uint64_t id = 0;
  gw_sio_join_options options;
  gw_sio_join_options_init(&options);
  options.auth = auth;
  options.auth_len = auth ? strlen(auth) : 0;
  CHECK_STATUS(gw_sio_join(client, name, &options, &id), GW_OK);
  return id;
}

static gw_status emit(uint64_t space, const char *name, const char *args) {
  return gw_sio_emit(client, space, name, args, args ? strlen(args) : 0, NULL, NULL);
}

static bool call(uint64_t space, const char *name, const char *args, const gw_slice *attachments, size_t count) {
  uint64_t ack;
  gw_sio_emit_options options;
  gw_sio_emit_options_init(&options);
  options.flags = GW_SIO_ACK;
  options.attachments = attachments;
  options.attachment_count = count;
  gw_status status = gw_sio_emit(client, space, name, args, args ? strlen(args) : 0, &options, &ack);
  return status == GW_OK && await(GW_EVENT_SIO_ACK, space) && event.subject == ack && event.status == GW_OK;
}

static const gw_slice *attachments(void) { return (const gw_slice *)(const void *)event.text.ptr; }

/* --- talk --- */

static void two_namespaces_with_and_without_auth(void) {
  REQUIRE(open_client());
  uint64_t plain = join_with("/", NULL), refused = join_with("/secure", "{\"token\":\"bad\"}");
  REQUIRE(await(GW_EVENT_SIO_JOINED, plain));
  REQUIRE(await(GW_EVENT_SIO_LEFT, refused));
  CHECK_STATUS(event.status, GW_ERR_SIO_REFUSED);
  CHECK(slice_is(event.text, "not authorized") && slice_has(event.payload, "401"));
  uint64_t secure = join_with("/secure", "{\"token\":\"good\"}"), unknown = join_with("/unknown", NULL);
  REQUIRE(await(GW_EVENT_SIO_EVENT, secure));
  CHECK(slice_is(event.name, "welcome") && slice_has(event.payload, "good"));
  REQUIRE(await(GW_EVENT_SIO_LEFT, unknown));
  CHECK_STATUS(event.status, GW_ERR_SIO_REFUSED);
  CHECK(call(secure, "swap", "[1,2]", NULL, 0) && call(plain, "swap", "[1,2]", NULL, 0));
  CHECK_STATUS(emit(secure, "bye", NULL), GW_OK);
  REQUIRE(await(GW_EVENT_SIO_LEFT, secure));
  CHECK_STATUS(event.status, GW_ERR_SIO_DISCONNECTED);
  CHECK(call(plain, "swap", "[2,1]", NULL, 0));
  CHECK_STATUS(emit(plain, "bye", NULL), GW_OK);
  REQUIRE(await(GW_EVENT_CLIENT_DISCONNECTED, 0));
  CHECK(event.flags & GW_EVENT_PAUSED);
  CHECK(join_with("/", NULL) > plain && await(GW_EVENT_SIO_JOINED, 0));
  close_client();
}

static void events_and_acknowledgements_go_both_ways(void) {
  REQUIRE(open_client());
  uint64_t space = join_with(NULL, NULL);
  CHECK_STATUS(emit(space, "echo", "[\"before the join\",{\"\\u00e9\":[null,1.5e3]}]"), GW_OK);
  REQUIRE(await_event(space, "echoed"));
  CHECK(slice_has(event.payload, "before the join"));
  REQUIRE(call(space, "swap", "[\"a\",\"gr\xc3\xb6\xc3\x9f""er\"]", NULL, 0));
  CHECK(slice_has(event.payload, ",\"a\"]"));
  REQUIRE(call(space, "silent", NULL, NULL, 0));
  CHECK_STATUS(emit(space, "ask", "[7]"), GW_OK);
  REQUIRE(await_event(space, "question"));
  CHECK(slice_has(event.payload, "7") && event.subject != 0);
  CHECK_STATUS(gw_sio_ack(client, event.subject, "[\"because\"]", 11, NULL, 0), GW_OK);
  REQUIRE(await_event(space, "answered"));
  CHECK(slice_has(event.payload, "because"));
  /* Two ping intervals pass meanwhile, more than a client that answered no ping would be given. */
  CHECK(call(space, "later", "[2.5]", NULL, 0));
  close_client();
}

static void attachments_go_both_ways(void) {
  char args[1024] = "[";
  uint8_t bytes[10][3];
  gw_slice data[10];
  for (uint8_t place = 0; place < 10; ++place) {
    memset(bytes[place], place, sizeof bytes[place]);
    data[place] = (gw_slice){bytes[place], place == 4 ? 0 : sizeof bytes[place]};
    snprintf(args + strlen(args), 64, "%s{\"_placeholder\":true,\"num\":%d}", place ? "," : "", place);
  }
  strcat(args, "]");
  REQUIRE(open_client());
  uint64_t space = join_with("/", NULL);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  REQUIRE(call(space, "swap", args, data, 10));
  CHECK(event.code == 10);
  for (uint32_t place = 0; place < 10 && event.code == 10; ++place) {
    /* They come back in the opposite order. */
    gw_slice sent = data[9 - place], got = attachments()[place];
    CHECK(got.len == sent.len && memcmp(got.ptr, sent.ptr, got.len) == 0);
  }
  gw_sio_emit_options options;
  gw_sio_emit_options_init(&options);
  options.attachments = data;
  options.attachment_count = 1;
  const char *one = "[{\"in\":[{\"_placeholder\":true,\"num\":0}]}]";
  CHECK_STATUS(gw_sio_emit(client, space, "ask", one, strlen(one), &options, NULL), GW_OK);
  REQUIRE(await_event(space, "question"));
  CHECK(event.code == 1 && attachments()[0].len == 3 && event.subject != 0);
  const char *answer = "[{\"_placeholder\":true,\"num\":0}]";
  CHECK_STATUS(gw_sio_ack(client, event.subject, answer, strlen(answer), data + 9, 1), GW_OK);
  REQUIRE(await_event(space, "answered"));
  CHECK(event.code == 1 && attachments()[0].len == 3 && memcmp(attachments()[0].ptr, bytes[9], 3) == 0);
  close_client();
}

static void many_events_stay_in_order(void) {
  enum { COUNT = 5000 };
  char args[32];
  REQUIRE(open_client());
  uint64_t space = join_with("/", NULL);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  for (int sent = 0, seen = 0; seen < COUNT; ++seen) {
    for (; sent < COUNT && sent < seen + 64; ++sent) {
      snprintf(args, sizeof args, "[%d,\"x\"]", sent);
      REQUIRE(emit(space, "echo", args) == GW_OK);
    }
    REQUIRE(await_event(space, "echoed"));
    snprintf(args, sizeof args, "[%d,\"x\"", seen);
    REQUIRE(slice_has(event.payload, args));
  }
  close_client();
}

/* --- lose --- */

static void a_cut_connection_is_made_again_and_what_waits_is_sent_in_order(void) {
  uint64_t ack;
  gw_sio_emit_options options;
  gw_sio_emit_options_init(&options);
  options.flags = GW_SIO_ACK;
  REQUIRE(open_client());
  uint64_t plain = join_with("/", NULL), secure = join_with("/secure", "{\"token\":\"good\"}");
  REQUIRE(await(GW_EVENT_SIO_JOINED, secure));
  CHECK_STATUS(gw_sio_emit(client, plain, "later", "[5]", 3, &options, &ack), GW_OK);
  CHECK_STATUS(emit(plain, "drop", NULL), GW_OK);
  REQUIRE(await(GW_EVENT_SIO_ACK, plain));
  CHECK(event.subject == ack && event.status == GW_ERR_OUTCOME_UNKNOWN);
  REQUIRE(await(GW_EVENT_SIO_DISCONNECTED, secure));
  CHECK(slice_has(event.name, "transport "));
  CHECK_STATUS(emit(plain, "echo", "[1]"), GW_OK);
  CHECK_STATUS(emit(plain, "echo", "[2]"), GW_OK);
  REQUIRE(await(GW_EVENT_SIO_JOINED, plain));
  CHECK_STATUS(emit(plain, "echo", "[3]"), GW_OK);
  for (char digit = '1'; digit <= '3'; ++digit) {
    REQUIRE(await_event(plain, "echoed"));
    CHECK(event.payload.len > 1 && event.payload.ptr[1] == (uint8_t)digit);
  }
  close_client();
}

static void a_server_that_stops_pinging_is_left(void) {
  REQUIRE(open_client());
  uint64_t space = join_with("/", NULL);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  CHECK_STATUS(emit(space, "mute", NULL), GW_OK);
  /* python-engineio judges each wait for a message by the limit that held when it began: let one begin after the change. */
  CHECK(call(space, "swap", "[1]", NULL, 0));
  CHECK(call(space, "swap", "[1]", NULL, 0));
  REQUIRE(await(GW_EVENT_SIO_DISCONNECTED, space));
  CHECK_STATUS(event.status, GW_ERR_SIO_PING_TIMEOUT);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  CHECK(call(space, "swap", "[1]", NULL, 0));
  close_client();
}

/* --- recover and restart --- */

static void a_session_goes_on_with_what_was_missed(void) {
  REQUIRE(open_client());
  uint64_t space = join_with("/", NULL);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  CHECK(event.flags == 0);
  CHECK_STATUS(emit(space, "echo", "[1]"), GW_OK);
  REQUIRE(await_event(space, "echoed"));
  CHECK_STATUS(emit(space, "miss", "[\"that\"]"), GW_OK);
  REQUIRE(await(GW_EVENT_SIO_DISCONNECTED, space));
  REQUIRE(await_event(space, "missed"));
  CHECK(slice_has(event.payload, "that"));
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  CHECK(event.flags & GW_EVENT_RECOVERED);
  CHECK(call(space, "swap", "[1]", NULL, 0));
  close_client();
}

static void a_server_that_was_restarted_is_found_again(void) {
  REQUIRE(open_client());
  uint64_t space = join_with("/", NULL);
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  puts("joined");
  fflush(stdout);
  REQUIRE(await(GW_EVENT_SIO_DISCONNECTED, space));
  REQUIRE(await(GW_EVENT_SIO_JOINED, space));
  CHECK(call(space, "swap", "[1]", NULL, 0));
  close_client();
}

int main(int argc, char **argv) {
  gw_context_options options;
  gw_context_options_init(&options);
  if (argc < 3 || gw_context_new(&options, &context) != GW_OK) return 2;
  url = argv[1];
  for (int at = 2; at < argc; ++at) {
    if (strcmp(argv[at], "talk") == 0) {
      RUN("two namespaces, with and without auth", two_namespaces_with_and_without_auth);
      RUN("events and acknowledgements go both ways", events_and_acknowledgements_go_both_ways);
      RUN("attachments go both ways", attachments_go_both_ways);
      RUN("many events stay in order", many_events_stay_in_order);
    } else if (strcmp(argv[at], "lose") == 0) {
      RUN("a cut connection is made again, and what waits is sent in order",
          a_cut_connection_is_made_again_and_what_waits_is_sent_in_order);
      RUN("a server that stops pinging is left", a_server_that_stops_pinging_is_left);
    } else if (strcmp(argv[at], "recover") == 0) {
      RUN("a session goes on, with what was missed", a_session_goes_on_with_what_was_missed);
    } else if (strcmp(argv[at], "restart") == 0) {
      RUN("a server that was restarted is found again", a_server_that_was_restarted_is_found_again);
    } else {
      return 2;
    }
  }
  gw_context_free(context);
  return test_finish();
}
