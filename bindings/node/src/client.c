/* Clients: one function for each of the header's. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_client_options, member), 0}
#define OPTION_LIST(name, kind, member, count) \
  {name, kind, offsetof(gw_client_options, member), offsetof(gw_client_options, count)}

static const struct option options[] = {
    /* First: client_set_pins reads it alone. */
    OPTION_LIST("pins", OPTION_TEXTS, pins, pin_count),
    OPTION_LIST("alternates", OPTION_TEXTS, alternates, alternate_count),
    OPTION("caFile", OPTION_TEXT, ca_file),
    OPTION("serverName", OPTION_TEXT, server_name),
    OPTION("token", OPTION_TEXT, token),
    OPTION("bootstrapToken", OPTION_TEXT, bootstrap_token),
    OPTION("deviceToken", OPTION_TEXT, device_token),
    OPTION("password", OPTION_TEXT, password),
    OPTION("approvalRuntimeToken", OPTION_TEXT, approval_runtime_token),
    OPTION("agentIdentityToken", OPTION_TEXT, agent_identity_token),
    OPTION("identityFile", OPTION_TEXT, identity_file),
    OPTION("tokenFile", OPTION_TEXT, token_file),
    OPTION("clientId", OPTION_TEXT, client_id),
    OPTION("clientMode", OPTION_TEXT, client_mode),
    OPTION("clientVersion", OPTION_TEXT, client_version),
    OPTION("displayName", OPTION_TEXT, display_name),
    OPTION("platform", OPTION_TEXT, platform),
    OPTION("deviceFamily", OPTION_TEXT, device_family),
    OPTION("modelIdentifier", OPTION_TEXT, model_identifier),
    OPTION("buildId", OPTION_TEXT, build_id),
    OPTION("timeZone", OPTION_TEXT, time_zone),
    OPTION("instanceId", OPTION_TEXT, instance_id),
    OPTION("role", OPTION_TEXT, role),
    OPTION_LIST("scopes", OPTION_TEXTS, scopes, scope_count),
    OPTION_LIST("caps", OPTION_TEXTS, caps, cap_count),
    OPTION_LIST("commands", OPTION_TEXTS, commands, command_count),
    OPTION_LIST("permissions", OPTION_PERMISSIONS, permissions, permission_count),
    OPTION("pathEnv", OPTION_TEXT, path_env),
    OPTION("extraParams", OPTION_TEXT, extra_params),
    OPTION("locale", OPTION_TEXT, locale),
    OPTION("userAgent", OPTION_TEXT, user_agent),
    OPTION_LIST("headers", OPTION_HEADERS, headers, header_count),
    OPTION("minProtocol", OPTION_COUNT, min_protocol),
    OPTION("maxProtocol", OPTION_COUNT, max_protocol),
    OPTION("connectTimeoutMs", OPTION_TIME, connect_timeout_ms),
    OPTION("tlsTimeoutMs", OPTION_TIME, tls_timeout_ms),
    OPTION("upgradeTimeoutMs", OPTION_TIME, upgrade_timeout_ms),
    OPTION("challengeTimeoutMs", OPTION_TIME, challenge_timeout_ms),
    OPTION("credentialsTimeoutMs", OPTION_TIME, credentials_timeout_ms),
    OPTION("helloTimeoutMs", OPTION_TIME, hello_timeout_ms),
    OPTION("closeTimeoutMs", OPTION_TIME, close_timeout_ms),
    OPTION("callTimeoutMs", OPTION_TIME, call_timeout_ms),
    OPTION("pingIntervalMs", OPTION_TIME, ping_interval_ms),
    OPTION("pongTimeoutMs", OPTION_TIME, pong_timeout_ms),
    OPTION("reconnectInitialMs", OPTION_TIME, reconnect_initial_ms),
    OPTION("reconnectMaxMs", OPTION_TIME, reconnect_max_ms),
    OPTION("maxMessageBytes", OPTION_COUNT, max_message_bytes),
    OPTION("maxQueuedBytes", OPTION_COUNT, max_queued_bytes),
    OPTION("maxCalls", OPTION_COUNT, max_calls),
    OPTION("deflateThresholdBytes", OPTION_COUNT, deflate_threshold_bytes),
    OPTION("signatureVersion", OPTION_COUNT, signature_version),
};
enum { OPTION_COUNT_CLIENT = sizeof options / sizeof options[0] };

napi_value client_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_CLIENT); }

/* Opens a client whose events carry its place in the table. */
static napi_value open_at_place(struct addon *addon, gw_client_options *settings) {
  uint32_t place = 0;
  gw_client *client = NULL;
  gw_status status = open_begin(addon, &place);
  if (status != GW_OK) return make_i32(addon->env, status);
  settings->user_data = (void *)(uintptr_t)place;
  status = gw_client_open(addon->context, settings, &client);
  return open_end(addon, place, HANDLE_CLIENT, client, status);
}

bool read_client_options(struct addon *addon, const napi_value arguments[3], gw_client_options *settings,
                         struct client_parts *parts, struct option_memory *memory) {
  napi_env env = addon->env;
  size_t length = 0;
  gw_client_options_init(settings);
  if (!read_text(env, arguments[0], &addon->text, &length)) return false;
  if (!read_u32(env, arguments[1], &settings->flags)) return false;
  settings->url = addon->text.bytes;
  return read_options(env, arguments[2], options, OPTION_COUNT_CLIENT, settings, memory) &&
         read_route(env, arguments[2], &parts->route, memory, &settings->route) &&
         read_trust(env, arguments[2], &parts->trust, memory, &settings->trust) &&
         read_observe(env, arguments[2], &parts->observe, memory, &settings->observe) &&
         read_call_parts(env, arguments[2], settings, parts, memory);
}

/* (url, flags, options) -> place, or a negative status */
static napi_value client_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  gw_client_options settings;
  struct client_parts parts;
  struct option_memory memory = {NULL};
  if (addon == NULL) return NULL;
  bool is_read = read_client_options(addon, arguments, &settings, &parts, &memory);
  napi_value result = is_read ? open_at_place(addon, &settings) : NULL;
  option_memory_free(&memory);
  return result;
}

/* (place, code, reason) -> status */
static napi_value client_close(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t length = 0;
  uint32_t code;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_u32(env, arguments[1], &code)) return NULL;
  if (!read_text(env, arguments[2], &addon->text, &length)) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_client_close(client, code, addon->text.bytes);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, { pins }) -> status */
static napi_value client_set_pins(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);

  struct option_memory memory = {NULL};
  gw_client_options settings;
  gw_client_options_init(&settings);
  napi_value result = NULL;
  if (read_options(env, arguments[1], options, 1, &settings, &memory)) {
    result = make_i32(env, gw_client_set_pins(client, settings.pins, settings.pin_count));
  }
  option_memory_free(&memory);
  return result;
}

#define CREDENTIAL(name, member) {name, OPTION_TEXT, offsetof(gw_credentials, member), 0}

static const struct option credential_options[] = {
    CREDENTIAL("token", token),
    CREDENTIAL("bootstrapToken", bootstrap_token),
    CREDENTIAL("deviceToken", device_token),
    CREDENTIAL("password", password),
    CREDENTIAL("approvalRuntimeToken", approval_runtime_token),
    CREDENTIAL("agentIdentityToken", agent_identity_token),
};
enum { OPTION_COUNT_CREDENTIALS = sizeof credential_options / sizeof credential_options[0] };

napi_value credentials_describe(napi_env env) {
  return describe_options(env, credential_options, OPTION_COUNT_CREDENTIALS);
}

/* (place, credentials) -> status */
static napi_value client_set_credentials(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result = NULL;
  gw_credentials credentials;
  struct option_memory memory = {NULL};
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  gw_credentials_init(&credentials);
  if (read_options(env, arguments[1], credential_options, OPTION_COUNT_CREDENTIALS, &credentials, &memory)) {
    result = make_i32(env, gw_client_set_credentials(client, &credentials));
  }
  option_memory_free(&memory);
  return result;
}

/* (place, low, high, credentials or undefined) -> status */
static napi_value client_answer_credentials(napi_env env, napi_callback_info info) {
  napi_value arguments[4], result = NULL;
  uint64_t question;
  gw_credentials credentials;
  struct option_memory memory = {NULL};
  napi_valuetype type;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &question)) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  if (napi_typeof(env, arguments[3], &type) != napi_ok) return NULL;
  gw_credentials_init(&credentials);
  if (type == napi_undefined) {
    result = make_i32(env, gw_client_answer_credentials(client, question, NULL));
  } else if (read_options(env, arguments[3], credential_options, OPTION_COUNT_CREDENTIALS, &credentials, &memory)) {
    result = make_i32(env, gw_client_answer_credentials(client, question, &credentials));
  }
  option_memory_free(&memory);
  context_unsent(addon);
  return result;
}

/* (place) -> status */
static napi_value client_resume(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, argument);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  return make_i32(env, gw_client_resume(client));
}

/* (place) -> object, or a status */
static napi_value client_state(napi_env env, napi_callback_info info) {
  napi_value argument, object;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, argument);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);

  gw_client_state state = {.struct_size = sizeof state};
  gw_status status = gw_client_get_state(client, &state);
  if (status != GW_OK || napi_create_object(env, &object) != napi_ok) return make_i32(env, status);
  set_number(env, object, "phase", state.phase);
  set_number(env, object, "protocol", state.protocol);
  set_number(env, object, "nextAttemptMs", state.next_attempt_ms);
  set_number(env, object, "connections", (double)state.connections);
  set_number(env, object, "attempts", (double)state.attempts);
  set_number(env, object, "callsInFlight", (double)state.calls_in_flight);
  set_number(env, object, "queuedBytes", (double)state.queued_bytes);
  set_number(env, object, "roundTripMs", (double)state.round_trip_us / 1000.0);
  set_number(env, object, "deflate", state.deflate);
  set_number(env, object, "tls", state.tls);
  set_number(env, object, "resolveMs", (double)state.resolve_us / 1000.0);
  set_number(env, object, "connectMs", (double)state.connect_us / 1000.0);
  set_number(env, object, "proxyMs", (double)state.proxy_us / 1000.0);
  set_number(env, object, "tlsMs", (double)state.tls_us / 1000.0);
  set_number(env, object, "upgradeMs", (double)state.upgrade_us / 1000.0);
  set_number(env, object, "challengeMs", (double)state.challenge_us / 1000.0);
  set_number(env, object, "helloMs", (double)state.hello_us / 1000.0);
  set_number(env, object, "endpoint", state.endpoint);
  return object;
}

const napi_property_descriptor client_functions[] = {
    FUNCTION("clientOpen", client_open),
    FUNCTION("clientClose", client_close),   FUNCTION("clientState", client_state),
    FUNCTION("clientSetPins", client_set_pins),
    FUNCTION("clientSetCredentials", client_set_credentials),
    FUNCTION("clientAnswerCredentials", client_answer_credentials),
    FUNCTION("clientResume", client_resume),
};
const size_t client_function_count = sizeof client_functions / sizeof client_functions[0];
