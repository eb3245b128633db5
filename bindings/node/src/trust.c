/* Which servers are believed: the options of the header's gw_trust_options, and its functions. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_trust_options, member), 0}

static const struct option options[] = {
    OPTION("mode", OPTION_COUNT, mode),
    OPTION("answerTimeoutMs", OPTION_TIME, answer_timeout_ms),
    OPTION("caDirectory", OPTION_TEXT, ca_directory),
    OPTION("caPem", OPTION_TEXT, ca_pem),
    OPTION("sni", OPTION_TEXT, sni),
    OPTION("certificateFile", OPTION_TEXT, certificate_file),
    OPTION("keyFile", OPTION_TEXT, key_file),
    OPTION("pkcs12File", OPTION_TEXT, pkcs12_file),
    OPTION("passphrase", OPTION_TEXT, passphrase),
    OPTION("ciphers", OPTION_TEXT, ciphers),
    OPTION("cipherSuites", OPTION_TEXT, cipher_suites),
    OPTION("groups", OPTION_TEXT, groups),
    OPTION("minVersion", OPTION_COUNT, min_version),
    OPTION("maxVersion", OPTION_COUNT, max_version),
    OPTION("keyLogFile", OPTION_TEXT, key_log_file),
};
enum { OPTION_COUNT_TRUST = sizeof options / sizeof options[0] };

napi_value trust_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_TRUST); }

bool read_trust(napi_env env, napi_value all, gw_trust_options *trust, struct option_memory *memory,
                const gw_trust_options **out) {
  napi_value given, flags, values;
  bool is_there = false;
  *out = NULL;
  if (napi_has_named_property(env, all, "trust", &is_there) != napi_ok) return false;
  if (!is_there) return true;
  gw_trust_options_init(trust);
  if (napi_get_named_property(env, all, "trust", &given) != napi_ok ||
      napi_get_named_property(env, given, "flags", &flags) != napi_ok ||
      napi_get_named_property(env, given, "values", &values) != napi_ok || !read_u32(env, flags, &trust->flags)) {
    return false;
  }
  *out = trust;
  return read_options(env, values, options, OPTION_COUNT_TRUST, trust, memory);
}

/* (low, high, accept) -> status */
static napi_value trust_answer(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  uint64_t question;
  uint32_t accept;
  struct addon *addon = addon_arguments(env, info, 3, arguments);
  if (addon == NULL || !read_id(env, arguments[0], arguments[1], &question) || !read_u32(env, arguments[2], &accept)) {
    return NULL;
  }
  return make_i32(env, gw_trust_answer(addon->context, question, accept));
}

/* (text) -> 64 hex digits behind the name of the kind, or a status */
static napi_value pin_read(napi_env env, napi_callback_info info) {
  static const char *const labels[] = {"", "cert:", "key:", "ca:", "ca-key:"};
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  size_t length = 0;
  if (addon == NULL || !read_text(env, argument, &addon->text, &length)) return NULL;
  char digits[65], pin[80];
  uint32_t kind = 0;
  gw_status status = gw_pin_read(addon->text.bytes, &kind, digits);
  if (status != GW_OK || kind >= sizeof labels / sizeof labels[0]) return make_i32(env, status);
  snprintf(pin, sizeof pin, "%s%s", labels[kind], digits);
  return make_text(env, pin, NAPI_AUTO_LENGTH);
}

static void set_slice(napi_env env, napi_value object, const char *name, gw_slice slice) {
  set_text(env, object, name, slice.len > 0 ? (const char *)slice.ptr : "", slice.len);
}

napi_value make_tls_state(napi_env env, gw_status status, const gw_tls_state *state) {
  napi_value object;
  if (status != GW_OK || napi_create_object(env, &object) != napi_ok) return make_i32(env, status);
  set_slice(env, object, "version", state->version);
  set_slice(env, object, "cipher", state->cipher);
  set_slice(env, object, "group", state->group);
  set_slice(env, object, "chain", state->chain);
  set_number(env, object, "resumed", state->resumed);
  return object;
}

/* (place) -> object, or a status */
static napi_value client_tls(napi_env env, napi_callback_info info) {
  napi_value argument;
  struct addon *addon = addon_arguments(env, info, 1, &argument);
  if (addon == NULL) return NULL;
  gw_client *client = handle_at(addon, HANDLE_CLIENT, argument);
  gw_tls_state state = {.struct_size = sizeof state};
  return make_tls_state(env, client == NULL ? GW_ERR_GONE : gw_client_get_tls(client, &state), &state);
}

const napi_property_descriptor trust_functions[] = {
    FUNCTION("trustAnswer", trust_answer),
    FUNCTION("pinRead", pin_read),
    FUNCTION("clientTls", client_tls),
};
const size_t trust_function_count = sizeof trust_functions / sizeof trust_functions[0];
