/* Several threads on one context: functions exclude one another, and one poll runs at a time. */
#define _GNU_SOURCE
#include "host.h"
#include "test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, CALLS = 200 };

static host the;
static gw_server *server;
static gw_client *client;
static atomic_int failed, stop;

static void *call_often(void *unused) {
  (void)unused;
  for (int at = 0; at < CALLS; ++at) {
    uint64_t call = 0;
    gw_status status = gw_client_call(client, "health", NULL, 0, NULL, &call);
    if (status < 0) ++failed;
    if (at % 16 == 0) gw_context_wake(the.context);
  }
  return NULL;
}

/* Everything that another thread may do beside the poll. */
static void *look_around(void *unused) {
  (void)unused;
  while (!stop) {
    gw_client_state state = {.struct_size = sizeof state};
    gw_error error = {.struct_size = sizeof error};
    if (gw_client_get_state(client, &state) != GW_OK) ++failed;
    if (gw_context_last_error(the.context, &error) != GW_OK) ++failed;
    if (gw_context_flush(the.context) != GW_OK) ++failed;
    if (gw_server_port(server) == 0 || gw_context_fd(the.context) < 0) ++failed;
    sched_yield();
  }
  return NULL;
}

static void threads_share_a_context(void) {
  kept_event event;
  gw_slice url;
  char text[128];
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_PLAINTEXT;
  REQUIRE(host_open(&the));
  REQUIRE_STATUS(gw_server_open(the.context, &serving, &server), GW_OK);
  gw_server_get_text(server, GW_SERVER_URL, &url);
  snprintf(text, sizeof text, "%.*s", (int)url.len, (const char *)url.ptr);
  gw_client_options options = host_client_options(text);
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&the, GW_EVENT_CLIENT_CONNECTED, 0, &event));

  pthread_t callers[THREADS], looker;
  pthread_create(&looker, NULL, look_around, NULL);
  for (int at = 0; at < THREADS; ++at) pthread_create(&callers[at], NULL, call_often, NULL);
  for (int at = 0; at < THREADS * CALLS; ++at) {
    if (!host_wait(&the, GW_EVENT_CALL_DONE, 0, &event)) {
      CHECK(false);
      break;
    }
    CHECK_STATUS(event.event.status, GW_OK);
  }
  for (int at = 0; at < THREADS; ++at) pthread_join(callers[at], NULL);
  stop = 1;
  pthread_join(looker, NULL);
  CHECK(failed == 0);
  gw_client_free(client);
  gw_server_free(server);
  host_close(&the);
}

static void *wait_long(void *unused) {
  (void)unused;
  gw_event event;
  gw_batch batch;
  gw_status status;
  gw_batch_init(&batch);
  /* The other thread may be the one that is inside. */
  do status = gw_context_poll(the.context, HOST_DEADLINE_MS, &event, 1, sizeof event, &batch);
  while (status == GW_ERR_BUSY);
  if (status != GW_OK) ++failed;
  return NULL;
}

static void one_poll_at_a_time(void) {
  pthread_t poller;
  gw_event event;
  gw_batch batch;
  gw_status status = GW_TIMEOUT;
  failed = 0;
  REQUIRE(host_open(&the));
  gw_batch_init(&batch);
  pthread_create(&poller, NULL, wait_long, NULL);
  for (int64_t end = host_now() + HOST_DEADLINE_MS; status == GW_TIMEOUT && host_now() < end;)
    status = gw_context_poll(the.context, 0, &event, 1, sizeof event, &batch);
  CHECK_STATUS(status, GW_ERR_BUSY);
  CHECK_STATUS(gw_context_wake(the.context), GW_OK);
  pthread_join(poller, NULL);
  CHECK(failed == 0);
  host_close(&the);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("threads share a context", threads_share_a_context);
  RUN("one poll at a time", one_poll_at_a_time);
  return test_finish();
}
