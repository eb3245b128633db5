/* What a listener answers to requests that it does not let in (RFC 6455 section 4.2), byte for byte, and whom it counts. */
#include "pair.h"
#include "peer.h"
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static const char valid[] =
    "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

static gw_listener_options plain(void) {
  gw_listener_options options = listening();
  options.flags = GW_LISTENER_PLAINTEXT;
  options.handshake_timeout_ms = 300;
  return options;
}

/* Polls until the answer has come to its head's end, or the peer has closed; the HTTP status, 0 for none. */
static int read_answer(link_pair *link, int fd, char *text, size_t size) {
  size_t len = 0;
  int64_t end = host_now() + HOST_DEADLINE_MS;
  kept_event event;
  text[0] = 0;
  while (host_now() < end && len + 1 < size) {
    host_next(&link->host, 5, &event);
    ssize_t got = recv(fd, text + len, size - 1 - len, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) break;
    if (got < 0) continue;
    len += (size_t)got;
    text[len] = 0;
    if (strncmp(text, "HTTP/1.1 101", 12) == 0 && strstr(text, "\r\n\r\n") != NULL) break;
  }
  return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

static int status_of(link_pair *link, const char *request, char *text, size_t size) {
  int fd = peer_connect(gw_listener_port(link->listener), request, strlen(request));
  if (fd < 0) return -1;
  int status = read_answer(link, fd, text, size);
  peer_disconnect(fd);
  return status;
}

static int status_with(link_pair *link, const char *lines) {
  char request[4096], text[4096];
  snprintf(request, sizeof request, "%s%s\r\n", valid, lines);
  return status_of(link, request, text, sizeof text);
}

static gw_listener_stats stats_of(const link_pair *link) {
  gw_listener_stats stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gw_listener_get_stats(link->listener, &stats), GW_OK);
  return stats;
}

static void requests_that_are_none(void) {
  link_pair link;
  char text[4096];
  REQUIRE(listen_on(&link, plain()));
  CHECK(status_with(&link, "") == 101);
  CHECK(status_with(&link, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") == 400);
  CHECK(status_with(&link, "Sec-WebSocket-Extensions: a;\r\n") == 400);
  CHECK(status_of(&link, "GET / HTTP/1.0\r\n\r\n", text, sizeof text) == 400);
  CHECK(status_of(&link, "SSH-2.0-x\r\n", text, sizeof text) == 400);
  CHECK(status_of(&link, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof text) == 405);
  CHECK(strstr(text, "\r\nAllow: GET\r\n") != NULL);
  CHECK(status_of(&link, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", text, sizeof text) == 426);
  CHECK(strstr(text, "\r\nSec-WebSocket-Version: 13\r\n") != NULL && strstr(text, "\r\nUpgrade: websocket\r\n") != NULL);
  gw_listener_stats stats = stats_of(&link);
  CHECK(stats.connections == 1 && stats.refused == 6);
  link_close(&link);
}

static void heads_above_their_limits(void) {
  link_pair link;
  gw_socket_limits limits;
  gw_listener_options options = plain();
  char lines[2048];
  gw_socket_limits_init(&limits);
  limits.max_head_bytes = 1024;
  limits.max_header_lines = 8;
  options.limits = &limits;
  REQUIRE(listen_on(&link, options));
  CHECK(status_with(&link, "A: 1\r\nB: 2\r\nC: 3\r\n") == 101);
  CHECK(status_with(&link, "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n") == 431);
  snprintf(lines, sizeof lines, "A: %01000d\r\n", 0);
  CHECK(status_with(&link, lines) == 431);
  link_close(&link);
}

static void origins_that_are_not_allowed(void) {
  static const char *const origins[] = {"https://app.example", "http://app.example:8080"};
  link_pair link;
  gw_listener_options options = plain();
  options.origins = origins;
  options.origin_count = 2;
  REQUIRE(listen_on(&link, options));
  CHECK(status_with(&link, "") == 101);
  CHECK(status_with(&link, "Origin: https://APP.example\r\n") == 101);
  CHECK(status_with(&link, "Origin: https://app.example:443\r\n") == 101);
  CHECK(status_with(&link, "Origin: http://app.example:8080\r\n") == 101);
  CHECK(status_with(&link, "Origin: http://app.example\r\n") == 403);
  CHECK(status_with(&link, "Origin: https://app.example.evil\r\n") == 403);
  CHECK(status_with(&link, "Origin: null\r\n") == 403);
  CHECK(status_with(&link, "Origin: https://app.example\r\nOrigin: https://app.example\r\n") == 400);
  link_close(&link);
}

static void connections_above_the_limits(void) {
  for (int each = 0; each < 2; ++each) {
    link_pair link;
    char request[1024], text[4096];
    gw_listener_options options = plain();
    if (each) options.max_connections_per_address = 1;
    else options.max_connections = 1;
    REQUIRE(listen_on(&link, options));
    snprintf(request, sizeof request, "%s\r\n", valid);
    int first = peer_connect(gw_listener_port(link.listener), request, strlen(request));
    REQUIRE(first >= 0);
    CHECK(read_answer(&link, first, text, sizeof text) == 101);
    CHECK(status_with(&link, "") == 503);
    gw_listener_stats stats = stats_of(&link);
    CHECK(stats.connections_now == 1 && stats.connections == 1 && stats.refused == 1);
    peer_disconnect(first);
    for (int round = 0; round < 1000 && stats.connections_now > 0; ++round) {
      kept_event event;
      host_next(&link.host, 5, &event);
      stats = stats_of(&link);
    }
    CHECK(stats.connections_now == 0);
    CHECK(status_with(&link, "") == 101);
    link_close(&link);
  }
}

static void who_does_not_finish_the_upgrade(void) {
  link_pair link;
  char text[4096];
  REQUIRE(listen_on(&link, plain()));
  CHECK(status_of(&link, "GET / HT", text, sizeof text) == 408);
  link_close(&link);
}

static void a_host_that_does_not_decide(void) {
  link_pair link;
  gw_listener_options options = plain();
  options.flags |= GW_LISTENER_ASK;
  REQUIRE(listen_on(&link, options));
  CHECK(status_with(&link, "") == 503);
  link_close(&link);
}

static void a_listener_that_stops_answers_who_waits(void) {
  link_pair link;
  kept_event event;
  char request[1024], text[4096];
  gw_listener_options options = plain();
  options.flags |= GW_LISTENER_ASK;
  options.handshake_timeout_ms = 0;
  REQUIRE(listen_on(&link, options));
  snprintf(request, sizeof request, "%s\r\n", valid);
  int fd = peer_connect(gw_listener_port(link.listener), request, strlen(request));
  REQUIRE(fd >= 0 && host_wait(&link.host, GW_EVENT_SOCKET_REQUEST, 0, &event));
  CHECK(slice_is(event.event.name, "/chat"));
  CHECK_STATUS(gw_listener_stop(link.listener), GW_OK);
  CHECK(read_answer(&link, fd, text, sizeof text) == 503);
  peer_disconnect(fd);
  link_close(&link);
}

int main(int argc, char **argv) {
  host_read_arguments(argc, argv);
  RUN("upgrades: 400, 405 and 426 (RFC 6455 sections 4.2.1 and 4.4)", requests_that_are_none);
  RUN("upgrades: 431 (RFC 6585 section 5)", heads_above_their_limits);
  RUN("upgrades: 403 by Origin (RFC 6455 section 10.2)", origins_that_are_not_allowed);
  RUN("upgrades: 503 above the limits of connections", connections_above_the_limits);
  RUN("upgrades: 408 for who does not finish", who_does_not_finish_the_upgrade);
  RUN("upgrades: 503 if the host does not decide", a_host_that_does_not_decide);
  RUN("upgrades: 503 from a listener that stops", a_listener_that_stops_answers_who_waits);
  return test_finish();
}
