/* GoClaw's dialect: the options of the header's gw_goclaw_options and gw_goclaw_server_options. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_goclaw_options, member), 0}
#define SERVER_OPTION(name, kind, member) {name, kind, offsetof(gw_goclaw_server_options, member), 0}
#define SERVER_LIST(name, member, count) \
  {name, OPTION_TEXTS, offsetof(gw_goclaw_server_options, member), offsetof(gw_goclaw_server_options, count)}

static const struct option options[] = {
    OPTION("userId", OPTION_TEXT, user_id),
    OPTION("senderId", OPTION_TEXT, sender_id),
    OPTION("tenantId", OPTION_TEXT, tenant_id),
    OPTION("tenantHint", OPTION_TEXT, tenant_hint),
};
enum { OPTION_COUNT_GOCLAW = sizeof options / sizeof options[0] };

static const struct option server_options[] = {
    SERVER_LIST("ownerIds", owner_ids, owner_id_count),
    SERVER_LIST("allowedOrigins", allowed_origins, allowed_origin_count),
    SERVER_OPTION("callsPerMinute", OPTION_COUNT, calls_per_minute),
    SERVER_OPTION("pingIntervalMs", OPTION_TIME, ping_interval_ms),
    SERVER_OPTION("readTimeoutMs", OPTION_TIME, read_timeout_ms),
    SERVER_OPTION("maxQueuedMessages", OPTION_COUNT, max_queued_messages),
};
enum { OPTION_COUNT_GOCLAW_SERVER = sizeof server_options / sizeof server_options[0] };

/* Three texts a key, one after the other: the key, its scopes, its user or "". */
struct key_texts {
  const char *const *texts;
  size_t count;
};
static const struct option key_options[] = {
    {"keys", OPTION_TEXTS, offsetof(struct key_texts, texts), offsetof(struct key_texts, count)},
};

napi_value goclaw_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_GOCLAW); }

napi_value goclaw_server_describe(napi_env env) {
  return describe_options(env, server_options, OPTION_COUNT_GOCLAW_SERVER);
}

/* The member "goclaw" of options, { flags, values, keys }. */
static bool find_goclaw(napi_env env, napi_value all, napi_value *given, uint32_t *flags, napi_value *values,
                        bool *is_there) {
  napi_value number;
  if (napi_has_named_property(env, all, "goclaw", is_there) != napi_ok) return false;
  if (!*is_there) return true;
  return napi_get_named_property(env, all, "goclaw", given) == napi_ok &&
         napi_get_named_property(env, *given, "flags", &number) == napi_ok && read_u32(env, number, flags) &&
         napi_get_named_property(env, *given, "values", values) == napi_ok;
}

bool read_goclaw(napi_env env, napi_value all, gw_goclaw_options *goclaw, struct option_memory *memory,
                 const gw_goclaw_options **out) {
  napi_value given, values;
  bool is_there = false;
  *out = NULL;
  gw_goclaw_options_init(goclaw);
  if (!find_goclaw(env, all, &given, &goclaw->flags, &values, &is_there)) return false;
  if (!is_there) return true;
  *out = goclaw;
  return read_options(env, values, options, OPTION_COUNT_GOCLAW, goclaw, memory);
}

bool read_goclaw_server(napi_env env, napi_value all, struct goclaw_server *goclaw, struct option_memory *memory,
                        const gw_goclaw_server_options **out) {
  napi_value given, values;
  bool is_there = false;
  struct key_texts keys = {NULL, 0};
  *out = NULL;
  gw_goclaw_server_options_init(&goclaw->options);
  if (!find_goclaw(env, all, &given, &goclaw->options.flags, &values, &is_there)) return false;
  if (!is_there) return true;
  *out = &goclaw->options;
  if (!read_options(env, values, server_options, OPTION_COUNT_GOCLAW_SERVER, &goclaw->options, memory) ||
      !read_options(env, given, key_options, 1, &keys, memory)) {
    return false;
  }
  size_t count = keys.count / 3;
  if (count > GOCLAW_KEYS) count = GOCLAW_KEYS;
  for (size_t index = 0; index < count; index++) {
    const char *const *texts = keys.texts + 3 * index;
    goclaw->keys[index] = (gw_goclaw_key){texts[0], texts[1], texts[2][0] == '\0' ? NULL : texts[2]};
  }
  goclaw->options.keys = count > 0 ? goclaw->keys : NULL;
  goclaw->options.key_count = count;
  return true;
}
