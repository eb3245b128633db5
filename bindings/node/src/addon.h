/*
 * The addon: one instance for each JavaScript environment (the main thread, each worker thread), nothing shared between
 * them.
 *
 * Handles.  JavaScript knows what it opened by small numbers, which are places in a table (handles.h).  A number
 * that stands for nothing answers GW_ERR_GONE.  What is open is freed by JavaScript after its last event, or by the
 * end of the environment; the garbage collector frees nothing here.
 *
 * End of an environment, in this order: free the handles, stop watching the descriptor, wait for the close
 * callbacks of the libuv handles, free the context, free the addon.
 */
#ifndef GATEWIRE_NODE_ADDON_H
#define GATEWIRE_NODE_ADDON_H

#include <uv.h>

#include "gatewire/gatewire.h"
#include "handles.h"
#include "values.h"

enum {
  EVENTS_EACH = 256,        /* events of one wake-up */
  LARGE_PAYLOAD = 16 * 1024 /* bytes from which a payload is a Buffer of its own */
};

/*
 * The table that JavaScript reads: an id that a function gave out, then one row for each event of a wake-up.
 * lib/native.js has the same numbers.
 */
enum {
  TABLE_ID_LOW = 0,
  TABLE_ID_HIGH = 1,
  TABLE_ROWS = 4,

  ROW_TYPE = 0,
  ROW_STATUS = 1,
  ROW_OWNER = 2, /* place of the handle, or the number of a call */
  ROW_CODE = 3,
  ROW_FLAGS = 4,
  ROW_ACTOR = 5,
  ROW_RETRY_AFTER = 6,
  ROW_NAME = 7, /* lengths; the bytes lie back to back in the order name, payload, text */
  ROW_PAYLOAD = 8,
  ROW_TEXT = 9,
  ROW_CONNECTION = 10, /* low and high half */
  ROW_SUBJECT = 12,
  ROW_SEQUENCE = 14,
  ROW_WORDS = 16,

  TABLE_WORDS = TABLE_ROWS + EVENTS_EACH * ROW_WORDS
};

/* In ROW_PAYLOAD: the payload is the next Buffer of the list of large ones. */
#define PAYLOAD_IS_LARGE UINT32_MAX

struct addon {
  napi_env env;
  unsigned holders; /* the environment, and the context while its libuv handles are not closed */

  gw_context *context; /* NULL until it is needed */
  uint32_t takeover_ms;
  uv_poll_t poll;      /* on the descriptor of the context */
  uv_prepare_t flush;  /* runs before the loop waits, when something was sent since */
  bool unsent;
  unsigned handles_open; /* of the two above */
  napi_async_cleanup_hook_handle cleanup;
  napi_async_context async;

  napi_ref deliver;    /* function(count, bytes, large) */
  napi_ref table_kept; /* the ArrayBuffer that owns table */
  uint32_t *table;

  struct handles handles;

  struct scratch text; /* arguments */
  struct scratch json;
  struct scratch extra;
  struct scratch packed; /* names, payloads and texts of one wake-up */
  gw_event events[EVENTS_EACH];
};

/* Arguments of a function call, and the addon that it belongs to; NULL with an exception pending if that fails. */
struct addon *addon_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *arguments);

void addon_release(struct addon *addon);

/* Makes the context at the first call and takes a place for what is opened in it. */
gw_status open_begin(struct addon *addon, uint32_t *place);

/* Keeps what was opened; its place, or the status if it was not. */
napi_value open_end(struct addon *addon, uint32_t place, enum handle_kind kind, void *handle, gw_status status);

/* The handle at the place that an argument names, NULL if there is none of this kind. */
void *handle_at(struct addon *addon, enum handle_kind kind, napi_value place);

/* Something was sent: it leaves, with all else of this turn, before the loop waits again. */
void context_unsent(struct addon *addon);

/* An id that a function gave out goes into the table; the status. */
napi_value give_id(struct addon *addon, uint64_t id, gw_status status);

/* An entry of the list of functions that a file offers to JavaScript. */
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_default, NULL}

extern const napi_property_descriptor context_functions[];
extern const size_t context_function_count;
extern const napi_property_descriptor client_functions[];
extern const size_t client_function_count;
extern const napi_property_descriptor call_functions[];
extern const size_t call_function_count;
extern const napi_property_descriptor socketio_functions[];
extern const size_t socketio_function_count;
extern const napi_property_descriptor observe_functions[];
extern const size_t observe_function_count;
extern const napi_property_descriptor doctor_functions[];
extern const size_t doctor_function_count;
extern const napi_property_descriptor server_functions[];
extern const size_t server_function_count;
extern const napi_property_descriptor socket_functions[];
extern const size_t socket_function_count;
extern const napi_property_descriptor trust_functions[];
extern const size_t trust_function_count;
extern const napi_property_descriptor listener_functions[];
extern const size_t listener_function_count;

/* Names and kinds of the options. */
napi_value client_describe(napi_env env);
napi_value server_describe(napi_env env);
napi_value socket_describe(napi_env env);
napi_value listener_describe(napi_env env);
napi_value limits_describe(napi_env env);
napi_value deflate_describe(napi_env env);
napi_value route_describe(napi_env env);
napi_value trust_describe(napi_env env);
napi_value credentials_describe(napi_env env);
napi_value socketio_client_describe(napi_env env);
napi_value socketio_describe(napi_env env);
napi_value offline_describe(napi_env env);
napi_value resync_describe(napi_env env);
napi_value observe_describe(napi_env env);

/* What TLS agreed on as an object, or the status of asking for it. */
napi_value make_tls_state(napi_env env, gw_status status, const gw_tls_state *state);

/* Reads the member "route" of options, { flags, values }, if it is there.  *out: what to hand to the library, NULL without.
 * False with an exception pending; memory as in read_options. */
bool read_route(napi_env env, napi_value all, gw_route_options *route, struct option_memory *memory,
                const gw_route_options **out);

/* The same for the member "trust". */
bool read_trust(napi_env env, napi_value all, gw_trust_options *trust, struct option_memory *memory,
                const gw_trust_options **out);

/* What the options of a client point to. */
struct client_parts {
  gw_route_options route;
  gw_trust_options trust;
  gw_offline_options offline;
  gw_resync_options resync;
  gw_observe_options observe;
  gw_sync_call sync[32]; /* as many as the library takes */
};

/* The same for the member "observe". */
bool read_observe(napi_env env, napi_value all, gw_observe_options *observe, struct option_memory *memory,
                  const gw_observe_options **out);

/* Reads the members "offline", "resync" and "initialSync" of options into settings.  False with an exception pending; memory as in
 * read_options, parts for as long. */
bool read_call_parts(napi_env env, napi_value all, gw_client_options *settings, struct client_parts *parts,
                     struct option_memory *memory);

/* Reads url, flags and options of a client.  False with an exception pending; memory as in read_options, parts for as long. */
bool read_client_options(struct addon *addon, const napi_value arguments[3], gw_client_options *settings,
                         struct client_parts *parts, struct option_memory *memory);

/* Reads what sockets and listeners have in common.  False with an exception pending; else as read_options. */
bool read_limits(napi_env env, napi_value object, napi_value deflate, gw_socket_limits *limits,
                 struct option_memory *memory);

#endif
