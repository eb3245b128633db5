/* Embedded gateways: one function for each of the header's. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_server_options, member), 0}
#define OPTION_LIST(name, kind, member, count) \
  {name, kind, offsetof(gw_server_options, member), offsetof(gw_server_options, count)}

static const struct option options[] = {
    OPTION("address", OPTION_TEXT, address),
    OPTION("certificateFile", OPTION_TEXT, certificate_file),
    OPTION("keyFile", OPTION_TEXT, key_file),
    OPTION("keyPassphrase", OPTION_TEXT, key_passphrase),
    OPTION("clientCaFile", OPTION_TEXT, client_ca_file),
    OPTION_LIST("names", OPTION_TEXTS, names, name_count),
    OPTION("token", OPTION_TEXT, token),
    OPTION("password", OPTION_TEXT, password),
    OPTION("version", OPTION_TEXT, version),
    OPTION("port", OPTION_PORT, port),
    OPTION("protocol", OPTION_COUNT, protocol),
    OPTION("tickIntervalMs", OPTION_TIME, tick_interval_ms),
    OPTION("handshakeTimeoutMs", OPTION_TIME, handshake_timeout_ms),
    OPTION("closeTimeoutMs", OPTION_TIME, close_timeout_ms),
    OPTION("requestTimeoutMs", OPTION_TIME, request_timeout_ms),
    OPTION("pingIntervalMs", OPTION_TIME, ping_interval_ms),
    OPTION("pongTimeoutMs", OPTION_TIME, pong_timeout_ms),
    OPTION("maxConnections", OPTION_COUNT, max_connections),
    OPTION("maxMessageBytes", OPTION_COUNT, max_message_bytes),
    OPTION("maxQueuedBytes", OPTION_COUNT, max_queued_bytes),
    OPTION("maxRequests", OPTION_COUNT, max_requests),
    OPTION("deflateThresholdBytes", OPTION_COUNT, deflate_threshold_bytes),
    OPTION("dialect", OPTION_COUNT, dialect),
};
enum { OPTION_COUNT_SERVER = sizeof options / sizeof options[0] };

/* (place) -> status */
static napi_value server_reload(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_server *server = handle_at(addon, HANDLE_SERVER, argument);
  return make_i32(env, server == NULL ? GW_ERR_GONE : gw_server_reload_certificate(server));
}

napi_value server_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_SERVER); }

/* Opens a server whose events carry its place in the table. */
static napi_value open_at_place(struct addon *addon, gw_server_options *settings) {
  uint32_t place = 0;
  gw_server *server = NULL;
  gw_status status = open_begin(addon, &place);
  if (status != GW_OK) return make_i32(addon->env, status);
  settings->user_data = (void *)(uintptr_t)place;
  status = gw_server_open(addon->context, settings, &server);
  return open_end(addon, place, HANDLE_SERVER, server, status);
}

/* (flags, options) -> place, or a negative status */
static napi_value server_open(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  gw_server_options settings;
  gw_server_options_init(&settings);
  if (addon == NULL || !read_u32(env, arguments[0], &settings.flags)) return NULL;

  struct option_memory memory = {NULL};
  struct goclaw_server goclaw;
  bool is_read = read_options(env, arguments[1], options, OPTION_COUNT_SERVER, &settings, &memory) &&
                 read_goclaw_server(env, arguments[1], &goclaw, &memory, &settings.goclaw);
  napi_value result = is_read ? open_at_place(addon, &settings) : NULL;
  option_memory_free(&memory);
  return result;
}

/* (place) -> port, 0 after the end */
static napi_value server_port(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  return make_i32(env, (int32_t)gw_server_port(handle_at(addon, HANDLE_SERVER, argument)));
}

/* (place, which) -> text, empty for what the server has not */
static napi_value server_text(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint32_t which;
  gw_slice text = {NULL, 0};
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL || !read_u32(env, arguments[1], &which)) return NULL;
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server != NULL) gw_server_get_text(server, which, &text);
  return make_text(env, (const char *)text.ptr, text.len);
}

/* (place, low, high, payload, final) -> status */
static napi_value server_reply(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint64_t request;
  uint32_t final;
  struct bytes payload;
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &request) || !read_u32(env, arguments[4], &final) ||
      !read_bytes(env, arguments[3], &addon->json, &payload)) {
    return NULL;
  }
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_server_reply(server, request, payload.ptr, payload.len, final);
  scratch_trim(&addon->json);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, code, message, details, retryAfter) -> status */
static napi_value server_reject(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  uint64_t request;
  uint32_t retry_after;
  size_t length = 0;
  struct bytes details;
  struct addon *addon = addon_arguments(env, info, 7, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &request) ||
      !read_text(env, arguments[3], &addon->text, &length) || !read_text(env, arguments[4], &addon->extra, &length) ||
      !read_bytes(env, arguments[5], &addon->json, &details) || !read_u32(env, arguments[6], &retry_after)) {
    return NULL;
  }
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_server_reject(server, request, addon->text.bytes, addon->extra.bytes, details.ptr, details.len,
                                      retry_after);
  scratch_trim(&addon->json);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, event, payload) -> status */
static napi_value server_push(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint64_t connection;
  size_t length = 0;
  struct bytes payload;
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &connection) ||
      !read_text(env, arguments[3], &addon->text, &length) ||
      !read_bytes(env, arguments[4], &addon->json, &payload)) {
    return NULL;
  }
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_server_push(server, connection, addon->text.bytes, payload.ptr, payload.len);
  scratch_trim(&addon->json);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, code, reason) -> status */
static napi_value server_disconnect(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint64_t connection;
  uint32_t code;
  size_t length = 0;
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &connection) || !read_u32(env, arguments[3], &code) ||
      !read_text(env, arguments[4], &addon->text, &length)) {
    return NULL;
  }
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_server_disconnect(server, connection, code, addon->text.bytes);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, reason) -> status */
static napi_value server_stop(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t length = 0;
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL || !read_text(env, arguments[1], &addon->text, &length)) return NULL;
  gw_server *server = handle_at(addon, HANDLE_SERVER, arguments[0]);
  if (server == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_server_stop(server, addon->text.bytes);
  context_unsent(addon);
  return make_i32(env, status);
}

const napi_property_descriptor server_functions[] = {
    FUNCTION("serverOpen", server_open),
    FUNCTION("serverPort", server_port),   FUNCTION("serverText", server_text),
    FUNCTION("serverReload", server_reload),
    FUNCTION("serverReply", server_reply), FUNCTION("serverReject", server_reject),
    FUNCTION("serverPush", server_push),   FUNCTION("serverDisconnect", server_disconnect),
    FUNCTION("serverStop", server_stop),
};
const size_t server_function_count = sizeof server_functions / sizeof server_functions[0];
