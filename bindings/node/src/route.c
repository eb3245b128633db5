/* Which way leads to the server: the options of the header's gw_route_options. */
#include "addon.h"

#define OPTION(name, kind, member) {name, kind, offsetof(gw_route_options, member), 0}

static const struct option options[] = {
    OPTION("proxy", OPTION_TEXT, proxy),
    OPTION("proxyCaFile", OPTION_TEXT, proxy_ca_file),
    {"addresses", OPTION_TEXTS, offsetof(gw_route_options, addresses), offsetof(gw_route_options, address_count)},
    OPTION("bindAddress", OPTION_TEXT, bind_address),
    OPTION("unixPath", OPTION_TEXT, unix_path),
    OPTION("proxyTimeoutMs", OPTION_TIME, proxy_timeout_ms),
    OPTION("tcpKeepaliveMs", OPTION_TIME, tcp_keepalive_ms),
    OPTION("tcpUserTimeoutMs", OPTION_TIME, tcp_user_timeout_ms),
};
enum { OPTION_COUNT_ROUTE = sizeof options / sizeof options[0] };

napi_value route_describe(napi_env env) { return describe_options(env, options, OPTION_COUNT_ROUTE); }

bool read_route(napi_env env, napi_value all, gw_route_options *route, struct option_memory *memory,
                const gw_route_options **out) {
  napi_value given, flags, values;
  bool is_there = false;
  *out = NULL;
  if (napi_has_named_property(env, all, "route", &is_there) != napi_ok) return false;
  if (!is_there) return true;
  gw_route_options_init(route);
  if (napi_get_named_property(env, all, "route", &given) != napi_ok ||
      napi_get_named_property(env, given, "flags", &flags) != napi_ok ||
      napi_get_named_property(env, given, "values", &values) != napi_ok || !read_u32(env, flags, &route->flags)) {
    return false;
  }
  *out = route;
  return read_options(env, values, options, OPTION_COUNT_ROUTE, route, memory);
}
