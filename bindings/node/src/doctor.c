/* Doctors: known by the place that their events carry, and by an id. */
#include "addon.h"

/* Starts one whose events carry its place in the table, which stands reserved for as long as it runs. */
static napi_value start_at_place(struct addon *addon, gw_client_options *settings, uint32_t flags) {
  uint32_t place = 0;
  uint64_t doctor = 0;
  gw_status status = open_begin(addon, &place);
  if (status != GW_OK) return make_i32(addon->env, status);
  settings->user_data = (void *)(uintptr_t)place;
  status = gw_doctor_start(addon->context, settings, flags, &doctor);
  if (status != GW_OK) return open_end(addon, place, HANDLE_NONE, NULL, status);
  addon->table[TABLE_ID_LOW] = (uint32_t)doctor;
  addon->table[TABLE_ID_HIGH] = (uint32_t)(doctor >> 32);
  context_unsent(addon);
  return make_i32(addon->env, (int32_t)place);
}

/* (url, flags, options, doctor's flags) -> place, or a negative status; the id goes into the table */
static napi_value doctor_start(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  struct addon *addon = addon_arguments(env, info, 4, arguments);
  gw_client_options settings;
  struct client_parts parts;
  struct option_memory memory = {NULL};
  uint32_t flags;
  if (addon == NULL || !read_u32(env, arguments[3], &flags)) return NULL;
  bool is_read = read_client_options(addon, arguments, &settings, &parts, &memory);
  napi_value result = is_read ? start_at_place(addon, &settings, flags) : NULL;
  option_memory_free(&memory);
  return result;
}

/* (low, high) -> status */
static napi_value doctor_cancel(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  uint64_t doctor;
  struct addon *addon = addon_arguments(env, info, 2, arguments);
  if (addon == NULL || !read_id(env, arguments[0], arguments[1], &doctor)) return NULL;
  return make_i32(env, gw_doctor_cancel(addon->context, doctor));
}

const napi_property_descriptor doctor_functions[] = {
    FUNCTION("doctorStart", doctor_start),
    FUNCTION("doctorCancel", doctor_cancel),
};
const size_t doctor_function_count = sizeof doctor_functions / sizeof doctor_functions[0];
