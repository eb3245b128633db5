/* Raw WebSocket servers.  What is done with one of their connections stands in socket.c. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_listener_options, member), 0}
#define OPTION_LIST(name, kind, member, count) \
  {name, kind, offsetof(gw_listener_options, member), offsetof(gw_listener_options, count)}

static const struct option options[] = {
    OPTION("host", OPTION_TEXT, address),
    OPTION("port", OPTION_PORT, port),
    OPTION("certificateFile", OPTION_TEXT, certificate_file),
    OPTION("keyFile", OPTION_TEXT, key_file),
    OPTION("keyPassphrase", OPTION_TEXT, key_passphrase),
    OPTION("clientCaFile", OPTION_TEXT, client_ca_file),
    OPTION_LIST("names", OPTION_TEXTS, names, name_count),
    OPTION_LIST("origins", OPTION_TEXTS, origins, origin_count),
    OPTION_LIST("protocols", OPTION_TEXTS, subprotocols, subprotocol_count),
    OPTION("handshakeTimeout", OPTION_TIME, handshake_timeout_ms),
    OPTION("maxConnections", OPTION_COUNT, max_connections),
    OPTION("maxConnectionsPerAddress", OPTION_COUNT, max_connections_per_address),
    OPTION("maxMessagesPerSecond", OPTION_COUNT, max_messages_per_second),
};
enum { OPTION_COUNT_LISTENER = sizeof options / sizeof options[0] };

/* (place) -> status */
static napi_value listener_reload(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, argument);
  return make_i32(env, listener == NULL ? GW_ERR_GONE : gw_listener_reload_certificate(listener));
}

napi_value listener_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_LISTENER); }

/* Opens a listener whose events, and those of its connections, carry its place in the table. */
static napi_value open_at_place(struct addon *addon, gw_listener_options *settings) {
  uint32_t place = 0;
  gw_listener *listener = NULL;
  gw_status status = open_begin(addon, &place);
  if (status != GW_OK) return make_i32(addon->env, status);
  settings->user_data = (void *)(uintptr_t)place;
  status = gw_listener_open(addon->context, settings, &listener);
  return open_end(addon, place, HANDLE_LISTENER, listener, status);
}

/* (flags, options, deflate) -> place, or a negative status */
static napi_value listener_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  gw_listener_options settings;
  gw_socket_limits limits;
  gw_listener_options_init(&settings);
  if (addon == NULL || !read_u32(env, arguments[0], &settings.flags)) return NULL;

  struct option_memory memory = {NULL};
  settings.limits = &limits;
  bool is_read = read_options(env, arguments[1], options, OPTION_COUNT_LISTENER, &settings, &memory) &&
                 read_limits(env, arguments[1], arguments[2], &limits, &memory);
  napi_value result = is_read ? open_at_place(addon, &settings) : NULL;
  option_memory_free(&memory);
  return result;
}

/* (place) -> port, 0 after the end */
static napi_value listener_port(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  return make_i32(env, (int32_t)gw_listener_port(handle_at(addon, HANDLE_LISTENER, argument)));
}

/* (place, which) -> text, empty for what the listener has not */
static napi_value listener_text(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint32_t which;
  gw_slice text = {NULL, 0};
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL || !read_u32(env, arguments[1], &which)) return NULL;
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, arguments[0]);
  if (listener != NULL) gw_listener_get_text(listener, which, &text);
  return make_text(env, (const char *)text.ptr, text.len);
}

/* (place, low, high, subprotocol) -> status; empty: none */
static napi_value listener_accept(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  uint64_t connection;
  size_t length = 0;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &connection) ||
      !read_text(env, arguments[3], &addon->text, &length)) {
    return NULL;
  }
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, arguments[0]);
  if (listener == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_listener_accept(listener, connection, length > 0 ? addon->text.bytes : NULL);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, httpStatus, text) -> status */
static napi_value listener_reject(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint64_t connection;
  uint32_t http_status;
  size_t length = 0;
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &connection) ||
      !read_u32(env, arguments[3], &http_status) || !read_text(env, arguments[4], &addon->text, &length)) {
    return NULL;
  }
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, arguments[0]);
  if (listener == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_listener_reject(listener, connection, http_status, addon->text.bytes);
  context_unsent(addon);
  return make_i32(env, status);
}

/* (place, numbers) -> status.  The numbers are a Float64Array in the order of lib/websocket-state.js. */
static napi_value listener_stats(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL) return NULL;
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, arguments[0]);
  gw_listener_stats stats = {.struct_size = sizeof stats};
  gw_status status = listener != NULL ? gw_listener_get_stats(listener, &stats) : GW_ERR_GONE;
  if (status != GW_OK) return make_i32(env, status);
  const double numbers[] = {
      stats.connections_now,
      (double)stats.connections,
      (double)stats.refused,
      (double)stats.messages_received,
      (double)stats.messages_sent,
      (double)stats.bytes_received,
      (double)stats.bytes_sent,
      (double)stats.wire_bytes_received,
      (double)stats.wire_bytes_sent,
  };
  return fill_numbers(env, arguments[1], numbers, sizeof numbers / sizeof numbers[0]) ? make_i32(env, status) : NULL;
}

/* (place) -> status */
static napi_value listener_stop(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_listener *listener = handle_at(addon, HANDLE_LISTENER, argument);
  if (listener == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_listener_stop(listener);
  context_unsent(addon);
  return make_i32(env, status);
}

const napi_property_descriptor listener_functions[] = {
    FUNCTION("listenerOpen", listener_open),     FUNCTION("listenerPort", listener_port),
    FUNCTION("listenerText", listener_text),
    FUNCTION("listenerReload", listener_reload),     FUNCTION("listenerAccept", listener_accept),
    FUNCTION("listenerReject", listener_reject), FUNCTION("listenerStop", listener_stop),
    FUNCTION("listenerStats", listener_stats),
};
const size_t listener_function_count = sizeof listener_functions / sizeof listener_functions[0];
