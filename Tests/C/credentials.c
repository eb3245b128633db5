/* What a gateway client proves itself with, and what it does when it is refused: credentials that the host is asked for, device
 * tokens that are kept in a file, pauses.  argv[2] is not used. */
#define _GNU_SOURCE
#include "host.h"
#include "peer.h"
#include "test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the gateway answers to its nth connect request: the inside of the response, and of the last one for all that follow. */
static const char *const *answers;
static atomic_int connection;
/* The connect requests, in their order. */
static char requests[8][8192];

#define REFUSED(code) \
  "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"no\",\"details\":{\"code\":\"" code "\"," \
  "\"requestId\":\"r-1\"}}"
#define HELLO(auth) \
  "\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"protocol\":4,\"server\":{\"version\":\"1\",\"connId\":\"c\"}," \
  "\"auth\":{\"role\":\"operator\",\"scopes\":[\"operator.read\"]" auth "}," \
  "\"policy\":{\"maxPayload\":26214400,\"maxBufferedBytes\":52428800,\"tickIntervalMs\":30000}}"

static void script(peer *peer) {
  char id[64], reply[2048];
  int number = atomic_fetch_add(&connection, 1);
  if (number > 7 || !peer_upgrade(peer) || !peer_challenge(peer)) return;
  if (!peer_read_json(peer, requests[number], sizeof requests[number])) return;
  if (!peer_request_id(requests[number], id, sizeof id)) return;
  const char *answer = answers[0];
  for (int at = 0; at < number && answers[at + 1] != NULL; ++at) answer = answers[at + 1];
  snprintf(reply, sizeof reply, "{\"type\":\"res\",\"id\":\"%s\",%s}", id, answer);
  peer_send_json(peer, reply);
  peer_wait_end(peer);
}

typedef struct scene {
  host host;
  peer_server *server;
  gw_client *client;
  gw_client_options options;
  char directory[64], identity[96], tokens[96];
} scene;

/* A gateway that serves so many connections and answers as told; the options of a client for it. */
static bool scene_open(scene *scene, const char *const *told, int connections) {
  memset(scene, 0, sizeof *scene);
  memset(requests, 0, sizeof requests);
  answers = told;
  atomic_store(&connection, 0);
  strcpy(scene->directory, "/tmp/gatewire-tokens-XXXXXX");
  if (mkdtemp(scene->directory) == NULL || !host_open(&scene->host)) return false;
  snprintf(scene->identity, sizeof scene->identity, "%s/own/device.json", scene->directory);
  snprintf(scene->tokens, sizeof scene->tokens, "%s/own/tokens.json", scene->directory);
  scene->server = peer_listen(script, NULL, connections);
  scene->options = host_client_options(peer_url(scene->server));
  scene->options.flags &= ~(uint32_t)GW_CLIENT_NO_RECONNECT;
  scene->options.reconnect_initial_ms = 10;
  scene->options.reconnect_max_ms = 20;
  scene->options.token = NULL;
  return true;
}

static bool connects(scene *scene) {
  gw_client_free(scene->client);
  scene->client = NULL;
  return gw_client_open(scene->host.context, &scene->options, &scene->client) == GW_OK;
}

static bool waits(scene *scene, uint32_t type, kept_event *event) {
  return host_wait(&scene->host, type, gw_client_id(scene->client), event);
}

static void scene_close(scene *scene) {
  char command[128];
  gw_client_free(scene->client);
  host_close(&scene->host);
  peer_join(scene->server);
  snprintf(command, sizeof command, "rm -rf '%s'", scene->directory);
  CHECK(system(command) == 0);
}

/* What a file holds, empty if there is none. */
static const char *content(const char *path) {
  static char text[4096];
  FILE *file = fopen(path, "r");
  size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[size] = 0;
  return text;
}

static unsigned mode_of(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 ? status.st_mode & 07777 : 0;
}

static uint32_t phase(const scene *scene) {
  gw_client_state state = {.struct_size = sizeof state};
  return gw_client_get_state(scene->client, &state) == GW_OK ? state.phase : 99;
}

static void sleep_until(const scene *scene, uint32_t wanted) {
  int64_t end = host_now() + HOST_DEADLINE_MS;
  while (phase(scene) != wanted && host_now() < end) usleep(1000);
}

/* --- what follows a refusal --- */

static void a_pause_keeps_the_client(void) {
  static const char *const told[] = {REFUSED("AUTH_TOKEN_MISMATCH"), REFUSED("PAIRING_REQUIRED"), HELLO(""), NULL};
  scene scene;
  kept_event event;
  gw_credentials credentials;
  REQUIRE(scene_open(&scene, told, 3));
  scene.options.flags |= GW_CLIENT_PAUSE;
  scene.options.token = "old";
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
  CHECK(event.event.flags == GW_EVENT_PAUSED && event.event.retry_after_ms == 0 && event.event.connection == 0);
  CHECK(event.event.status == GW_ERR_CONNECT_REJECTED && event.event.actor == GW_ACTOR_USER);
  CHECK(slice_is(event.event.name, "AUTH_TOKEN_MISMATCH") && phase(&scene) == GW_PHASE_PAUSED);
  CHECK(!host_next(&scene.host, 100, &event));

  gw_credentials_init(&credentials);
  credentials.token = "new";
  CHECK_STATUS(gw_client_set_credentials(scene.client, &credentials), GW_OK);
  CHECK_STATUS(gw_client_resume(scene.client), GW_OK);
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
  CHECK((event.event.flags & GW_EVENT_PAUSED) && slice_is(event.event.name, "PAIRING_REQUIRED"));
  CHECK(slice_has(event.event.text, "r-1") && slice_has(event.event.payload, "\"requestId\":\"r-1\""));
  CHECK(strstr(requests[0], "\"auth\":{\"token\":\"old\"}") && strstr(requests[1], "\"auth\":{\"token\":\"new\"}"));

  CHECK_STATUS(gw_context_network_changed(scene.host.context), GW_OK);
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK_STATUS(gw_client_resume(scene.client), GW_ERR_STATE);
  scene_close(&scene);
}

static void a_paused_client_can_be_closed(void) {
  static const char *const told[] = {REFUSED("AUTH_REQUIRED"), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 1));
  scene.options.flags |= GW_CLIENT_PAUSE;
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
  CHECK_STATUS(gw_client_close(scene.client, 0, NULL), GW_OK);
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CLOSED, &event));
  CHECK(event.event.status == GW_OK);
  CHECK_STATUS(gw_client_resume(scene.client), GW_ERR_GONE);
  scene_close(&scene);
}

static void without_the_flag_a_pause_is_the_end(void) {
  static const char *const told[] = {REFUSED("AUTH_UNAUTHORIZED"), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 3));
  REQUIRE(connects(&scene));
  for (int refusal = 1; refusal < 3; ++refusal) {
    REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
    CHECK(event.event.flags == GW_EVENT_RETRYABLE);
  }
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CLOSED, &event));
  CHECK(slice_is(event.event.name, "AUTH_UNAUTHORIZED") && !(event.event.flags & GW_EVENT_RETRYABLE));
  scene_close(&scene);
}

/* --- asking the host --- */

static void the_host_is_asked_at_each_attempt(void) {
  static const char *const told[] = {REFUSED("AUTH_TAILSCALE_WHOIS_FAILED"), HELLO(""), NULL};
  scene scene;
  kept_event event;
  gw_credentials credentials;
  REQUIRE(scene_open(&scene, told, 2));
  scene.options.flags |= GW_CLIENT_ASK_CREDENTIALS;
  scene.options.token = "static";
  REQUIRE(connects(&scene));
  gw_credentials_init(&credentials);
  uint64_t last = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    char token[] = "asked-0";
    token[6] = (char)('0' + attempt);
    credentials.token = token;
    REQUIRE(waits(&scene, GW_EVENT_CREDENTIALS_REQUEST, &event));
    CHECK(phase(&scene) == GW_PHASE_CHALLENGE && event.event.subject != last);
    if (last) CHECK_STATUS(gw_client_answer_credentials(scene.client, last, &credentials), GW_ERR_GONE);
    last = event.event.subject;
    CHECK_STATUS(gw_client_answer_credentials(scene.client, last, &credentials), GW_OK);
    CHECK_STATUS(gw_client_answer_credentials(scene.client, last, &credentials), GW_ERR_GONE);
  }
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK(strstr(requests[0], "\"token\":\"asked-0\"") && strstr(requests[1], "\"token\":\"asked-1\""));
  scene_close(&scene);
}

static void no_answer_ends_the_attempt(void) {
  static const char *const told[] = {HELLO(""), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 3));
  scene.options.flags |= GW_CLIENT_ASK_CREDENTIALS;
  scene.options.credentials_timeout_ms = 50;
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CREDENTIALS_REQUEST, &event));
  uint64_t question = event.event.subject;
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
  CHECK(event.event.status == GW_ERR_CREDENTIALS && slice_has(event.event.text, "50 ms"));
  CHECK_STATUS(gw_client_answer_credentials(scene.client, question, NULL), GW_ERR_GONE);
  /* The next one: there are none to give. */
  REQUIRE(waits(&scene, GW_EVENT_CREDENTIALS_REQUEST, &event));
  CHECK_STATUS(gw_client_answer_credentials(scene.client, event.event.subject, NULL), GW_OK);
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
  CHECK(event.event.status == GW_ERR_CREDENTIALS && (event.event.flags & GW_EVENT_RETRYABLE));
  CHECK(strstr(requests[0], "connect") == NULL);
  gw_client_free(scene.client);
  scene.client = NULL;
  scene_close(&scene);
}

static void a_doctor_asks_nobody(void) {
  static const char *const told[] = {HELLO(""), NULL};
  scene scene;
  uint64_t doctor;
  REQUIRE(scene_open(&scene, told, 0));
  scene.options.flags |= GW_CLIENT_ASK_CREDENTIALS;
  CHECK_STATUS(gw_doctor_start(scene.host.context, &scene.options, 0, &doctor), GW_ERR_ARGUMENT);
  scene_close(&scene);
}

/* --- device tokens --- */

static void issued_tokens_are_kept(void) {
  static const char *const told[] = {
      HELLO(",\"deviceToken\":\"canary-1\",\"deviceTokens\":[{\"deviceToken\":\"canary-2\",\"role\":\"node\",\"scopes\":[]}]"),
      HELLO(""), REFUSED("AUTH_DEVICE_TOKEN_MISMATCH"), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 3));
  scene.options.identity_file = scene.identity;
  scene.options.token_file = scene.tokens;
  scene.options.bootstrap_token = "once";
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK(!slice_has(event.event.payload, "canary") && slice_has(event.event.payload, "\"deviceToken\":null"));
  CHECK(strstr(requests[0], "\"auth\":{\"bootstrapToken\":\"once\"}") != NULL);
  CHECK(strstr(requests[0], "\"scopes\":[\"operator.read\",\"operator.write\"]") != NULL);
  CHECK(mode_of(scene.tokens) == 0600 && strstr(content(scene.tokens), "canary-2") != NULL);
  *strrchr(scene.identity, '/') = 0;
  CHECK(mode_of(scene.identity) == 0700);
  scene.identity[strlen(scene.identity)] = '/';

  /* Another client finds it, with the scopes that were granted. */
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK(strstr(requests[1], "\"auth\":{\"deviceToken\":\"canary-1\"}") != NULL);
  CHECK(strstr(requests[1], "\"scopes\":[\"operator.read\"]") != NULL);

  /* A gateway that refuses it ends its use, and that of no other. */
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CLOSED, &event));
  CHECK(strstr(content(scene.tokens), "canary-1") == NULL && strstr(content(scene.tokens), "canary-2") != NULL);
  scene_close(&scene);
}

static void a_refused_token_is_followed_by_the_stored_one_once(void) {
  static const char *const told[] = {HELLO(",\"deviceToken\":\"canary\""), REFUSED("AUTH_TOKEN_MISMATCH"), HELLO(""),
                                     REFUSED("AUTH_TOKEN_MISMATCH"), REFUSED("AUTH_TOKEN_MISMATCH"), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 5));
  scene.options.identity_file = scene.identity;
  scene.options.token_file = scene.tokens;
  scene.options.token = "shared";
  for (int client = 0; client < 3; ++client) {
    REQUIRE(connects(&scene));
    if (client > 0) REQUIRE(waits(&scene, GW_EVENT_CLIENT_DISCONNECTED, &event));
    REQUIRE(waits(&scene, client < 2 ? GW_EVENT_CLIENT_CONNECTED : GW_EVENT_CLIENT_CLOSED, &event));
  }
  CHECK(strstr(requests[1], "\"auth\":{\"token\":\"shared\"}") != NULL);
  CHECK(strstr(requests[2], "\"auth\":{\"token\":\"shared\",\"deviceToken\":\"canary\"}") != NULL);
  CHECK(strstr(requests[3], "deviceToken") == NULL && strstr(requests[4], "\"deviceToken\":\"canary\"") != NULL);
  CHECK(slice_is(event.event.name, "AUTH_TOKEN_MISMATCH"));
  scene_close(&scene);
}

static void tokens_live_as_long_as_a_client_without_a_file(void) {
  static const char *const told[] = {HELLO(",\"deviceToken\":\"canary\""), HELLO(""), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 2));
  scene.options.ping_interval_ms = 20;
  scene.options.pong_timeout_ms = 20; /* the gateway answers none, and so is lost */
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event) && waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK(strstr(requests[1], "\"auth\":{\"deviceToken\":\"canary\"}") != NULL);
  scene_close(&scene);
}

static void what_cannot_be_stored_is_told(void) {
  static const char *const told[] = {HELLO(",\"deviceToken\":\"canary\""), NULL};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 1));
  scene.options.identity_file = scene.identity;
  scene.options.token_file = scene.tokens;
  REQUIRE(connects(&scene));
  CHECK(mkdir(scene.tokens, 0700) == 0);
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event) && waits(&scene, GW_EVENT_CLIENT_WARNING, &event));
  CHECK(event.event.status == GW_ERR_IDENTITY && slice_is(event.event.name, "token_file"));
  CHECK(slice_has(event.event.text, scene.tokens) && !slice_has(event.event.text, "canary"));
  CHECK(phase(&scene) == GW_PHASE_READY);
  scene_close(&scene);
}

static void refuses(scene *scene, gw_status wanted, const char *said) {
  gw_error error = {.struct_size = sizeof error};
  gw_client *client = NULL;
  CHECK_STATUS(gw_client_open(scene->host.context, &scene->options, &client), wanted);
  CHECK_STATUS(gw_context_last_error(scene->host.context, &error), GW_OK);
  if (!slice_has(error.text, said)) printf("# said: %.*s\n", (int)error.text.len, (const char *)error.text.ptr);
  CHECK(slice_has(error.text, said));
  gw_client_free(client);
}

static void places_that_are_not_ours_are_refused(void) {
  static const char *const told[] = {HELLO(""), NULL};
  scene scene;
  char path[160], other[320];
  REQUIRE(scene_open(&scene, told, 0));
  scene.options.token_file = scene.tokens;
  refuses(&scene, GW_ERR_ARGUMENT, "identity_file");

  /* OpenClaw's own directory, also behind a link and before it is made; reading an identity there is allowed, making one is not. */
  snprintf(path, sizeof path, "%s/state", scene.directory);
  CHECK(setenv("OPENCLAW_STATE_DIR", path, 1) == 0);
  scene.options.identity_file = scene.identity;
  snprintf(path, sizeof path, "%s/state/identity/device-auth.json", scene.directory);
  scene.options.token_file = path;
  refuses(&scene, GW_ERR_ARGUMENT, "OpenClaw");
  snprintf(other, sizeof other, "%s/state", scene.directory);
  CHECK(mkdir(other, 0700) == 0);
  snprintf(path, sizeof path, "%s/link", scene.directory);
  CHECK(symlink("state", path) == 0);
  strcat(path, "/tokens.json");
  refuses(&scene, GW_ERR_ARGUMENT, "OpenClaw");
  scene.options.token_file = NULL;
  snprintf(path, sizeof path, "%s/state/device.json", scene.directory);
  scene.options.identity_file = path;
  refuses(&scene, GW_ERR_IDENTITY, "OpenClaw");
  snprintf(other, sizeof other, "cp '%s' '%s'", scene.identity, path);
  CHECK(system(other) == 0);
  gw_client *client = NULL;
  CHECK_STATUS(gw_client_open(scene.host.context, &scene.options, &client), GW_OK);
  gw_client_free(client);
  unsetenv("OPENCLAW_STATE_DIR");

  /* A file of another kind. */
  scene.options.identity_file = scene.identity;
  scene.options.token_file = scene.identity;
  refuses(&scene, GW_ERR_IDENTITY, "token file");
  CHECK(strstr(content(scene.identity), "privateKeyPem") != NULL);
  scene_close(&scene);
}

/* --- the connect request --- */

static void all_that_a_client_says_of_itself(void) {
  static const char *const told[] = {HELLO(""), NULL};
  static const char *const commands[] = {"system.run", "camera.snap"};
  static const gw_permission permissions[] = {{.name = "camera", .granted = 1}, {.name = "screen \"x\""}};
  scene scene;
  kept_event event;
  REQUIRE(scene_open(&scene, told, 1));
  scene.options.flags |= GW_CLIENT_NEW_PARAMS | GW_CLIENT_ANY_NAMES;
  scene.options.client_id = "of-tomorrow";
  scene.options.role = "node";
  scene.options.model_identifier = "M1";
  scene.options.build_id = "b7";
  scene.options.time_zone = "Europe/Vienna";
  scene.options.commands = commands;
  scene.options.command_count = 2;
  scene.options.permissions = permissions;
  scene.options.permission_count = 2;
  scene.options.path_env = "/bin";
  scene.options.extra_params = " {\"computerUse\": {\"a\":[1]}} ";
  scene.options.password = "P";
  scene.options.approval_runtime_token = "A";
  scene.options.agent_identity_token = "I";
  scene.options.signature_version = 2;
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  static const char *const wanted[] = {
      "\"id\":\"of-tomorrow\"", "\"role\":\"node\"", "\"modelIdentifier\":\"M1\"", "\"buildId\":\"b7\"",
      "\"timeZone\":\"Europe/Vienna\"", "\"commands\":[\"system.run\",\"camera.snap\"]",
      "\"permissions\":{\"camera\":true,\"screen \\\"x\\\"\":false}", "\"pathEnv\":\"/bin\"",
      ",\"computerUse\": {\"a\":[1]},",
      "\"auth\":{\"password\":\"P\",\"approvalRuntimeToken\":\"A\",\"agentRuntimeIdentityToken\":\"I\"}"};
  for (size_t at = 0; at < sizeof wanted / sizeof *wanted; ++at) {
    if (strstr(requests[0], wanted[at]) == NULL) printf("# missing: %s\n", wanted[at]);
    CHECK(strstr(requests[0], wanted[at]) != NULL);
  }
  scene_close(&scene);
}

static void what_gateways_would_refuse_is_refused_here(void) {
  static const char *const told[] = {HELLO(""), NULL};
  static const char *const scopes[] = {"operator.read", "operator.everything"};
  scene scene;
  REQUIRE(scene_open(&scene, told, 0));
  gw_client_options plain = scene.options;
  scene.options.role = "root";
  refuses(&scene, GW_ERR_ARGUMENT, "node");
  scene.options = plain;
  scene.options.scopes = scopes;
  scene.options.scope_count = 2;
  refuses(&scene, GW_ERR_ARGUMENT, "operator.everything");
  scene.options = plain;
  scene.options.time_zone = "UTC";
  refuses(&scene, GW_ERR_ARGUMENT, "GW_CLIENT_NEW_PARAMS");
  scene.options.min_protocol = 4;
  refuses(&scene, GW_ERR_ARGUMENT, "time_zone");
  scene.options = plain;
  scene.options.approval_runtime_token = "A";
  refuses(&scene, GW_ERR_ARGUMENT, "min_protocol");
  scene.options = plain;
  scene.options.signature_version = 4;
  refuses(&scene, GW_ERR_ARGUMENT, "signature_version");
  scene.options = plain;
  scene.options.flags |= GW_CLIENT_NEW_PARAMS;
  scene.options.extra_params = "[1]";
  refuses(&scene, GW_ERR_JSON_TEXT, "object");
  scene.options.extra_params = "{\"a\":}";
  refuses(&scene, GW_ERR_JSON_TEXT, "extra_params");
  scene.options = plain;
  scene.options.permission_count = 1;
  refuses(&scene, GW_ERR_ARGUMENT, "permissions");
  scene_close(&scene);
}

static void arguments_are_checked(void) {
  static const char *const told[] = {HELLO(""), NULL};
  scene scene;
  kept_event event;
  gw_credentials credentials;
  gw_credentials_init(NULL);
  gw_credentials_init(&credentials);
  CHECK(credentials.struct_size == sizeof credentials && credentials.token == NULL);
  CHECK_STATUS(gw_client_set_credentials(NULL, &credentials), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_answer_credentials(NULL, 1, &credentials), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_client_resume(NULL), GW_ERR_ARGUMENT);
  REQUIRE(scene_open(&scene, told, 1));
  REQUIRE(connects(&scene));
  REQUIRE(waits(&scene, GW_EVENT_CLIENT_CONNECTED, &event));
  CHECK_STATUS(gw_client_set_credentials(scene.client, NULL), GW_ERR_ARGUMENT);
  credentials.token = "";
  CHECK_STATUS(gw_client_set_credentials(scene.client, &credentials), GW_ERR_ARGUMENT);
  credentials.struct_size = 4;
  CHECK_STATUS(gw_client_set_credentials(scene.client, &credentials), GW_ERR_STRUCT_SIZE);
  CHECK_STATUS(gw_client_answer_credentials(scene.client, 1, NULL), GW_ERR_GONE);
  sleep_until(&scene, GW_PHASE_READY);
  CHECK_STATUS(gw_client_resume(scene.client), GW_ERR_STATE);
  scene_close(&scene);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("a pause keeps the client until it is resumed", a_pause_keeps_the_client);
  RUN("a paused client can be closed", a_paused_client_can_be_closed);
  RUN("without the flag a pause is the end, after the refusals that are worth a retry", without_the_flag_a_pause_is_the_end);
  RUN("the host is asked for credentials at each attempt", the_host_is_asked_at_each_attempt);
  RUN("no answer in time, or none to give, ends the attempt", no_answer_ends_the_attempt);
  RUN("a doctor asks nobody", a_doctor_asks_nobody);
  RUN("issued device tokens are kept in a private file, and removed when refused", issued_tokens_are_kept);
  RUN("a refused token is followed by the stored one, once", a_refused_token_is_followed_by_the_stored_one_once);
  RUN("without a file issued tokens live as long as the client", tokens_live_as_long_as_a_client_without_a_file);
  RUN("a token that cannot be stored is told", what_cannot_be_stored_is_told);
  RUN("places and files that are not ours are refused and left alone", places_that_are_not_ours_are_refused);
  RUN("all that a client can say of itself is sent", all_that_a_client_says_of_itself);
  RUN("what gateways would refuse is refused here", what_gateways_would_refuse_is_refused_here);
  RUN("arguments are checked", arguments_are_checked);
  return test_finish();
}
