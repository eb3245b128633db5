/*
 * gatewire/route.h: which way leads to the server.
 *
 * For gw_client_options.route and gw_socket_options.route; NULL there goes directly over TCP.  Several addresses of a host are raced
 * (Happy Eyeballs, RFC 8305): families take turns, a new attempt begins every 250 ms or when one fails, none that is
 * under way is given up, the first that connects wins.
 */
#ifndef GATEWIRE_ROUTE_H
#define GATEWIRE_ROUTE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_route_options.flags */
enum {
  /* Go through the proxy that the environment names: https_proxy or HTTPS_PROXY for wss, http_proxy for ws, else all_proxy or
   * ALL_PROXY, but not to what no_proxy or NO_PROXY names ("*", names and what ends in them behind a dot, addresses, networks as
   * 10.0.0.0/8, each with a port or without).  Read at each attempt; the only thing that this library reads there. */
  GW_ROUTE_PROXY_ENVIRONMENT = 1u << 0,
  /* descriptor is set. */
  GW_ROUTE_DESCRIPTOR = 1u << 1
};

typedef struct gw_route_options {
  uint32_t struct_size;
  uint32_t flags;

  /* Proxy: "http://host:port", "https://..." (TLS to the proxy, verified by CA and name), "socks5://..." (names are resolved here) or
   * "socks5h://..." (names are resolved by the proxy, as with HTTP), each with "user:password@" or without (RFC 9110
   * section 9.3.6, RFC 7617, RFC 1928, RFC 1929).  At most one of proxy, GW_ROUTE_PROXY_ENVIRONMENT, unix_path and
   * GW_ROUTE_DESCRIPTOR. */
  const char *proxy;
  const char *proxy_ca_file; /* PEM bundle used in place of the system's for a proxy that is reached over TLS */

  /* Literal addresses to connect to in place of looking the URL's host up; TLS and Host keep the URL's host. */
  const char *const *addresses;
  size_t address_count;

  const char *bind_address; /* literal address to connect from, for attempts of its family */
  const char *unix_path;    /* Unix domain socket to connect to in place of TCP; "@name": the abstract namespace (unix(7)) */

  /* With GW_ROUTE_DESCRIPTOR: a connected stream socket to use in place of connecting.  It is the library's once the open function
   * has answered GW_OK.  A client needs GW_CLIENT_NO_RECONNECT then: there is no second one. */
  int32_t descriptor;

  uint32_t proxy_timeout_ms;    /* from the connection to the proxy to the open tunnel.  0: 15000 */
  uint32_t tcp_keepalive_ms;    /* silence after which the kernel probes the peer, in whole seconds.  0: it does not */
  uint32_t tcp_user_timeout_ms; /* how long sent data may stay unacknowledged (RFC 5482).  0: as the system has it */
} gw_route_options;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_route_options_init(gw_route_options *options);

#ifdef __cplusplus
}
#endif
#endif
