/* The context of an environment, watched by its libuv loop, and the way of events into JavaScript: one poll, one string
 * or Buffer, one table and one call for each wake-up. */
#include <stdlib.h>
#include <string.h>

#include "addon.h"

/* --- events out --- */

static void put_u64(uint32_t *row, uint64_t value) {
  row[0] = (uint32_t)value;
  row[1] = (uint32_t)(value >> 32);
}

static char *put_bytes(char *at, gw_slice slice) {
  if (slice.len == 0) return at;
  memcpy(at, slice.ptr, slice.len);
  return at + slice.len;
}

/* The attachments of a Socket.IO event or acknowledgement, which take the place of a text.  How many. */
static uint32_t attachments_of(const gw_event *event, const gw_slice **attachments) {
  bool has = event->type == GW_EVENT_SIO_EVENT || (event->type == GW_EVENT_SIO_ACK && event->status == GW_OK);
  *attachments = (const gw_slice *)(const void *)event->text.ptr;
  return has ? event->code : 0;
}

static gw_slice text_of(const gw_event *event) {
  const gw_slice *attachments;
  return attachments_of(event, &attachments) > 0 ? (gw_slice){NULL, 0} : event->text;
}

/* Bytes of an event that go into the packed run.  Names and texts are short by nature, the library limits both. */
static size_t packed_length(const gw_event *event) {
  size_t payload = event->payload.len < LARGE_PAYLOAD ? event->payload.len : 0;
  return event->name.len + payload + text_of(event).len;
}

/* Writes the table and packs the bytes of all events behind one another. */
static bool pack_events(struct addon *addon, uint32_t count, size_t *length) {
  size_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += packed_length(&addon->events[i]);
  if (!scratch_reserve(&addon->packed, total)) return false;

  char *at = addon->packed.bytes;
  uint32_t *row = addon->table + TABLE_ROWS;
  for (uint32_t i = 0; i < count; i++, row += ROW_WORDS) {
    const gw_event *event = &addon->events[i];
    bool is_large = event->payload.len >= LARGE_PAYLOAD;
    row[ROW_TYPE] = event->type;
    row[ROW_STATUS] = (uint32_t)event->status;
    row[ROW_OWNER] = (uint32_t)(uintptr_t)event->user_data;
    row[ROW_CODE] = event->code;
    row[ROW_FLAGS] = event->flags;
    row[ROW_ACTOR] = event->actor;
    row[ROW_RETRY_AFTER] = event->retry_after_ms;
    row[ROW_NAME] = (uint32_t)event->name.len;
    row[ROW_PAYLOAD] = is_large ? PAYLOAD_IS_LARGE : (uint32_t)event->payload.len;
    row[ROW_TEXT] = (uint32_t)text_of(event).len;
    put_u64(row + ROW_CONNECTION, event->connection);
    put_u64(row + ROW_SUBJECT, event->subject);
    put_u64(row + ROW_SEQUENCE, event->sequence);
    at = put_bytes(at, event->name);
    if (!is_large) at = put_bytes(at, event->payload);
    at = put_bytes(at, text_of(event));
  }
  *length = total;
  return true;
}

static bool is_ascii(const char *bytes, size_t length) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + sizeof seen <= length; i += sizeof seen) {
    uint64_t word;
    memcpy(&word, bytes + i, sizeof word);
    seen |= word;
  }
  for (; i < length; i++) seen |= (unsigned char)bytes[i];
  return (seen & UINT64_C(0x8080808080808080)) == 0;
}

/* In ASCII an offset in bytes is one in characters: JavaScript slices a string.  Else it decodes parts of a Buffer. */
static napi_status make_packed(napi_env env, const char *bytes, size_t length, napi_value *out) {
  if (length == 0) return napi_create_string_latin1(env, "", 0, out);
  if (is_ascii(bytes, length)) return napi_create_string_latin1(env, bytes, length, out);
  return napi_create_buffer_copy(env, length, bytes, NULL, out);
}

/* Puts a Buffer at the end of an array, which is made when it is first needed. */
static napi_status push_buffer(napi_env env, gw_slice bytes, uint32_t *made, napi_value *array) {
  napi_value buffer;
  napi_status status = *made == 0 ? napi_create_array(env, array) : napi_ok;
  const void *data = bytes.len > 0 ? (const void *)bytes.ptr : "";
  if (status == napi_ok) status = napi_create_buffer_copy(env, bytes.len, data, NULL, &buffer);
  return status == napi_ok ? napi_set_element(env, *array, (*made)++, buffer) : status;
}

/* Large payloads and attachments, in the order of their events: an array of Buffers, undefined if there is none. */
static napi_status make_large(struct addon *addon, uint32_t count, napi_value *out) {
  napi_env env = addon->env;
  uint32_t made = 0;
  napi_status status = napi_get_undefined(env, out);
  for (uint32_t i = 0; i < count && status == napi_ok; i++) {
    const gw_slice *attachments;
    uint32_t attached = attachments_of(&addon->events[i], &attachments);
    gw_slice payload = addon->events[i].payload;
    if (payload.len >= LARGE_PAYLOAD) status = push_buffer(env, payload, &made, out);
    for (uint32_t at = 0; at < attached && status == napi_ok; at++) status = push_buffer(env, attachments[at], &made, out);
  }
  return status;
}

/* A wake-up that cannot be delivered would lose events: that is an error of the program as a whole. */
static void give_up(napi_env env, const char *what) {
  napi_value message, error = NULL;
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
    napi_get_and_clear_last_exception(env, &error);
  } else if (napi_create_string_utf8(env, what, NAPI_AUTO_LENGTH, &message) == napi_ok) {
    napi_create_error(env, NULL, message, &error);
  }
  if (error != NULL) napi_fatal_exception(env, error);
}

static napi_status deliver(struct addon *addon, uint32_t count) {
  napi_env env = addon->env;
  napi_value arguments[3], function, receiver;
  size_t length = 0;
  if (!pack_events(addon, count, &length)) return napi_generic_failure;

  napi_status status = make_packed(env, addon->packed.bytes, length, &arguments[1]);
  if (status == napi_ok) status = make_large(addon, count, &arguments[2]);
  if (status == napi_ok) status = napi_create_uint32(env, count, &arguments[0]);
  if (status == napi_ok) status = napi_get_reference_value(env, addon->deliver, &function);
  if (status == napi_ok) status = napi_get_global(env, &receiver);
  scratch_trim(&addon->packed);
  if (status != napi_ok) return status;
  /* Runs promise jobs before it returns, so what they send is part of this turn. */
  return napi_make_callback(env, addon->async, receiver, function, 3, arguments, NULL);
}

static void on_readable(uv_poll_t *poll, int error, int ready) {
  struct addon *addon = poll->data;
  (void)error;
  (void)ready;

  gw_batch batch;
  gw_batch_init(&batch);
  gw_status status = gw_context_poll(addon->context, 0, addon->events, EVENTS_EACH, sizeof(gw_event), &batch);

  napi_handle_scope scope;
  if (napi_open_handle_scope(addon->env, &scope) != napi_ok) return;
  if (status < 0) {
    /* Nothing that happens later could be noticed, and the descriptor would stay readable for ever. */
    uv_poll_stop(poll);
    give_up(addon->env, gw_status_text(status));
  } else if (batch.count > 0 && deliver(addon, batch.count) != napi_ok) {
    give_up(addon->env, "events could not be delivered");
  }
  napi_close_handle_scope(addon->env, scope);
}

/* --- flushing --- */

static void before_waiting(uv_prepare_t *prepare) {
  struct addon *addon = prepare->data;
  addon->unsent = false;
  uv_prepare_stop(prepare);
  gw_context_flush(addon->context);
}

void context_unsent(struct addon *addon) {
  if (addon->unsent) return;
  addon->unsent = true;
  uv_prepare_start(&addon->flush, before_waiting);
}

/* --- life of the context --- */

static void on_closed(uv_handle_t *handle) {
  struct addon *addon = handle->data;
  if (--addon->handles_open > 0) return;
  gw_context_free(addon->context);
  addon->context = NULL;
  napi_remove_async_cleanup_hook(addon->cleanup);
  addon_release(addon);
}

static void on_environment_end(napi_async_cleanup_hook_handle cleanup, void *data) {
  struct addon *addon = data;
  addon->cleanup = cleanup;
  handles_release_all(&addon->handles);
  napi_async_destroy(addon->env, addon->async);
  napi_delete_reference(addon->env, addon->deliver);
  napi_delete_reference(addon->env, addon->table_kept);
  uv_poll_stop(&addon->poll);
  uv_close((uv_handle_t *)&addon->poll, on_closed);
  uv_close((uv_handle_t *)&addon->flush, on_closed);
}

static napi_status make_async_context(struct addon *addon) {
  napi_value name;
  napi_status status = napi_create_string_utf8(addon->env, "gatewire", NAPI_AUTO_LENGTH, &name);
  return status == napi_ok ? napi_async_init(addon->env, NULL, name, &addon->async) : status;
}

/* From here on the libuv handles must be closed before the addon can go. */
static bool watch(struct addon *addon, uv_loop_t *loop) {
  if (uv_poll_init(loop, &addon->poll, gw_context_fd(addon->context)) != 0) return false;
  uv_prepare_init(loop, &addon->flush);
  addon->poll.data = addon;
  addon->flush.data = addon;
  addon->handles_open = 2;
  addon->holders++;
  uv_poll_start(&addon->poll, UV_READABLE, on_readable);
  uv_unref((uv_handle_t *)&addon->poll);
  uv_unref((uv_handle_t *)&addon->flush);
  return true;
}

static bool start_context(struct addon *addon) {
  uv_loop_t *loop;
  if (addon->table == NULL || napi_get_uv_event_loop(addon->env, &loop) != napi_ok) return false;
  if (make_async_context(addon) != napi_ok) return false;
  if (napi_add_async_cleanup_hook(addon->env, on_environment_end, addon, &addon->cleanup) == napi_ok) {
    if (watch(addon, loop)) return true;
    napi_remove_async_cleanup_hook(addon->cleanup);
  }
  napi_async_destroy(addon->env, addon->async);
  return false;
}

/* Makes the context at the first call; GW_OK if it is there. */
static gw_status context_need(struct addon *addon) {
  if (addon->context != NULL) return GW_OK;
  gw_context_options options;
  gw_context_options_init(&options);
  options.flags = GW_CONTEXT_HOST_FLUSHES;
  options.takeover_ms = addon->takeover_ms;
  gw_status status = gw_context_new(&options, &addon->context);
  if (status != GW_OK || start_context(addon)) return status;
  gw_context_free(addon->context);
  addon->context = NULL;
  return GW_ERR_SYSTEM;
}

gw_status open_begin(struct addon *addon, uint32_t *place) {
  gw_status status = context_need(addon);
  /* The place is taken first, because its number goes into the options. */
  return status == GW_OK && !handles_reserve(&addon->handles, place) ? GW_ERR_LIMIT : status;
}

/* --- functions for JavaScript --- */

/* (keep) keeps the process alive, or lets it end */
static napi_value hold(napi_env env, napi_callback_info info) {
  napi_value argument;
  bool keep = false;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL || addon->context == NULL || napi_get_value_bool(env, argument, &keep) != napi_ok) return NULL;
  (keep ? uv_ref : uv_unref)((uv_handle_t *)&addon->poll);
  return NULL;
}

/* (takeover_ms) -> a status; GW_ERR_STATE once there is a context */
static napi_value set_takeover(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  if (addon->context != NULL) return make_i32(env, GW_ERR_STATE);
  return make_i32(env, napi_get_value_uint32(env, argument, &addon->takeover_ms) == napi_ok ? GW_OK : GW_ERR_ARGUMENT);
}

/* () -> a status; without a context nothing is open that could be asked */
static napi_value network_changed(napi_env env, napi_callback_info info) {
  struct addon *addon = addon_arguments(env, info, 0, NULL);
  if (addon == NULL) return NULL;
  return make_i32(env, addon->context == NULL ? GW_OK : gw_context_network_changed(addon->context));
}

/* () hands what was sent to the kernel now */
static napi_value flush(napi_env env, napi_callback_info info) {
  struct addon *addon = addon_arguments(env, info, 0, NULL);
  if (addon == NULL || addon->context == NULL) return NULL;
  return make_i32(env, gw_context_flush(addon->context));
}

/* () -> {status, actor, text} of the last failure */
static napi_value last_error(napi_env env, napi_callback_info info) {
  struct addon *addon = addon_arguments(env, info, 0, NULL);
  napi_value object;
  if (addon == NULL || napi_create_object(env, &object) != napi_ok) return NULL;
  gw_error error = {.struct_size = sizeof error};
  if (addon->context != NULL) gw_context_last_error(addon->context, &error);
  set_number(env, object, "status", error.status);
  set_number(env, object, "actor", error.actor);
  set_text(env, object, "text", (const char *)error.text.ptr, error.text.len);
  return object;
}

const napi_property_descriptor context_functions[] = {
    FUNCTION("setTakeover", set_takeover),
    FUNCTION("networkChanged", network_changed),
    FUNCTION("hold", hold),
    FUNCTION("flush", flush),
    FUNCTION("lastError", last_error),
};
const size_t context_function_count = sizeof context_functions / sizeof context_functions[0];
