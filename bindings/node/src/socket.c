/* Raw WebSockets: connections that were dialed, and those of a listener, which take the same functions. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_socket_options, member), 0}
#define OPTION_LIST(name, kind, member, count) \
  {name, kind, offsetof(gw_socket_options, member), offsetof(gw_socket_options, count)}
#define LIMIT(name, kind, member) {name, kind, offsetof(gw_socket_limits, member), 0}

static const struct option options[] = {
    OPTION_LIST("protocols", OPTION_TEXTS, subprotocols, subprotocol_count),
    OPTION_LIST("pins", OPTION_TEXTS, pins, pin_count),
    OPTION("caFile", OPTION_TEXT, ca_file),
    OPTION("servername", OPTION_TEXT, server_name),
    OPTION_LIST("headers", OPTION_HEADERS, headers, header_count),
    OPTION("connectTimeoutMs", OPTION_TIME, connect_timeout_ms),
    OPTION("tlsTimeoutMs", OPTION_TIME, tls_timeout_ms),
    OPTION("upgradeTimeoutMs", OPTION_TIME, upgrade_timeout_ms),
    OPTION("maxRedirects", OPTION_COUNT, max_redirects),
};
enum { OPTION_COUNT_SOCKET = sizeof options / sizeof options[0] };

static const struct option limit_options[] = {
    LIMIT("maxPayload", OPTION_COUNT, max_message_bytes),
    LIMIT("maxFrameBytes", OPTION_COUNT, max_frame_bytes),
    LIMIT("maxFragments", OPTION_COUNT, max_fragments),
    LIMIT("partBytes", OPTION_COUNT, part_bytes),
    LIMIT("maxUnreadBytes", OPTION_COUNT, max_unread_bytes),
    LIMIT("maxMemoryBytes", OPTION_COUNT, max_memory_bytes),
    LIMIT("maxHeadBytes", OPTION_COUNT, max_head_bytes),
    LIMIT("maxHeaderLines", OPTION_COUNT, max_header_lines),
    LIMIT("maxQueuedBytes", OPTION_COUNT, max_queued_bytes),
    LIMIT("highWaterBytes", OPTION_COUNT, high_water_bytes),
    LIMIT("lowWaterBytes", OPTION_COUNT, low_water_bytes),
    LIMIT("pingIntervalMs", OPTION_TIME, ping_interval_ms),
    LIMIT("pongTimeoutMs", OPTION_TIME, pong_timeout_ms),
    LIMIT("closeTimeoutMs", OPTION_TIME, close_timeout_ms),
};
enum { OPTION_COUNT_LIMITS = sizeof limit_options / sizeof limit_options[0] };

static const struct option deflate_options[] = {
    LIMIT("threshold", OPTION_COUNT, deflate_threshold_bytes),
    LIMIT("level", OPTION_COUNT, deflate_level),
    LIMIT("memLevel", OPTION_COUNT, deflate_memory_level),
    LIMIT("clientMaxWindowBits", OPTION_COUNT, client_max_window_bits),
    LIMIT("serverMaxWindowBits", OPTION_COUNT, server_max_window_bits),
};
enum { OPTION_COUNT_DEFLATE = sizeof deflate_options / sizeof deflate_options[0] };

napi_value socket_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_SOCKET); }
napi_value limits_describe(napi_env env) { return describe_options(env, limit_options, OPTION_COUNT_LIMITS); }
napi_value deflate_describe(napi_env env) { return describe_options(env, deflate_options, OPTION_COUNT_DEFLATE); }

bool read_limits(napi_env env, napi_value object, napi_value deflate, gw_socket_limits *limits,
                 struct option_memory *memory) {
  gw_socket_limits_init(limits);
  return read_options(env, object, limit_options, OPTION_COUNT_LIMITS, limits, memory) &&
         read_options(env, deflate, deflate_options, OPTION_COUNT_DEFLATE, limits, memory);
}

/* Opens a socket whose events carry its place in the table. */
static napi_value open_at_place(struct addon *addon, gw_socket_options *settings) {
  uint32_t place = 0;
  gw_socket *socket = NULL;
  gw_status status = open_begin(addon, &place);
  if (status != GW_OK) return make_i32(addon->env, status);
  settings->user_data = (void *)(uintptr_t)place;
  status = gw_socket_open(addon->context, settings, &socket);
  return open_end(addon, place, HANDLE_SOCKET, socket, status);
}

/* (url, flags, options, deflate) -> place, or a negative status */
static napi_value socket_open(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t length = 0;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  gw_socket_options settings;
  gw_socket_limits limits;
  gw_socket_options_init(&settings);
  if (addon == NULL || !read_text(env, arguments[0], &addon->text, &length)) return NULL;
  if (!read_u32(env, arguments[1], &settings.flags)) return NULL;

  struct option_memory memory = {NULL};
  settings.url = addon->text.bytes;
  settings.limits = &limits;
  gw_route_options route;
  gw_trust_options trust;
  bool is_read = read_options(env, arguments[2], options, OPTION_COUNT_SOCKET, &settings, &memory) &&
                 read_route(env, arguments[2], &route, &memory, &settings.route) &&
                 read_trust(env, arguments[2], &trust, &memory, &settings.trust) &&
                 read_limits(env, arguments[2], arguments[3], &limits, &memory);
  napi_value result = is_read ? open_at_place(addon, &settings) : NULL;
  option_memory_free(&memory);
  return result;
}

/* --- one connection: the place of a socket and 0, or the place of a listener and the connection's id --- */

struct link {
  gw_socket *socket;
  gw_listener *listener;
  uint64_t connection;
};

/* Reads place, low and high half of the id.  False with an exception pending if they are no numbers. */
static bool read_link(struct addon *addon, const napi_value *arguments, struct link *link) {
  if (!read_id(addon->env, arguments[1], arguments[2], &link->connection)) return false;
  link->socket = handle_at(addon, HANDLE_SOCKET, arguments[0]);
  link->listener = link->socket == NULL ? handle_at(addon, HANDLE_LISTENER, arguments[0]) : NULL;
  return true;
}

/* (place, low, high, kind, data, flags) -> status */
static napi_value socket_send(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  struct link link;
  uint32_t kind, flags;
  struct bytes data;
  gw_status status = GW_ERR_GONE;
  struct addon *addon = addon_arguments(env, info, 6, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link) || !read_u32(env, arguments[3], &kind) ||
      !read_bytes(env, arguments[4], &addon->json, &data) || !read_u32(env, arguments[5], &flags)) {
    return NULL;
  }
  if (link.socket != NULL) {
    status = gw_socket_send(link.socket, kind, data.ptr, data.len, flags);
  } else if (link.listener != NULL) {
    status = gw_listener_send(link.listener, link.connection, kind, data.ptr, data.len, flags);
  }
  scratch_trim(&addon->json);
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, data) -> status */
static napi_value socket_ping(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct link link;
  struct bytes data;
  gw_status status = GW_ERR_GONE;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link) ||
      !read_bytes(env, arguments[3], &addon->json, &data)) {
    return NULL;
  }
  if (link.socket != NULL) {
    status = gw_socket_ping(link.socket, data.ptr, data.len);
  } else if (link.listener != NULL) {
    status = gw_listener_ping(link.listener, link.connection, data.ptr, data.len);
  }
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, code, reason) -> status */
static napi_value socket_close(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  struct link link;
  uint32_t code;
  size_t length = 0;
  gw_status status = GW_ERR_GONE;
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link) || !read_u32(env, arguments[3], &code) ||
      !read_text(env, arguments[4], &addon->text, &length)) {
    return NULL;
  }
  if (link.socket != NULL) {
    status = gw_socket_close(link.socket, code, addon->text.bytes);
  } else if (link.listener != NULL) {
    status = gw_listener_disconnect(link.listener, link.connection, code, addon->text.bytes);
  }
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high) -> status */
static napi_value socket_abort(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct link link;
  gw_status status = GW_ERR_GONE;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link)) return NULL;
  if (link.socket != NULL) {
    status = gw_socket_abort(link.socket);
  } else if (link.listener != NULL) {
    status = gw_listener_abort(link.listener, link.connection);
  }
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, whether to pause or to go on) -> status */
static napi_value socket_pause(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct link link;
  bool pauses = false;
  gw_status status = GW_ERR_GONE;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link)) return NULL;
  if (napi_get_value_bool(env, arguments[3], &pauses) != napi_ok) return NULL;
  if (link.socket != NULL) {
    status = pauses ? gw_socket_pause(link.socket) : gw_socket_resume(link.socket);
  } else if (link.listener != NULL) {
    status = pauses ? gw_listener_pause(link.listener, link.connection) : gw_listener_resume(link.listener, link.connection);
  }
  return make_i32(env, status);
}

/* (place, low, high) -> object, or a status */
static napi_value socket_tls(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct link link;
  gw_status status = GW_ERR_GONE;
  gw_tls_state state = {.struct_size = sizeof state};
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link)) return NULL;
  if (link.socket != NULL) {
    status = gw_socket_get_tls(link.socket, &state);
  } else if (link.listener != NULL) {
    status = gw_listener_get_tls(link.listener, link.connection, &state);
  }
  return make_tls_state(env, status, &state);
}

/* (place, low, high, numbers) -> status.  The numbers are a Float64Array in the order of lib/websocket-state.js. */
static napi_value socket_state(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct link link;
  gw_status status = GW_ERR_GONE;
  gw_socket_state state = {.struct_size = sizeof state};
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_link(addon, arguments, &link)) return NULL;
  if (link.socket != NULL) {
    status = gw_socket_get_state(link.socket, &state);
  } else if (link.listener != NULL) {
    status = gw_listener_get_state(link.listener, link.connection, &state);
  }
  if (status != GW_OK) return make_i32(env, status);
  const double numbers[] = {
      (double)state.queued_bytes,
      state.phase,
      state.tls,
      state.deflate,
      state.client_no_context_takeover,
      state.server_no_context_takeover,
      state.client_max_window_bits,
      state.server_max_window_bits,
      state.close_first,
      state.close_code_sent,
      state.close_code_received,
      (double)state.memory_bytes,
      (double)state.round_trip_us / 1000.0,
      (double)state.messages_received,
      (double)state.messages_sent,
      (double)state.bytes_received,
      (double)state.bytes_sent,
      (double)state.wire_bytes_received,
      (double)state.wire_bytes_sent,
      (double)state.received_before_inflate,
      (double)state.received_after_inflate,
      (double)state.sent_before_deflate,
      (double)state.sent_after_deflate,
      (double)state.resolve_us / 1000.0,
      (double)state.connect_us / 1000.0,
      (double)state.proxy_us / 1000.0,
      (double)state.tls_us / 1000.0,
      (double)state.upgrade_us / 1000.0,
  };
  return fill_numbers(env, arguments[3], numbers, sizeof numbers / sizeof numbers[0]) ? make_i32(env, status) : NULL;
}

const napi_property_descriptor socket_functions[] = {
    FUNCTION("socketOpen", socket_open),   FUNCTION("socketSend", socket_send),   FUNCTION("socketPing", socket_ping),
    FUNCTION("socketClose", socket_close), FUNCTION("socketAbort", socket_abort),
    FUNCTION("socketPause", socket_pause),
    FUNCTION("socketTls", socket_tls),
    FUNCTION("socketState", socket_state),
};
const size_t socket_function_count = sizeof socket_functions / sizeof socket_functions[0];
