/* Calls, and what connections begin with: one function for each of call.h. */
#include "addon.h"

#include <string.h>

#define OPTION(type, name, kind, member) {name, kind, offsetof(type, member), 0}

static const struct option offline_options[] = {
    OPTION(gw_offline_options, "maxCalls", OPTION_COUNT, max_calls),
    OPTION(gw_offline_options, "maxBytes", OPTION_COUNT, max_bytes),
    OPTION(gw_offline_options, "timeToLiveMs", OPTION_TIME, time_to_live_ms),
};
static const struct option resync_options[] = {
    OPTION(gw_resync_options, "timeoutMs", OPTION_TIME, timeout_ms),
    OPTION(gw_resync_options, "maxHeldBytes", OPTION_COUNT, max_held_bytes),
};
/* Methods and params, one after the other. */
struct sync_texts {
  const char *const *texts;
  size_t count;
};
static const struct option sync_options[] = {
    {"initialSync", OPTION_TEXTS, offsetof(struct sync_texts, texts), offsetof(struct sync_texts, count)},
};
enum {
  OPTION_COUNT_OFFLINE = sizeof offline_options / sizeof offline_options[0],
  OPTION_COUNT_RESYNC = sizeof resync_options / sizeof resync_options[0]
};

napi_value offline_describe(napi_env env) { return describe_options(env, offline_options, OPTION_COUNT_OFFLINE); }
napi_value resync_describe(napi_env env) { return describe_options(env, resync_options, OPTION_COUNT_RESYNC); }

/* The member of options with this name, if it is there. */
static bool find_part(napi_env env, napi_value all, const char *name, napi_value *part, bool *is_there) {
  if (napi_has_named_property(env, all, name, is_there) != napi_ok) return false;
  return !*is_there || napi_get_named_property(env, all, name, part) == napi_ok;
}

static bool read_sync(napi_env env, napi_value all, gw_client_options *settings, struct client_parts *parts,
                      struct option_memory *memory) {
  struct sync_texts given = {NULL, 0};
  if (!read_options(env, all, sync_options, 1, &given, memory)) return false;
  size_t limit = sizeof parts->sync / sizeof parts->sync[0];
  for (size_t at = 0; at + 1 < given.count && at / 2 < limit; at += 2) {
    size_t length = strlen(given.texts[at + 1]);
    parts->sync[at / 2] = (gw_sync_call){given.texts[at], length > 0 ? given.texts[at + 1] : NULL, length};
  }
  settings->sync_calls = parts->sync;
  settings->sync_count = given.count / 2;
  return true;
}

bool read_call_parts(napi_env env, napi_value all, gw_client_options *settings, struct client_parts *parts,
                     struct option_memory *memory) {
  napi_value part;
  bool is_there = false;
  gw_offline_options_init(&parts->offline);
  gw_resync_options_init(&parts->resync);
  if (!find_part(env, all, "offline", &part, &is_there)) return false;
  if (is_there) {
    if (!read_options(env, part, offline_options, OPTION_COUNT_OFFLINE, &parts->offline, memory)) return false;
    settings->offline = &parts->offline;
  }
  if (!find_part(env, all, "resync", &part, &is_there)) return false;
  if (is_there) {
    if (!read_options(env, part, resync_options, OPTION_COUNT_RESYNC, &parts->resync, memory)) return false;
    settings->resync = &parts->resync;
  }
  return read_sync(env, all, settings, parts, memory);
}

napi_value give_id(struct addon *addon, uint64_t id, gw_status status) {
  addon->table[TABLE_ID_LOW] = (uint32_t)id;
  addon->table[TABLE_ID_HIGH] = (uint32_t)(id >> 32);
  scratch_trim(&addon->json);
  if (status >= 0) context_unsent(addon);
  return make_i32(addon->env, status);
}

/* Text of a call's option; what is too long for the buffer is too long for the library, too, and left for it to refuse. */
static bool read_short(napi_env env, napi_value value, char *buffer, size_t size, const char **out) {
  napi_valuetype type;
  size_t length = 0;
  *out = NULL;
  if (napi_typeof(env, value, &type) != napi_ok) return false;
  if (type != napi_string) return true;
  if (napi_get_value_string_utf8(env, value, buffer, size, &length) != napi_ok) return false;
  *out = buffer;
  return true;
}

/* (place, number, method, params, flags, timeout) -> status; the id of the call goes into the table */
static napi_value client_call(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  size_t length = 0;
  uint32_t number = 0;
  struct bytes params;
  gw_call_options settings = {.struct_size = sizeof settings};
  struct addon *addon = addon_arguments(env, info, 6, arguments);
  if (addon == NULL || !read_u32(env, arguments[1], &number) || !read_text(env, arguments[2], &addon->text, &length) ||
      !read_bytes(env, arguments[3], &addon->json, &params) || !read_u32(env, arguments[4], &settings.flags) ||
      !read_u32(env, arguments[5], &settings.timeout_ms)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  uint64_t call = 0;
  settings.user_data = (void *)(uintptr_t)number;
  gw_status status = gw_client_call(client, addon->text.bytes, params.ptr, params.len, &settings, &call);
  return give_id(addon, call, status);
}

/* As client_call, with two more: an idempotency key and a trace context, each text or undefined */
static napi_value client_call_with(napi_env env, napi_callback_info info) {
  napi_value arguments[8];
  size_t length = 0;
  uint32_t number = 0;
  struct bytes params;
  char key[512], trace[256];
  gw_call_options settings = {.struct_size = sizeof settings};
  struct addon *addon = addon_arguments(env, info, 8, arguments);
  if (addon == NULL || !read_u32(env, arguments[1], &number) || !read_text(env, arguments[2], &addon->text, &length) ||
      !read_bytes(env, arguments[3], &addon->json, &params) || !read_u32(env, arguments[4], &settings.flags) ||
      !read_u32(env, arguments[5], &settings.timeout_ms) ||
      !read_short(env, arguments[6], key, sizeof key, &settings.idempotency_key) ||
      !read_short(env, arguments[7], trace, sizeof trace, &settings.traceparent)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  uint64_t call = 0;
  settings.user_data = (void *)(uintptr_t)number;
  gw_status status = gw_client_call(client, addon->text.bytes, params.ptr, params.len, &settings, &call);
  return give_id(addon, call, status);
}

/* (place, low, high) -> status */
static napi_value with_id(napi_env env, napi_callback_info info, gw_status (*function)(gw_client *, uint64_t)) {
  napi_value arguments[3];
  uint64_t id;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_id(env, arguments[1], arguments[2], &id)) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  return make_i32(env, function(client, id));
}

static napi_value client_cancel(napi_env env, napi_callback_info info) { return with_id(env, info, gw_client_cancel); }

static napi_value client_unsubscribe(napi_env env, napi_callback_info info) {
  return with_id(env, info, gw_client_unsubscribe);
}

static napi_value client_resynced(napi_env env, napi_callback_info info) {
  return with_id(env, info, gw_client_resynced);
}

/* (place, method, params) -> status; the id of the subscription goes into the table */
static napi_value client_subscribe(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  size_t length = 0;
  uint32_t place = 0;
  struct bytes params;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_u32(env, arguments[0], &place) || !read_text(env, arguments[1], &addon->text, &length) ||
      !read_bytes(env, arguments[2], &addon->json, &params)) {
    return NULL;
  }
  gw_client *client = handle_at(addon, HANDLE_CLIENT, arguments[0]);
  if (client == NULL) return make_i32(env, GW_ERR_GONE);
  uint64_t id = 0;
  void *owner = (void *)(uintptr_t)place;
  gw_status status = gw_client_subscribe(client, addon->text.bytes, params.ptr, params.len, owner, &id);
  return give_id(addon, id, status);
}

const napi_property_descriptor call_functions[] = {
    FUNCTION("clientCall", client_call),
    FUNCTION("clientCallWith", client_call_with),
    FUNCTION("clientCancel", client_cancel),
    FUNCTION("clientSubscribe", client_subscribe),
    FUNCTION("clientUnsubscribe", client_unsubscribe),
    FUNCTION("clientResynced", client_resynced),
};
const size_t call_function_count = sizeof call_functions / sizeof call_functions[0];
