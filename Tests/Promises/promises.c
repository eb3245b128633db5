/* The promises of gatewire.h that a program can see from inside its process. */
#define _GNU_SOURCE
#include "../C/host.h"
#include "../C/peer.h"
#include "../C/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- what the process looks like --- */

static int entries(const char *directory) {
  int count = 0;
  DIR *open = opendir(directory);
  if (open == NULL) return -1;
  while (readdir(open) != NULL) ++count;
  closedir(open);
  return count;
}

static int descriptors(void) { return entries("/proc/self/fd"); }
static int threads(void) { return entries("/proc/self/task"); }

/* A thread that was joined may stand in /proc for a moment longer. */
static bool threads_are(int wanted) {
  for (int64_t end = host_now() + 2000; host_now() < end;)
    if (threads() == wanted) return true;
  return threads() == wanted;
}

/* --- one use of the library: gateway, client, a call, a graceful end --- */

typedef struct use {
  host host;
  gw_server *server;
  gw_client *client;
} use;

static bool use_open(use *use) {
  gw_slice url, pin;
  kept_event event;
  char url_text[128], pin_text[80];
  const char *pins[] = {pin_text};
  memset(use, 0, sizeof *use);
  gw_server_options serving = host_server_options();
  if (!host_open(&use->host) || gw_server_open(use->host.context, &serving, &use->server) != GW_OK) return false;
  gw_server_get_text(use->server, GW_SERVER_URL, &url);
  gw_server_get_text(use->server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(url_text, sizeof url_text, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(pin_text, sizeof pin_text, "%.*s", (int)pin.len, (const char *)pin.ptr);
  gw_client_options options = host_client_options(url_text);
  options.pins = pins;
  options.pin_count = 1;
  return gw_client_open(use->host.context, &options, &use->client) == GW_OK &&
         host_wait(&use->host, GW_EVENT_CLIENT_CONNECTED, 0, &event);
}

static bool use_call(use *use) {
  uint64_t call = 0;
  kept_event event;
  return gw_client_call(use->client, "health", NULL, 0, NULL, &call) >= 0 &&
         host_wait(&use->host, GW_EVENT_CALL_DONE, 0, &event) && event.event.status == GW_OK;
}

static void use_close(use *use) {
  gw_client_free(use->client);
  gw_server_free(use->server);
  host_close(&use->host);
}

static bool use_once(void) {
  use use;
  bool worked = use_open(&use) && use_call(&use);
  use_close(&use);
  return worked;
}

/* --- */

static void no_signal_handler(void) {
  struct sigaction before[65], after[65];
  memset(before, 0, sizeof before);
  memset(after, 0, sizeof after);
  for (int number = 1; number <= 64; ++number) sigaction(number, NULL, &before[number]);
  CHECK(use_once());
  for (int number = 1; number <= 64; ++number) {
    sigaction(number, NULL, &after[number]);
    CHECK(before[number].sa_handler == after[number].sa_handler && before[number].sa_flags == after[number].sa_flags);
  }
}

static void no_signal_mask(void) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, NULL, &before);
  CHECK(use_once());
  pthread_sigmask(SIG_SETMASK, NULL, &after);
  for (int number = 1; number <= 64; ++number) CHECK(sigismember(&before, number) == sigismember(&after, number));
}

static void reset_when_ready(peer *peer) {
  if (peer_ready(peer)) peer_reset(peer);
}

static void no_sigpipe(void) {
  host host;
  kept_event event;
  gw_client *client = NULL;
  uint64_t call;
  REQUIRE(host_open(&host));
  peer_server *server = peer_listen(reset_when_ready, NULL, 1);
  gw_client_options options = host_client_options(peer_url(server));
  REQUIRE_STATUS(gw_client_open(host.context, &options, &client), GW_OK);
  CHECK(host_wait(&host, GW_EVENT_CLIENT_CONNECTED, 0, &event));
  peer_join(server);
  /* With its default action the signal would end this program. */
  for (int at = 0; at < 20; ++at) {
    gw_client_call(client, "health", NULL, 0, NULL, &call);
    gw_context_flush(host.context);
  }
  gw_client_free(client);
  host_close(&host);
}

static void no_output(void) {
  char path[] = "/tmp/gatewire-test-XXXXXX";
  fflush(stdout);
  int file = mkstemp(path), out = dup(1), errors = dup(2);
  REQUIRE(file >= 0 && out >= 0 && errors >= 0);
  dup2(file, 1);
  dup2(file, 2);
  bool worked = use_once();
  fflush(stdout);
  dup2(out, 1);
  dup2(errors, 2);
  CHECK(worked);
  CHECK(lseek(file, 0, SEEK_END) == 0);
  close(file);
  close(out);
  close(errors);
  unlink(path);
}

static void no_thread_unless_asked_for(void) {
  use use;
  int before = threads();
  REQUIRE(use_open(&use));
  CHECK(use_call(&use));
  CHECK(threads() == before + (host_takeover == GW_TAKEOVER_NEVER ? 0 : 1));
  use_close(&use);
  CHECK(threads_are(before));
}

/* How often a thread of this process has gone to sleep, and the thread that is not in a list of threads. */
static long sleeps(long thread) {
  char path[64], line[128];
  long count = -1;
  snprintf(path, sizeof path, "/proc/self/task/%ld/status", thread);
  FILE *status = fopen(path, "r");
  if (status == NULL) return -1;
  while (fgets(line, sizeof line, status) != NULL) sscanf(line, "voluntary_ctxt_switches: %ld", &count);
  fclose(status);
  return count;
}

static long other_thread(void) {
  long found = -1;
  struct dirent *entry;
  DIR *open = opendir("/proc/self/task");
  if (open == NULL) return -1;
  while ((entry = readdir(open)) != NULL)
    if (atol(entry->d_name) > 0 && atol(entry->d_name) != (long)getpid()) found = atol(entry->d_name);
  closedir(open);
  return found;
}

/* gw_context_options.takeover_ms: "wakes up about once in this time; while there is nothing to do it does not" */
static void the_guardian_sleeps_while_the_host_polls(void) {
  /* A look costs its own sleep and those for the kernel's lock of the descriptor, which this thread holds most of the time. */
  enum { LIMIT_MS = 50, POLLING_MS = 1000, IDLE_MS = 500, SLEEPS_PER_LOOK = 20 };
  use use;
  kept_event event;
  if (host_takeover == GW_TAKEOVER_NEVER || host_takeover == GW_TAKEOVER_ALWAYS) return;
  uint32_t takeover = host_takeover;
  host_takeover = LIMIT_MS;
  bool is_open = use_open(&use);
  host_takeover = takeover;
  REQUIRE(is_open);
  long guardian = other_thread(), before = sleeps(guardian), calls = 0;
  for (int64_t end = host_now() + POLLING_MS; host_now() < end; ++calls) REQUIRE(use_call(&use));
  long polling = sleeps(guardian) - before;
  while (host_next(&use.host, 2 * LIMIT_MS, &event)) {}
  struct timespec pause = {.tv_nsec = 2 * LIMIT_MS * 1000000};
  nanosleep(&pause, NULL);
  before = sleeps(guardian);
  pause.tv_nsec = IDLE_MS * 1000000;
  nanosleep(&pause, NULL);
  long idle = sleeps(guardian) - before;
  if (polling > SLEEPS_PER_LOOK * POLLING_MS / LIMIT_MS || idle != 0)
    printf("# %ld sleeps in %d ms with %ld calls, %ld in %d idle ms\n", polling, POLLING_MS, calls, idle, IDLE_MS);
  CHECK(guardian > 0 && polling <= SLEEPS_PER_LOOK * POLLING_MS / LIMIT_MS && idle == 0);
  use_close(&use);
}

static void descriptors_are_closed_on_exec(void) {
  use use;
  bool open_before[256];
  int mine = 0;
  for (int number = 0; number < 256; ++number) open_before[number] = fcntl(number, F_GETFD) >= 0;
  REQUIRE(use_open(&use));
  for (int number = 0; number < 256; ++number) {
    int flags = fcntl(number, F_GETFD);
    if (flags < 0 || open_before[number]) continue;
    CHECK(flags & FD_CLOEXEC);
    ++mine;
  }
  CHECK(mine >= 4); /* epoll, listener, both ends of the connection */
  use_close(&use);
}

static void nothing_stays_open(void) {
  int before = descriptors();
  for (int round = 0; round < 20; ++round) CHECK(use_once());
  CHECK(descriptors() == before);
}

static void a_forked_child_is_told(void) {
  use use;
  REQUIRE(use_open(&use));
  fflush(stdout);
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    gw_event event;
    gw_batch batch;
    uint64_t call;
    gw_client *client = NULL;
    gw_server *server = NULL;
    gw_client_options options = host_client_options("ws://127.0.0.1:1");
    gw_server_options serving = host_server_options();
    gw_batch_init(&batch);
    int wrong = 0;
    wrong += gw_context_fd(use.host.context) != -1;
    wrong += gw_context_poll(use.host.context, 0, &event, 1, sizeof event, &batch) != GW_ERR_FORKED;
    wrong += gw_context_flush(use.host.context) != GW_ERR_FORKED;
    wrong += gw_context_network_changed(use.host.context) != GW_ERR_FORKED;
    wrong += gw_context_wake(use.host.context) != GW_ERR_FORKED;
    wrong += gw_client_open(use.host.context, &options, &client) != GW_ERR_FORKED;
    wrong += gw_server_open(use.host.context, &serving, &server) != GW_ERR_FORKED;
    wrong += gw_client_call(use.client, "health", NULL, 0, NULL, &call) != GW_ERR_FORKED;
    wrong += gw_client_close(use.client, 0, NULL) != GW_ERR_FORKED;
    wrong += gw_server_push(use.server, 0, "a", NULL, 0) != GW_ERR_FORKED;
    wrong += gw_server_reply(use.server, 1, NULL, 0, 1) != GW_ERR_FORKED;
    wrong += gw_server_reject(use.server, 1, "A", "b", NULL, 0, 0) != GW_ERR_FORKED;
    wrong += gw_server_disconnect(use.server, 1, 0, NULL) != GW_ERR_FORKED;
    wrong += gw_server_stop(use.server, NULL) != GW_ERR_FORKED;
    gw_client_free(use.client);
    gw_server_free(use.server);
    gw_context_free(use.host.context);
    /* A context of the child's own works. */
    wrong += !use_once();
    _exit(wrong);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(use_call(&use));
  use_close(&use);
}

static void memory_stays_flat(void) {
  if (getenv("GATEWIRE_TEST_NO_MEMORY") != NULL) return; /* under sanitizers and valgrind the allocator is another */
  use use;
  REQUIRE(use_open(&use));
  gw_slice url, pin;
  char url_text[128], pin_text[80];
  const char *pins[] = {pin_text};
  kept_event event;
  gw_server_get_text(use.server, GW_SERVER_URL, &url);
  gw_server_get_text(use.server, GW_SERVER_CERTIFICATE_PIN, &pin);
  snprintf(url_text, sizeof url_text, "%.*s", (int)url.len, (const char *)url.ptr);
  snprintf(pin_text, sizeof pin_text, "%.*s", (int)pin.len, (const char *)pin.ptr);
  gw_client_options options = host_client_options(url_text);
  options.pins = pins;
  options.pin_count = 1;
  size_t after_some = 0;
  for (int round = 0; round < 250; ++round) {
    gw_client *client = NULL;
    REQUIRE_STATUS(gw_client_open(use.host.context, &options, &client), GW_OK);
    REQUIRE(host_wait(&use.host, GW_EVENT_CLIENT_CONNECTED, gw_client_id(client), &event));
    gw_client_close(client, 0, NULL);
    REQUIRE(host_wait(&use.host, GW_EVENT_CLIENT_CLOSED, gw_client_id(client), &event));
    gw_client_free(client);
    if (round == 49) after_some = mallinfo2().uordblks;
  }
  size_t after_all = mallinfo2().uordblks;
  /* The allocator keeps freed pieces for a while, about 100 KiB here; one forgotten connection in each round would be
   * megabytes.  Small leaks are the address sanitizer's to find. */
  if (after_all > after_some + 262144) printf("# %zu bytes more after 200 connections\n", after_all - after_some);
  CHECK(after_all <= after_some + 262144);
  use_close(&use);
}

static void a_context_can_be_left_behind(void) {
  static use left;
  REQUIRE(use_open(&left));
  /* Never freed: the end of the program must not mind. */
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("no signal handler is installed", no_signal_handler);
  RUN("the signal mask is left alone", no_signal_mask);
  RUN("no SIGPIPE", no_sigpipe);
  RUN("no output", no_output);
  RUN("no thread unless asked for, none left", no_thread_unless_asked_for);
  RUN("the guardian sleeps while the host polls", the_guardian_sleeps_while_the_host_polls);
  RUN("every descriptor is close-on-exec", descriptors_are_closed_on_exec);
  RUN("no descriptor is left", nothing_stays_open);
  RUN("a forked child gets GW_ERR_FORKED, its parent goes on", a_forked_child_is_told);
  RUN("memory stays flat over 200 connections", memory_stays_flat);
  RUN("a context may be left behind at exit", a_context_can_be_left_behind);
  return test_finish();
}
