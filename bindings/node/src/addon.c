#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- places --- */

bool places_add(struct places *places, void *handle, uint32_t *place) {
  uint32_t i = 0;
  while (i < places->count && places->items[i] != NULL) i++;
  if (i == places->count) {
    if (i == UINT32_MAX) return false;
    void **items = realloc(places->items, ((size_t)i + 1) * sizeof *items);
    if (items == NULL) return false;
    places->items = items;
    places->count = i + 1;
  }
  places->items[i] = handle;
  *place = i;
  return true;
}

void *places_get(const struct places *places, uint32_t place) {
  return place < places->count ? places->items[place] : NULL;
}

void *places_take(struct places *places, uint32_t place) {
  void *handle = places_get(places, place);
  if (handle != NULL) places->items[place] = NULL;
  return handle;
}

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
  free(addon->clients.items);
  free(addon->servers.items);
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
};

/* The numbers of the headers that JavaScript needs, under their own names. */
static const struct {
  const char *name;
  double value;
} constants[] = {
#define CONSTANT(name) {#name, (double)(name)}
    CONSTANT(GW_TAKEOVER_ALWAYS),
    CONSTANT(GW_QUEUED),
    CONSTANT(GW_ERR_GONE),
    CONSTANT(GW_ERR_STATE),
    CONSTANT(GW_ERR_JSON),
    CONSTANT(GW_ERR_REJECTED),
    CONSTANT(GW_ERR_NOT_SENT),
    CONSTANT(GW_ERR_OUTCOME_UNKNOWN),
    CONSTANT(GW_ERR_CALL_TIMEOUT),
    CONSTANT(GW_ERR_CANCELLED),
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
    CONSTANT(GW_EVENT_PEER_CONNECTED),
    CONSTANT(GW_EVENT_PEER_DISCONNECTED),
    CONSTANT(GW_EVENT_PEER_REQUEST),
    CONSTANT(GW_EVENT_SERVER_CLOSED),
    CONSTANT(GW_EVENT_RETRYABLE),
    CONSTANT(GW_CLIENT_PLAINTEXT_PRIVATE),
    CONSTANT(GW_CLIENT_PLAINTEXT_ANY),
    CONSTANT(GW_CLIENT_NO_RECONNECT),
    CONSTANT(GW_CLIENT_NO_DEFLATE),
    CONSTANT(GW_CLIENT_DEFLATE_TAKEOVER),
    CONSTANT(GW_CLIENT_NO_DEVICE),
    CONSTANT(GW_CALL_EXPECT_FINAL),
    CONSTANT(GW_SERVER_PLAINTEXT),
    CONSTANT(GW_SERVER_NO_DEFLATE),
    CONSTANT(GW_SERVER_DEFLATE_TAKEOVER),
    CONSTANT(GW_SERVER_NO_BUILTIN),
    CONSTANT(GW_SERVER_REQUIRE_DEVICE),
    CONSTANT(GW_SERVER_URL),
    CONSTANT(GW_SERVER_CERTIFICATE_PIN),
    CONSTANT(GW_SERVER_KEY_PIN),
    CONSTANT(GW_SERVER_CERTIFICATE),
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
    {GW_STRUCT_CLIENT_STATE, "gw_client_state", sizeof(gw_client_state), false},
    {GW_STRUCT_SERVER_OPTIONS, "gw_server_options", sizeof(gw_server_options), false},
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
      !define_functions(env, exports, server_functions, server_function_count, addon)) {
    return NULL;
  }

  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
    set_number(env, object, constants[i].name, constants[i].value);
  }
  napi_set_named_property(env, exports, "constants", object);
  object = client_describe(env);
  if (object != NULL) napi_set_named_property(env, exports, "clientOptions", object);
  object = server_describe(env);
  if (object != NULL) napi_set_named_property(env, exports, "serverOptions", object);
  set_text(env, exports, "version", gw_version(), NAPI_AUTO_LENGTH);
  set_text(env, exports, "dependencies", gw_dependencies(), NAPI_AUTO_LENGTH);
  return exports;
}
