/* Connections that are lost one after another, each with a call in flight: every loss is told once, every call ends
 * once, and in a thousand of them neither memory nor descriptors grow.
 *   reconnects DRIVE */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/test.h"

#include <dirent.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

enum {
  SETTLING = 1000, /* rounds until the caches of the allocator are full, too */
  ROUNDS = 2000,
  FEWER = 100,   /* with drives that only decide who does the work */
  MEMORY = 32768 /* a leak of 33 bytes a round is seen */
};

static host the;
static gw_server *server;
static gw_client *client;
static uint64_t peer;
static struct counts {
  int connected, admitted, requests, unknown, other_ends, lost, left;
} seen;

static void note(const gw_event *event) {
  switch (event->type) {
  case GW_EVENT_CLIENT_CONNECTED: ++seen.connected; break;
  case GW_EVENT_CLIENT_DISCONNECTED: ++seen.lost; break;
  case GW_EVENT_PEER_CONNECTED:
    ++seen.admitted;
    peer = event->connection;
    break;
  case GW_EVENT_PEER_DISCONNECTED: ++seen.left; break;
  case GW_EVENT_PEER_REQUEST: ++seen.requests; break;
  case GW_EVENT_CALL_DONE:
    if (event->status == GW_ERR_OUTCOME_UNKNOWN) ++seen.unknown;
    else ++seen.other_ends;
    break;
  default: break;
  }
}

/* Polls until a count has come to a number; false after the deadline. */
static bool reaches(const int *count, int wanted) {
  kept_event event;
  for (int64_t end = host_now() + HOST_DEADLINE_MS; *count < wanted;) {
    int64_t left = end - host_now();
    if (left <= 0 || !host_next(&the, (int32_t)left, &event)) return false;
    note(&event.event);
  }
  return *count == wanted;
}

static int descriptors(void) {
  int count = 0;
  DIR *open = opendir("/proc/self/fd");
  while (open != NULL && readdir(open) != NULL) ++count;
  closedir(open);
  return count;
}

/* Under sanitizers and valgrind the allocator is another, and rounds take long. */
static bool knows_memory(void) { return getenv("GATEWIRE_TEST_NO_MEMORY") == NULL; }

/* One connection, from its hello to its loss. */
static bool round_trip(int round) {
  uint64_t call = 0;
  if (!reaches(&seen.connected, round) || !reaches(&seen.admitted, round)) return false;
  if (gw_client_call(client, "host.hold", NULL, 0, NULL, &call) != GW_OK) return false;
  if (!reaches(&seen.requests, round)) return false;
  if (gw_server_disconnect(server, peer, 1012, "again") != GW_OK) return false;
  return reaches(&seen.lost, round) && reaches(&seen.unknown, round) && reaches(&seen.left, round);
}

static void memory_and_descriptors_stay_flat(void) {
  char pin[80] = "", url[256] = "";
  gw_slice text;
  gw_server_options serving = host_server_options();
  REQUIRE(host_open(&the));
  REQUIRE_STATUS(gw_server_open(the.context, &serving, &server), GW_OK);
  gw_server_get_text(server, GW_SERVER_URL, &text);
  snprintf(url, sizeof url, "%.*s", (int)text.len, text.ptr);
  gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &text);
  snprintf(pin, sizeof pin, "%.*s", (int)text.len, text.ptr);
  const char *pins[] = {pin};
  gw_client_options options = host_client_options(url);
  options.flags = 0;
  options.pins = pins;
  options.pin_count = 1;
  options.reconnect_initial_ms = 1;
  options.reconnect_max_ms = 1;
  REQUIRE_STATUS(gw_client_open(the.context, &options, &client), GW_OK);

  int rounds = host_takeover == GW_TAKEOVER_NEVER && knows_memory() ? ROUNDS : FEWER;
  size_t memory_before = SIZE_MAX - MEMORY;
  int descriptors_before = 0;
  for (int round = 1; round <= rounds; ++round) {
    if (!round_trip(round)) printf("# round %d\n", round);
    REQUIRE(seen.lost == round);
    if (round == 10) descriptors_before = descriptors();
    if (round == SETTLING) memory_before = mallinfo2().uordblks;
  }
  size_t memory_after = mallinfo2().uordblks;
  if (memory_after > memory_before + MEMORY) printf("# %zu bytes more\n", memory_after - memory_before);
  CHECK(memory_after <= memory_before + MEMORY);
  /* Sockets of the last round may still linger. */
  int more = descriptors() - descriptors_before;
  if (more > 2) printf("# %d descriptors more\n", more);
  CHECK(more <= 2);
  CHECK(seen.other_ends == 0);
  gw_client_free(client);
  gw_server_free(server);
  host_close(&the);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("losses in a row are told once each, memory and descriptors stay flat", memory_and_descriptors_stay_flat);
  return test_finish();
}
