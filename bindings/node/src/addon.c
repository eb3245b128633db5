#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- life of the addon --- */

struct addon *addon_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments) {
  struct addon *addon = NULL;
  /* Missing arguments are filled in as undefined. */
  if (napi_get_cb_info(env, info, &count, arguments, NULL, (void **)&addon) == napi_ok) return addon;
  napi_throw_error(env, NULL, "the arguments could not be read");
  return NULL;
}

void addon_release(struct addon *addon) {
  if (--addon->holders > 0) return;
  handles_release_all(&addon->handles);
  scratch_free(&addon->text);
  scratch_free(&addon->json);
  scratch_free(&addon->extra);
  scratch_free(&addon->packed);
  free(addon);
}

static void environment_ended(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  addon_release(data);
}

/* --- handles --- */

void *handle_at(struct addon *addon, enum handle_kind kind, napi_value place) {
  uint32_t number;
  if (napi_get_value_uint32(addon->env, place, &number) != napi_ok) return NULL;
  return handles_get(&addon->handles, kind, number);
}

napi_value open_end(struct addon *addon, uint32_t place, enum handle_kind kind, void *handle, gw_status status) {
  handles_put(&addon->handles, place, kind, handle);
  if (status != GW_OK) return make_i32(addon->env, status);
  context_unsent(addon);
  return make_i32(addon->env, (int32_t)place);
}

/* (place) frees what was opened */
static napi_value release(napi_env env, napi_callback_info info) {
  napi_value argument;
  uint32_t place;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon != NULL && read_u32(env, argument, &place)) handles_release(&addon->handles, place);
  return NULL;
}

/* --- what the library says of itself --- */

static napi_value status_name(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t status = 0;
  if (addon_arguments(env, info, 1, &argument) == NULL) return NULL;
  if (napi_get_value_int32(env, argument, &status) != napi_ok) return NULL;
  return make_text(env, gw_status_name(status), NAPI_AUTO_LENGTH);
}

static napi_value status_text(napi_env env, napi_callback_info info) {
  napi_value argument;
  int32_t status = 0;
  if (addon_arguments(env, info, 1, &argument) == NULL) return NULL;
  if (napi_get_value_int32(env, argument, &status) != napi_ok) return NULL;
  return make_text(env, gw_status_text(status), NAPI_AUTO_LENGTH);
}

/* (text) -> 64 hex digits, or a status if the text is no fingerprint */
static napi_value pin_normalize(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  size_t length = 0;
  if (addon == NULL || !read_text(env, argument, &addon->text, &length)) return NULL;
  char digits[65];
  gw_status status = gw_pin_normalize(addon->text.bytes, digits);
  return status == GW_OK ? make_text(env, digits, 64) : make_i32(env, status);
}

/* (function(count, bytes, large)) -> the table as an ArrayBuffer */
static napi_value start(napi_env env, napi_callback_info info) {
  napi_value deliver, table;
  napi_valuetype type;
  void *memory = NULL;
  struct addon *addon = addon_arguments(env, info, 1, &deliver);
  if (addon == NULL) return NULL;
  if (addon->deliver != NULL || napi_typeof(env, deliver, &type) != napi_ok || type != napi_function) {
    napi_throw_type_error(env, NULL, "start takes one function, once");
    return NULL;
  }
  if (napi_create_arraybuffer(env, TABLE_WORDS * sizeof(uint32_t), &memory, &table) != napi_ok) return NULL;
  if (napi_create_reference(env, table, 1, &addon->table_kept) != napi_ok) return NULL;
  if (napi_create_reference(env, deliver, 1, &addon->deliver) != napi_ok) return NULL;
  addon->table = memory;
  return table;
}

static const napi_property_descriptor addon_functions[] = {
    FUNCTION("statusName", status_name),
    FUNCTION("statusText", status_text),
    FUNCTION("pinNormalize", pin_normalize),
    FUNCTION("start", start),
    FUNCTION("release", release),
};

/* The numbers of the headers that JavaScript needs, under their own names. */
static const struct {
  const char *name;
  double value;
} constants[] = {
#define CONSTANT(name) {#name, (double)(name)}
    CONSTANT(GW_TAKEOVER_ALWAYS),
    CONSTANT(GW_QUEUED),
    CONSTANT(GW_ERR_UNSUPPORTED),
    CONSTANT(GW_ERR_LISTEN),
    CONSTANT(GW_ERR_LOST),
    CONSTANT(GW_ERR_CLOSED),
    CONSTANT(GW_ERR_GONE),
    CONSTANT(GW_ERR_STATE),
    CONSTANT(GW_ERR_JSON),
    CONSTANT(GW_ERR_REJECTED),
    CONSTANT(GW_ERR_NOT_SENT),
    CONSTANT(GW_ERR_OUTCOME_UNKNOWN),
    CONSTANT(GW_ERR_CALL_TIMEOUT),
    CONSTANT(GW_ERR_CANCELLED),
    CONSTANT(GW_ERR_SIO_REFUSED),
    CONSTANT(GW_ERR_LIMIT),
    CONSTANT(GW_ERR_TLS_PIN),
    CONSTANT(GW_ERR_UPGRADE_REFUSED),
    CONSTANT(GW_EVENT_CLIENT_CONNECTED),
    CONSTANT(GW_EVENT_CLIENT_DISCONNECTED),
    CONSTANT(GW_EVENT_CLIENT_CLOSED),
    CONSTANT(GW_EVENT_CLIENT_WARNING),
    CONSTANT(GW_EVENT_CLIENT_WRITABLE),
    CONSTANT(GW_EVENT_GATEWAY_EVENT),
    CONSTANT(GW_EVENT_GAP),
    CONSTANT(GW_EVENT_CALL_ACCEPTED),
    CONSTANT(GW_EVENT_CALL_DONE),
    CONSTANT(GW_EVENT_CREDENTIALS_REQUEST),
    CONSTANT(GW_EVENT_RESYNC),
    CONSTANT(GW_EVENT_SYNCED),
    CONSTANT(GW_EVENT_LOG),
    CONSTANT(GW_EVENT_SUBSCRIBED),
    CONSTANT(GW_EVENT_PEER_CONNECTED),
    CONSTANT(GW_EVENT_PEER_DISCONNECTED),
    CONSTANT(GW_EVENT_PEER_REQUEST),
    CONSTANT(GW_EVENT_SERVER_CLOSED),
    CONSTANT(GW_EVENT_SOCKET_REQUEST),
    CONSTANT(GW_EVENT_SOCKET_OPEN),
    CONSTANT(GW_EVENT_SOCKET_MESSAGE),
    CONSTANT(GW_EVENT_SOCKET_PING),
    CONSTANT(GW_EVENT_SOCKET_PONG),
    CONSTANT(GW_EVENT_SOCKET_WRITABLE),
    CONSTANT(GW_EVENT_SOCKET_CLOSED),
    CONSTANT(GW_EVENT_TRUST_REQUEST),
    CONSTANT(GW_EVENT_DOCTOR_STEP),
    CONSTANT(GW_EVENT_DOCTOR_DONE),
    CONSTANT(GW_EVENT_SIO_AUTH),
    CONSTANT(GW_EVENT_SIO_JOINED),
    CONSTANT(GW_EVENT_SIO_DISCONNECTED),
    CONSTANT(GW_EVENT_SIO_LEFT),
    CONSTANT(GW_EVENT_SIO_EVENT),
    CONSTANT(GW_EVENT_SIO_ACK),
    CONSTANT(GW_EVENT_RETRYABLE),
    CONSTANT(GW_EVENT_PART),
    CONSTANT(GW_EVENT_CLEAN),
    CONSTANT(GW_EVENT_PEER_FIRST),
    CONSTANT(GW_EVENT_SKIPPED),
    CONSTANT(GW_EVENT_PAUSED),
    CONSTANT(GW_EVENT_RECOVERED),
    CONSTANT(GW_CLIENT_PLAINTEXT_PRIVATE),
    CONSTANT(GW_CLIENT_PLAINTEXT_ANY),
    CONSTANT(GW_CLIENT_NO_RECONNECT),
    CONSTANT(GW_CLIENT_NO_DEFLATE),
    CONSTANT(GW_CLIENT_DEFLATE_TAKEOVER),
    CONSTANT(GW_CLIENT_NO_DEVICE),
    CONSTANT(GW_CLIENT_PAUSE),
    CONSTANT(GW_CLIENT_ASK_CREDENTIALS),
    CONSTANT(GW_CLIENT_NEW_PARAMS),
    CONSTANT(GW_CLIENT_ANY_NAMES),
    CONSTANT(GW_SIO_NO_TRAILING_SLASH),
    CONSTANT(GW_SIO_ASK_AUTH),
    CONSTANT(GW_SIO_ACK),
    CONSTANT(GW_SIO_VOLATILE),
    CONSTANT(GW_CALL_EXPECT_FINAL),
    CONSTANT(GW_CALL_IDEMPOTENT),
    CONSTANT(GW_CALL_ONLINE_ONLY),
    CONSTANT(GW_RESYNC_GAP),
    CONSTANT(GW_OBSERVE_METHODS),
    CONSTANT(GW_OBSERVE_DUMP_ON_FAILURE),
    CONSTANT(GW_LOG_ERROR),
    CONSTANT(GW_LOG_WARNING),
    CONSTANT(GW_LOG_INFO),
    CONSTANT(GW_LOG_DEBUG),
    CONSTANT(GW_DOCTOR_NO_TICK),
    CONSTANT(GW_SERVER_PLAINTEXT),
    CONSTANT(GW_SERVER_NO_DEFLATE),
    CONSTANT(GW_SERVER_DEFLATE_TAKEOVER),
    CONSTANT(GW_SERVER_NO_BUILTIN),
    CONSTANT(GW_SERVER_REQUIRE_DEVICE),
    CONSTANT(GW_SERVER_CLIENT_OPTIONAL),
    CONSTANT(GW_SERVER_URL),
    CONSTANT(GW_SERVER_CERTIFICATE_PIN),
    CONSTANT(GW_SERVER_KEY_PIN),
    CONSTANT(GW_SERVER_CERTIFICATE),
    CONSTANT(GW_TEXT),
    CONSTANT(GW_BINARY),
    CONSTANT(GW_SEND_PART),
    CONSTANT(GW_SEND_UNCOMPRESSED),
    CONSTANT(GW_SEND_COMPRESSED),
    CONSTANT(GW_SOCKET_PLAINTEXT_PRIVATE),
    CONSTANT(GW_SOCKET_PLAINTEXT_ANY),
    CONSTANT(GW_SOCKET_NO_DEFLATE),
    CONSTANT(GW_SOCKET_CLIENT_TAKEOVER),
    CONSTANT(GW_SOCKET_SERVER_TAKEOVER),
    CONSTANT(GW_ROUTE_PROXY_ENVIRONMENT),
    CONSTANT(GW_TRUST_CA),
    CONSTANT(GW_TRUST_PIN),
    CONSTANT(GW_TRUST_PIN_AND_CA),
    CONSTANT(GW_TRUST_PIN_OR_CA),
    CONSTANT(GW_TRUST_ASK),
    CONSTANT(GW_TRUST_SYSTEM_CA),
    CONSTANT(GW_TRUST_NO_RESUMPTION),
    CONSTANT(GW_TRUST_NO_SNI),
    CONSTANT(GW_TLS_1_2),
    CONSTANT(GW_TLS_1_3),
    CONSTANT(GW_SOCKET_PARTS),
    CONSTANT(GW_SOCKET_CONTROL),
    CONSTANT(GW_SOCKET_NEED_SUBPROTOCOL),
    CONSTANT(GW_LISTENER_PLAINTEXT),
    CONSTANT(GW_LISTENER_NO_DEFLATE),
    CONSTANT(GW_LISTENER_CLIENT_TAKEOVER),
    CONSTANT(GW_LISTENER_SERVER_TAKEOVER),
    CONSTANT(GW_LISTENER_PARTS),
    CONSTANT(GW_LISTENER_CONTROL),
    CONSTANT(GW_LISTENER_ASK),
    CONSTANT(GW_LISTENER_CLIENT_OPTIONAL),
#undef CONSTANT
};

/* --- loading --- */

/* Structs without a size of their own must agree exactly; of sized ones the library may know more members. */
static const struct {
  uint32_t which;
  const char *name;
  size_t size;
  bool exact;
} structs[] = {
    {GW_STRUCT_SLICE, "gw_slice", sizeof(gw_slice), true},
    {GW_STRUCT_HEADER, "gw_header", sizeof(gw_header), true},
    {GW_STRUCT_EVENT, "gw_event", sizeof(gw_event), false},
    {GW_STRUCT_BATCH, "gw_batch", sizeof(gw_batch), false},
    {GW_STRUCT_CONTEXT_OPTIONS, "gw_context_options", sizeof(gw_context_options), false},
    {GW_STRUCT_ERROR, "gw_error", sizeof(gw_error), false},
    {GW_STRUCT_CLIENT_OPTIONS, "gw_client_options", sizeof(gw_client_options), false},
    {GW_STRUCT_CALL_OPTIONS, "gw_call_options", sizeof(gw_call_options), false},
    {GW_STRUCT_OFFLINE_OPTIONS, "gw_offline_options", sizeof(gw_offline_options), false},
    {GW_STRUCT_RESYNC_OPTIONS, "gw_resync_options", sizeof(gw_resync_options), false},
    {GW_STRUCT_SYNC_CALL, "gw_sync_call", sizeof(gw_sync_call), true},
    {GW_STRUCT_SIO_OPTIONS, "gw_sio_options", sizeof(gw_sio_options), false},
    {GW_STRUCT_SIO_JOIN_OPTIONS, "gw_sio_join_options", sizeof(gw_sio_join_options), false},
    {GW_STRUCT_SIO_EMIT_OPTIONS, "gw_sio_emit_options", sizeof(gw_sio_emit_options), false},
    {GW_STRUCT_OBSERVE_OPTIONS, "gw_observe_options", sizeof(gw_observe_options), false},
    {GW_STRUCT_CLIENT_STATS, "gw_client_stats", sizeof(gw_client_stats), false},
    {GW_STRUCT_METHOD_STATS, "gw_method_stats", sizeof(gw_method_stats), false},
    {GW_STRUCT_CLIENT_STATE, "gw_client_state", sizeof(gw_client_state), false},
    {GW_STRUCT_SERVER_OPTIONS, "gw_server_options", sizeof(gw_server_options), false},
    {GW_STRUCT_SOCKET_LIMITS, "gw_socket_limits", sizeof(gw_socket_limits), false},
    {GW_STRUCT_SOCKET_OPTIONS, "gw_socket_options", sizeof(gw_socket_options), false},
    {GW_STRUCT_SOCKET_STATE, "gw_socket_state", sizeof(gw_socket_state), false},
    {GW_STRUCT_LISTENER_OPTIONS, "gw_listener_options", sizeof(gw_listener_options), false},
    {GW_STRUCT_TRUST_OPTIONS, "gw_trust_options", sizeof(gw_trust_options), false},
    {GW_STRUCT_TLS_STATE, "gw_tls_state", sizeof(gw_tls_state), false},
    {GW_STRUCT_LISTENER_STATS, "gw_listener_stats", sizeof(gw_listener_stats), false},
};

/* The library was found by the dynamic linker; whether it is one that this addon was made for is seen here. */
static bool library_fits(napi_env env) {
  char message[256];
  if (gw_abi_version() != GW_ABI_VERSION) {
    snprintf(message, sizeof message,
             "libgatewire %s has ABI %u, and this addon was built for ABI %u: build both from one source (make)",
             gw_version(), gw_abi_version(), (unsigned)GW_ABI_VERSION);
    napi_throw_error(env, "ERR_GATEWIRE_ABI", message);
    return false;
  }
  for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
    size_t theirs = gw_struct_size(structs[i].which);
    if (structs[i].exact ? theirs == structs[i].size : theirs >= structs[i].size) continue;
    snprintf(message, sizeof message,
             "libgatewire %s has %zu bytes in %s, and this addon was built with %zu: build both from one source (make)",
             gw_version(), theirs, structs[i].name, structs[i].size);
    napi_throw_error(env, "ERR_GATEWIRE_ABI", message);
    return false;
  }
  return true;
}

/* Functions get the addon as their data, which spares them looking it up. */
static bool define_functions(napi_env env, napi_value exports, const napi_property_descriptor *functions, size_t count,
                             struct addon *addon) {
  for (size_t i = 0; i < count; i++) {
    napi_property_descriptor function = functions[i];
    function.data = addon;
    if (napi_define_properties(env, exports, 1, &function) != napi_ok) return false;
  }
  return true;
}

static void set_described(napi_env env, napi_value exports, const char *name, napi_value description) {
  if (description != NULL) napi_set_named_property(env, exports, name, description);
}

NAPI_MODULE_INIT() {
  if (!library_fits(env)) return NULL;

  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) {
    napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED", "out of memory");
    return NULL;
  }
  addon->env = env;
  addon->holders = 1;
  addon->takeover_ms = GW_TAKEOVER_DEFAULT;
  if (napi_set_instance_data(env, addon, environment_ended, NULL) != napi_ok) {
    free(addon);
    return NULL;
  }

  if (!define_functions(env, exports, addon_functions, sizeof addon_functions / sizeof addon_functions[0], addon) ||
      !define_functions(env, exports, context_functions, context_function_count, addon) ||
      !define_functions(env, exports, client_functions, client_function_count, addon) ||
      !define_functions(env, exports, call_functions, call_function_count, addon) ||
      !define_functions(env, exports, socketio_functions, socketio_function_count, addon) ||
      !define_functions(env, exports, observe_functions, observe_function_count, addon) ||
      !define_functions(env, exports, doctor_functions, doctor_function_count, addon) ||
      !define_functions(env, exports, server_functions, server_function_count, addon) ||
      !define_functions(env, exports, socket_functions, socket_function_count, addon) ||
      !define_functions(env, exports, trust_functions, trust_function_count, addon) ||
      !define_functions(env, exports, listener_functions, listener_function_count, addon)) {
    return NULL;
  }

  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    set_number(env, object, constants[i].name, constants[i].value);
  }
  napi_set_named_property(env, exports, "constants", object);
  set_described(env, exports, "clientOptions", client_describe(env));
  set_described(env, exports, "serverOptions", server_describe(env));
  set_described(env, exports, "socketOptions", socket_describe(env));
  set_described(env, exports, "listenerOptions", listener_describe(env));
  set_described(env, exports, "limitOptions", limits_describe(env));
  set_described(env, exports, "deflateOptions", deflate_describe(env));
  set_described(env, exports, "routeOptions", route_describe(env));
  set_described(env, exports, "trustOptions", trust_describe(env));
  set_described(env, exports, "credentialOptions", credentials_describe(env));
  set_described(env, exports, "socketIOClientOptions", socketio_client_describe(env));
  set_described(env, exports, "socketIOOptions", socketio_describe(env));
  set_described(env, exports, "offlineOptions", offline_describe(env));
  set_described(env, exports, "resyncOptions", resync_describe(env));
  set_described(env, exports, "observeOptions", observe_describe(env));
  set_text(env, exports, "version", gw_version(), NAPI_AUTO_LENGTH);
  set_text(env, exports, "dependencies", gw_dependencies(), NAPI_AUTO_LENGTH);
  return exports;
}
