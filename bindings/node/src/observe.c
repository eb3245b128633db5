/* What a client has done: one function for each of observe.h. */
#include "addon.h"

#define OPTION(name, member) {name, OPTION_COUNT, offsetof(gw_observe_options, member), 0}

static const struct option options[] = {
    OPTION("recorderBytes", recorder_bytes),
    OPTION("frameBytes", frame_bytes),
    OPTION("maxMethods", max_methods),
};
enum { OPTION_COUNT_OBSERVE = sizeof options / sizeof options[0] };

napi_value observe_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_OBSERVE); }

bool read_observe(napi_env env, napi_value all, gw_observe_options *observe, struct option_memory *memory,
                  const gw_observe_options **out) {
  napi_value given, flags, level, values;
  bool is_there = false;
  *out = NULL;
  if (napi_has_named_property(env, all, "observe", &is_there) != napi_ok) return false;
  if (!is_there) return true;
  gw_observe_options_init(observe);
  if (napi_get_named_property(env, all, "observe", &given) != napi_ok ||
      napi_get_named_property(env, given, "flags", &flags) != napi_ok ||
      napi_get_named_property(env, given, "level", &level) != napi_ok ||
      napi_get_named_property(env, given, "values", &values) != napi_ok || !read_u32(env, flags, &observe->flags) ||
      !read_u32(env, level, &observe->log_level)) {
    return false;
  }
  *out = observe;
  return read_options(env, values, options, OPTION_COUNT_OBSERVE, observe, memory);
}

static bool set_method(napi_env env, napi_value methods, gw_client *client, uint32_t index) {
  napi_value entry, name;
  gw_method_stats stats = {.struct_size = sizeof stats};
  if (gw_client_get_method_stats(client, index, &stats) != GW_OK) return true;
  if (napi_create_object(env, &entry) != napi_ok) return false;
  set_number(env, entry, "answers", (double)stats.answers);
  set_number(env, entry, "leastMs", (double)stats.least_us / 1000.0);
  set_number(env, entry, "meanMs", (double)stats.mean_us / 1000.0);
  set_number(env, entry, "greatestMs", (double)stats.greatest_us / 1000.0);
  name = make_text(env, (const char *)stats.method.ptr, stats.method.len);
  return name != NULL && napi_set_property(env, methods, name, entry) == napi_ok;
}

/* (place) -> object, or a status */
static napi_value client_stats(napi_env env, napi_callback_info info) {
  napi_value argument, object, methods;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, argument);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  gw_client_stats stats = {.struct_size = sizeof stats};
  gw_status status = gw_client_get_stats(client, &stats);
  if (status != GW_OK || napi_create_object(env, &object) != napi_ok || napi_create_object(env, &methods) != napi_ok) {
    return make_i32(env, status);
  }
  set_number(env, object, "attempts", (double)stats.attempts);
  set_number(env, object, "connections", (double)stats.connections);
  set_number(env, object, "messagesReceived", (double)stats.messages_received);
  set_number(env, object, "messagesSent", (double)stats.messages_sent);
  set_number(env, object, "bytesReceived", (double)stats.bytes_received);
  set_number(env, object, "bytesSent", (double)stats.bytes_sent);
  set_number(env, object, "wireBytesReceived", (double)stats.wire_bytes_received);
  set_number(env, object, "wireBytesSent", (double)stats.wire_bytes_sent);
  set_number(env, object, "roundTripMs", (double)stats.round_trip_us / 1000.0);
  set_number(env, object, "callsWaiting", (double)stats.calls_waiting);
  set_number(env, object, "waitingMs", (double)stats.waiting_us / 1000.0);
  set_number(env, object, "connectingMs", (double)stats.connecting_us / 1000.0);
  set_number(env, object, "readyMs", (double)stats.ready_us / 1000.0);
  set_number(env, object, "closingMs", (double)stats.closing_us / 1000.0);
  for (uint32_t index = 0; index < stats.methods; index++) {
    if (!set_method(env, methods, client, index)) return NULL;
  }
  return napi_set_named_property(env, object, "methods", methods) == napi_ok ? object : NULL;
}

/* (place) -> lines of JSON as text, or a status */
static napi_value client_dump(napi_env env, napi_callback_info info) {
  napi_value argument;
  gw_slice lines;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, argument);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  gw_status status = gw_client_dump(client, &lines);
  return status == GW_OK ? make_text(env, lines.len > 0 ? (const char *)lines.ptr : "", lines.len) : make_i32(env, status);
}

const napi_property_descriptor observe_functions[] = {
    FUNCTION("clientStats", client_stats),
    FUNCTION("clientDump", client_dump),
};
const size_t observe_function_count = sizeof observe_functions / sizeof observe_functions[0];
