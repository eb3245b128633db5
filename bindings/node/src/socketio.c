/* Socket.IO clients: the options under the names of the official client, and one function for each of the header's. */
#include "addon.h"

#include <string.h>

#define CLIENT(name, kind, member) {name, kind, offsetof(gw_client_options, member), 0}
#define CLIENT_LIST(name, kind, member, count) \
  {name, kind, offsetof(gw_client_options, member), offsetof(gw_client_options, count)}
#define SIO(name, kind, member) {name, kind, offsetof(gw_sio_options, member), 0}

static const struct option client_options[] = {
    CLIENT_LIST("alternates", OPTION_TEXTS, alternates, alternate_count),
    CLIENT_LIST("pins", OPTION_TEXTS, pins, pin_count),
    CLIENT("caFile", OPTION_TEXT, ca_file),
    CLIENT("serverName", OPTION_TEXT, server_name),
    CLIENT_LIST("extraHeaders", OPTION_HEADERS, headers, header_count),
    CLIENT("timeout", OPTION_TIME, hello_timeout_ms),
    CLIENT("ackTimeout", OPTION_TIME, call_timeout_ms),
    CLIENT("reconnectionDelay", OPTION_TIME, reconnect_initial_ms),
    CLIENT("reconnectionDelayMax", OPTION_TIME, reconnect_max_ms),
    CLIENT("connectTimeoutMs", OPTION_TIME, connect_timeout_ms),
    CLIENT("tlsTimeoutMs", OPTION_TIME, tls_timeout_ms),
    CLIENT("upgradeTimeoutMs", OPTION_TIME, upgrade_timeout_ms),
    CLIENT("closeTimeoutMs", OPTION_TIME, close_timeout_ms),
    CLIENT("maxMessageBytes", OPTION_COUNT, max_message_bytes),
    CLIENT("maxQueuedBytes", OPTION_COUNT, max_queued_bytes),
    CLIENT("maxCalls", OPTION_COUNT, max_calls),
    CLIENT("deflateThresholdBytes", OPTION_COUNT, deflate_threshold_bytes),
};
static const struct option sio_options[] = {
    SIO("path", OPTION_TEXT, path),
    {"query", OPTION_HEADERS, offsetof(gw_sio_options, query), offsetof(gw_sio_options, query_count)},
    SIO("authTimeoutMs", OPTION_TIME, auth_timeout_ms),
    SIO("randomizationFactor", OPTION_COUNT, jitter_percent),
    SIO("reconnectionAttempts", OPTION_COUNT, max_attempts),
    SIO("maxNamespaces", OPTION_COUNT, max_namespaces),
    SIO("maxAttachments", OPTION_COUNT, max_attachments),
    SIO("maxPacketBytes", OPTION_COUNT, max_packet_bytes),
    SIO("maxBufferedEvents", OPTION_COUNT, max_buffered_events),
    SIO("maxBufferedBytes", OPTION_COUNT, max_buffered_bytes),
};
enum {
  OPTION_COUNT_CLIENT = sizeof client_options / sizeof client_options[0],
  OPTION_COUNT_SIO = sizeof sio_options / sizeof sio_options[0],
  ATTACHMENTS = 10 /* as many as the library takes */
};

napi_value socketio_client_describe(napi_env env) {
  return describe_options(env, client_options, OPTION_COUNT_CLIENT);
}

napi_value socketio_describe(napi_env env) { return describe_options(env, sio_options, OPTION_COUNT_SIO); }

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

/* (url, flags, options) -> place, or a negative status */
static napi_value sio_open(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t length = 0;
  gw_client_options settings;
  gw_sio_options sio;
  gw_route_options route;
  gw_trust_options trust;
  struct option_memory memory = {NULL};
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  gw_client_options_init(&settings);
  gw_sio_options_init(&sio);
  if (addon == NULL || !read_text(env, arguments[0], &addon->text, &length) ||
      !read_u32(env, arguments[1], &settings.flags)) {
    return NULL;
  }
  settings.url = addon->text.bytes;
  settings.dialect = GW_DIALECT_SOCKETIO;
  settings.sio = &sio;
  bool is_read = read_options(env, arguments[2], client_options, OPTION_COUNT_CLIENT, &settings, &memory) &&
                 read_options(env, arguments[2], sio_options, OPTION_COUNT_SIO, &sio, &memory) &&
                 read_route(env, arguments[2], &route, &memory, &settings.route) &&
                 read_trust(env, arguments[2], &trust, &memory, &settings.trust);
  napi_value result = is_read ? open_at_place(addon, &settings) : NULL;
  option_memory_free(&memory);
  return result;
}

/* (place, name, flags) -> status; the id of the namespace goes into the table */
static napi_value sio_join(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t length = 0;
  uint32_t place = 0;
  uint64_t id = 0;
  gw_sio_join_options settings;
  gw_sio_join_options_init(&settings);
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_u32(env, arguments[0], &place) || !read_text(env, arguments[1], &addon->text, &length) ||
      !read_u32(env, arguments[2], &settings.flags)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  settings.user_data = (void *)(uintptr_t)place;
  gw_status status = gw_sio_join(client, addon->text.bytes, &settings, &id);
  return give_id(addon, id, status);
}

/* (place, low, high) -> status */
static napi_value sio_leave(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint64_t namespace_id;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &namespace_id)) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  gw_status status = client == NULL ? GW_ERR_GONE : gw_sio_leave(client, namespace_id);
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* (place, low, high, auth) -> status; auth is JSON or undefined */
static napi_value sio_auth(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  uint64_t question;
  struct bytes auth;
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &question) ||
      !read_bytes(env, arguments[3], &addon->json, &auth)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  gw_status status = client == NULL ? GW_ERR_GONE : gw_sio_auth(client, question, auth.ptr, auth.len);
  explicit_bzero(addon->json.bytes, addon->json.capacity);
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

/* Reads an array of Uint8Array, or undefined; what is beyond the limit is counted, for the library to refuse. */
static bool read_attachments(napi_env env, napi_value array, gw_slice attachments[ATTACHMENTS], uint32_t *count) {
  napi_valuetype type;
  *count = 0;
  if (napi_typeof(env, array, &type) != napi_ok) return false;
  if (type == napi_undefined) return true;
  bool is_read = napi_get_array_length(env, array, count) == napi_ok;
  for (uint32_t at = 0; at < *count && at < ATTACHMENTS && is_read; at++) {
    napi_value element;
    napi_typedarray_type kind = napi_int8_array;
    size_t length = 0;
    void *data = NULL;
    is_read = napi_get_element(env, array, at, &element) == napi_ok &&
              napi_get_typedarray_info(env, element, &kind, &length, &data, NULL, NULL) == napi_ok &&
              kind == napi_uint8_array;
    attachments[at] = (gw_slice){data, data == NULL ? 0 : length};
  }
  if (!is_read) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an array of Uint8Array");
  return is_read;
}

/* (place, low, high, number, event, args, flags, timeout, attachments) -> status; the id of the acknowledgement, which carries
 * the number, goes into the table */
static napi_value sio_emit(napi_env env, napi_callback_info info) {
  napi_value arguments[9];
  size_t length = 0;
  uint32_t number = 0, count = 0;
  uint64_t namespace_id, ack = 0;
  struct bytes args;
  gw_slice attachments[ATTACHMENTS];
  gw_sio_emit_options settings = {.struct_size = sizeof settings};
  struct addon *addon = addon_arguments(env, info, 9, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &namespace_id) ||
      !read_u32(env, arguments[3], &number) || !read_text(env, arguments[4], &addon->text, &length) ||
      !read_bytes(env, arguments[5], &addon->json, &args) || !read_u32(env, arguments[6], &settings.flags) ||
      !read_u32(env, arguments[7], &settings.timeout_ms) ||
      !read_attachments(env, arguments[8], attachments, &count)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  settings.user_data = (void *)(uintptr_t)number;
  settings.attachments = attachments;
  settings.attachment_count = count;
  gw_status status = gw_sio_emit(client, namespace_id, addon->text.bytes, args.ptr, args.len, &settings, &ack);
  return give_id(addon, ack, status);
}

/* (place, low, high, args, attachments) -> status */
static napi_value sio_ack(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  uint32_t count = 0;
  uint64_t ack;
  struct bytes args;
  gw_slice attachments[ATTACHMENTS];
  struct addon *addon = addon_arguments(env, info, 5, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &ack) ||
      !read_bytes(env, arguments[3], &addon->json, &args) ||
      !read_attachments(env, arguments[4], attachments, &count)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  gw_status status = client == NULL ? GW_ERR_GONE : gw_sio_ack(client, ack, args.ptr, args.len, attachments, count);
  scratch_trim(&addon->json);
  if (status >= 0) context_unsent(addon);
  return make_i32(env, status);
}

const napi_property_descriptor socketio_functions[] = {
    FUNCTION("sioOpen", sio_open), FUNCTION("sioJoin", sio_join), FUNCTION("sioLeave", sio_leave),
    FUNCTION("sioAuth", sio_auth), FUNCTION("sioEmit", sio_emit), FUNCTION("sioAck", sio_ack),
};
const size_t socketio_function_count = sizeof socketio_functions / sizeof socketio_functions[0];
