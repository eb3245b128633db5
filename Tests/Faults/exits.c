/* The end of a program and the fork of one, with the library at work: nothing hangs, nothing crashes, whatever is open.
 * Each case runs in a process of its own, which must end by itself. */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/pair.h"
#include "../C/peer.h"
#include "../C/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { END_MS = 20000, FORKS = 10 };

/* Whether a child ends with status 0, at the latest after END_MS; says how it did not. */
static bool ends_well(pid_t child) {
  int status = -1;
  for (int64_t end = host_now() + END_MS; host_now() < end; poll(NULL, 0, 5)) {
    if (waitpid(child, &status, WNOHANG) != child) continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    printf("# %s %d\n", WIFSIGNALED(status) ? "ended by signal" : "ended with",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
  }
  printf("# did not end within %d ms\n", END_MS);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return false;
}

static bool runs_and_ends(void (*body)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    body();
    exit(test_is_failing ? 1 : 0);
  }
  return child > 0 && ends_well(child);
}

/* --- everything that can be open --- */

static link_pair link_;
static gw_server *server;
static gw_client *client, *hanging, *looking;
static peer_server *silent;
static char client_pin[80];

static void stay_silent(peer *peer) { peer_wait_end(peer); }

/* A client with calls in flight, a socket with a full queue, an attempt that hangs in its upgrade, one that looks a
 * name up. */
static void open_everything(void) {
  static char piece[65536];
  kept_event event;
  gw_slice url, pin;
  char text[128];
  uint64_t call;
  const char *pins[] = {client_pin};
  REQUIRE(link_open(&link_));
  gw_server_options serving = host_server_options();
  serving.flags = GW_SERVER_NO_BUILTIN;
  REQUIRE_STATUS(gw_server_open(link_.host.context, &serving, &server), GW_OK);
  gw_server_get_text(server, GW_SERVER_URL, &url);
  gw_server_get_text(server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(text, sizeof text, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(client_pin, sizeof client_pin, "%.*s", (int)pin.len, (const char *)pin.ptr);
  gw_client_options options = host_client_options(text);
  options.pins = pins;
  options.pin_count = 1;
  REQUIRE_STATUS(gw_client_open(link_.host.context, &options, &client), GW_OK);
  REQUIRE(host_wait(&link_.host, GW_EVENT_CLIENT_CONNECTED, gw_client_id(client), &event));
  for (int at = 0; at < 10; ++at) CHECK(gw_client_call(client, "exits.never", NULL, 0, NULL, &call) >= 0);
  while (gw_socket_send(link_.socket, GW_BINARY, piece, sizeof piece, GW_SEND_UNCOMPRESSED) >= 0) {}
  silent = peer_listen(stay_silent, NULL, 1);
  gw_client_options half = host_client_options(peer_url(silent));
  CHECK_STATUS(gw_client_open(link_.host.context, &half, &hanging), GW_OK);
  gw_client_options name = host_client_options("wss://exits.invalid");
  CHECK_STATUS(gw_client_open(link_.host.context, &name, &looking), GW_OK);
  host_next(&link_.host, 20, &event);
}

static void exit_with_all_that(void) { open_everything(); }

static void exiting_leaves_everything_behind(void) { CHECK(runs_and_ends(exit_with_all_that)); }

static void free_context_first(void) {
  open_everything();
  gw_context_free(link_.host.context);
  gw_socket_free(link_.socket);
  gw_client_free(client);
  gw_server_free(server);
  gw_listener_free(link_.listener);
}

static void free_context_last(void) {
  open_everything();
  gw_listener_free(link_.listener);
  gw_server_free(server);
  gw_client_free(client);
  gw_socket_free(link_.socket);
  gw_context_free(link_.host.context);
}

static void free_context_between(void) {
  open_everything();
  gw_client_free(client);
  gw_listener_free(link_.listener);
  gw_context_free(link_.host.context);
  gw_server_free(server);
  gw_socket_free(link_.socket);
}

static void freeing_in_any_order_ends(void) {
  CHECK(runs_and_ends(free_context_first));
  CHECK(runs_and_ends(free_context_last));
  CHECK(runs_and_ends(free_context_between));
}

/* --- exit while other threads are inside --- */

static void *poll_for_ever(void *unused) {
  (void)unused;
  gw_event events[16];
  gw_batch batch;
  gw_batch_init(&batch);
  while (gw_context_poll(link_.host.context, -1, events, 16, sizeof *events, &batch) == GW_OK) {}
  return NULL;
}

static void *call_for_ever(void *unused) {
  (void)unused;
  uint64_t call;
  while (gw_client_call(client, "exits.never", NULL, 0, NULL, &call) != GW_ERR_GONE)
    gw_context_flush(link_.host.context);
  return NULL;
}

static void start_threads(void) {
  pthread_t poller, caller;
  open_everything();
  pthread_create(&poller, NULL, poll_for_ever, NULL);
  pthread_create(&caller, NULL, call_for_ever, NULL);
}

static void exit_beside_threads(void) {
  start_threads();
  poll(NULL, 0, 20);
}

static void exiting_beside_threads_ends(void) { CHECK(runs_and_ends(exit_beside_threads)); }

/* --- fork while other threads are inside, one of them perhaps with the lock --- */

#define FORKED(call) wrong += (call) != GW_ERR_FORKED

/* Number of answers that are not GW_ERR_FORKED. */
static int use_everything(void) {
  int wrong = 0;
  uint64_t call;
  gw_event event;
  gw_batch batch;
  gw_client *no_client = NULL;
  gw_socket *no_socket = NULL;
  gw_listener *no_listener = NULL;
  gw_client_options options = host_client_options("ws://127.0.0.1:1");
  gw_socket_options opens = opening();
  gw_listener_options listens = listening();
  gw_socket_state state = {.struct_size = sizeof state};
  gw_listener_stats stats = {.struct_size = sizeof stats};
  gw_client_state client_state = {.struct_size = sizeof client_state};
  gw_error error = {.struct_size = sizeof error};
  opens.url = "ws://127.0.0.1:1";
  gw_batch_init(&batch);
  FORKED(gw_context_poll(link_.host.context, -1, &event, 1, sizeof event, &batch));
  FORKED(gw_context_flush(link_.host.context));
  FORKED(gw_context_wake(link_.host.context));
  FORKED(gw_context_network_changed(link_.host.context));
  FORKED(gw_client_open(link_.host.context, &options, &no_client));
  FORKED(gw_client_call(client, "health", NULL, 0, NULL, &call));
  FORKED(gw_client_close(client, 0, NULL));
  FORKED(gw_socket_open(link_.host.context, &opens, &no_socket));
  FORKED(gw_socket_send(link_.socket, GW_TEXT, "a", 1, 0));
  FORKED(gw_socket_ping(link_.socket, NULL, 0));
  FORKED(gw_socket_close(link_.socket, 0, NULL));
  FORKED(gw_socket_abort(link_.socket));
  FORKED(gw_socket_get_state(link_.socket, &state));
  FORKED(gw_listener_open(link_.host.context, &listens, &no_listener));
  FORKED(gw_listener_accept(link_.listener, link_.peer, NULL));
  FORKED(gw_listener_reject(link_.listener, link_.peer, 403, NULL));
  FORKED(gw_listener_send(link_.listener, link_.peer, GW_TEXT, "a", 1, 0));
  FORKED(gw_listener_ping(link_.listener, link_.peer, NULL, 0));
  FORKED(gw_listener_disconnect(link_.listener, link_.peer, 0, NULL));
  FORKED(gw_listener_abort(link_.listener, link_.peer));
  FORKED(gw_listener_get_state(link_.listener, link_.peer, &state));
  FORKED(gw_listener_get_stats(link_.listener, &stats));
  FORKED(gw_listener_stop(link_.listener));
  /* These answer from what they know; they must not wait for the lock. */
  gw_client_cancel(client, 1);
  gw_client_get_state(client, &client_state);
  gw_context_last_error(link_.host.context, &error);
  gw_server_port(server);
  wrong += gw_context_fd(link_.host.context) != -1;
  gw_client_free(client);
  gw_socket_free(link_.socket);
  gw_listener_free(link_.listener);
  gw_server_free(server);
  gw_context_free(link_.host.context);
  return wrong;
}

static void fork_beside_threads(void) {
  start_threads();
  for (int at = 0; at < FORKS && !test_is_failing; ++at) {
    pid_t child = fork();
    if (child == 0) _exit(use_everything());
    CHECK(child > 0 && ends_well(child));
  }
}

static void forking_beside_threads_hangs_nobody(void) { CHECK(runs_and_ends(fork_beside_threads)); }

/* A child that exits as usual, with all that runs then, does no harm to its parent's connections. */
static void fork_and_exit(void) {
  kept_event event;
  REQUIRE(link_open(&link_));
  for (int at = 0; at < 5; ++at) {
    pid_t child = fork();
    if (child == 0) exit(0);
    CHECK(child > 0 && ends_well(child));
    CHECK_STATUS(gw_socket_send(link_.socket, GW_TEXT, "a", 1, 0), GW_OK);
    CHECK(host_wait(&link_.host, GW_EVENT_SOCKET_MESSAGE, 0, &event));
  }
  link_close(&link_);
}

static void the_parent_goes_on(void) { CHECK(runs_and_ends(fork_and_exit)); }

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("exit with everything open", exiting_leaves_everything_behind);
  RUN("free in any order with everything open", freeing_in_any_order_ends);
  RUN("exit while threads poll and call", exiting_beside_threads_ends);
  RUN("fork while threads poll and call: GW_ERR_FORKED, and no hang", forking_beside_threads_hangs_nobody);
  RUN("the parent of a child that exits goes on", the_parent_goes_on);
  return test_finish();
}
