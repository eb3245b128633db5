#define _GNU_SOURCE
#include "peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PEER_DEADLINE_S = 20 };

struct peer_server {
  int socket;
  int connections;
  peer_script *script;
  SSL_CTX *tls;
  pthread_t thread;
  atomic_size_t received;
  char url[64];
};

struct peer {
  peer_server *server;
  int socket;
  SSL *tls;
};

static void serve(peer_server *server, int socket) {
  struct timeval limit = {.tv_sec = PEER_DEADLINE_S};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  peer peer = {.server = server, .socket = socket};
  server->script(&peer);
  if (peer.tls != NULL) SSL_free(peer.tls);
  if (peer.socket >= 0) close(peer.socket);
}

static void *run(void *argument) {
  peer_server *server = argument;
  /* SSL_write knows no MSG_NOSIGNAL; the program itself keeps the default, which proves the library's promise. */
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, NULL);
  for (int served = 0; served < server->connections; ++served) {
    int socket = accept4(server->socket, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) break;
    serve(server, socket);
  }
  return NULL;
}

peer_server *peer_listen(peer_script *script, const char *certificate, int connections) {
  peer_server *server = calloc(1, sizeof *server);
  server->script = script;
  server->connections = connections;
  if (certificate != NULL) {
    server->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_security_level(server->tls, 0); /* what is too weak is for the library to say */
    if (SSL_CTX_use_certificate_chain_file(server->tls, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(server->tls, certificate, SSL_FILETYPE_PEM) != 1) {
      printf("# cannot use %s\n", certificate);
      exit(99);
    }
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct timeval limit = {.tv_sec = PEER_DEADLINE_S};
  server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(server->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (bind(server->socket, (struct sockaddr *)&address, size) != 0 || listen(server->socket, 16) != 0 ||
      getsockname(server->socket, (struct sockaddr *)&address, &size) != 0) {
    perror("# peer_listen");
    exit(99);
  }
  snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%d", certificate ? "wss" : "ws", ntohs(address.sin_port));
  pthread_create(&server->thread, NULL, run, server);
  return server;
}

const char *peer_url(const peer_server *server) { return server->url; }
size_t peer_received(const peer_server *server) { return server->received; }

void peer_join(peer_server *server) {
  shutdown(server->socket, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->socket);
  SSL_CTX_free(server->tls);
  free(server);
}

int peer_connect(unsigned port, const void *bytes, size_t len) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(connected, (struct sockaddr *)&address, sizeof address) != 0 ||
      send(connected, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
    close(connected);
    return -1;
  }
  return connected;
}

void peer_disconnect(int socket) { close(socket); }

/* --- bytes --- */

bool peer_resumed(const peer *peer) { return SSL_session_reused(peer->tls) == 1; }

void peer_limit_tls(peer *peer, int version) { SSL_CTX_set_max_proto_version(peer->server->tls, version); }

void peer_want_certificate(peer *peer, const char *ca) {
  SSL_CTX_load_verify_locations(peer->server->tls, ca, NULL);
  SSL_CTX_set_verify(peer->server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_session_id_context(peer->server->tls, (const unsigned char *)"test", 4);
}

bool peer_tls(peer *peer) {
  peer->tls = SSL_new(peer->server->tls);
  SSL_set_fd(peer->tls, peer->socket);
  return SSL_accept(peer->tls) == 1;
}

static int refuse_protocols(SSL *tls, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                            unsigned in_len, void *unused) {
  (void)tls, (void)out, (void)out_len, (void)in, (void)in_len, (void)unused;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void peer_refuse_alpn(peer *peer) { SSL_CTX_set_alpn_select_cb(peer->server->tls, refuse_protocols, NULL); }

static long receive(peer *peer, void *bytes, size_t len) {
  long got = peer->tls ? SSL_read(peer->tls, bytes, (int)len) : recv(peer->socket, bytes, len, 0);
  if (got > 0) peer->server->received += (size_t)got;
  return got;
}

static bool receive_all(peer *peer, void *bytes, size_t len) {
  for (size_t done = 0; done < len;) {
    long got = receive(peer, (char *)bytes + done, len - done);
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

bool peer_send(peer *peer, const void *bytes, size_t len) {
  if (peer->tls) return SSL_write(peer->tls, bytes, (int)len) == (int)len;
  return send(peer->socket, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

bool peer_send_text(peer *peer, const char *text) { return peer_send(peer, text, strlen(text)); }

bool peer_send_raw(peer *peer, const char *text) {
  return send(peer->socket, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

void peer_wait_end(peer *peer) {
  char sink[4096];
  while (receive(peer, sink, sizeof sink) > 0) {}
}

void peer_reset(peer *peer) {
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(peer->socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(peer->socket);
  peer->socket = -1;
}

/* --- HTTP --- */

bool peer_read(peer *peer, void *bytes, size_t len) { return receive_all(peer, bytes, len); }

bool peer_read_head(peer *peer, char *head, size_t size) {
  size_t len = 0;
  while (len + 1 < size) {
    if (!receive_all(peer, head + len, 1)) return false;
    head[++len] = 0;
    if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) return true;
  }
  return false;
}

bool peer_upgrade(peer *peer) {
  char head[8192];
  return peer_read_head(peer, head, sizeof head) && peer_accept_upgrade(peer, head);
}

bool peer_accept_upgrade(peer *peer, const char *head) {
  char text[128], answer[512];
  unsigned char digest[SHA_DIGEST_LENGTH], accept[64];
  const char *key = strcasestr(head, "\r\nSec-WebSocket-Key:");
  if (key == NULL || sscanf(key + 20, " %40s", text) != 1) return false;
  strcat(text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  SHA1((unsigned char *)text, strlen(text), digest);
  EVP_EncodeBlock(accept, digest, sizeof digest);
  snprintf(answer, sizeof answer,
           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: %s\r\n\r\n",
           accept);
  return peer_send_text(peer, answer);
}

/* --- frames --- */

bool peer_send_frame(peer *peer, unsigned opcode, const void *bytes, size_t len) {
  unsigned char frame[70000];
  size_t head = 2;
  if (len > sizeof frame - 10) return false;
  frame[0] = (unsigned char)(0x80 | opcode);
  if (len < 126) {
    frame[1] = (unsigned char)len;
  } else if (len < 65536) {
    frame[1] = 126;
    frame[2] = (unsigned char)(len >> 8);
    frame[3] = (unsigned char)len;
    head = 4;
  } else {
    return false;
  }
  if (len > 0) memcpy(frame + head, bytes, len);
  return peer_send(peer, frame, head + len);
}

bool peer_send_json(peer *peer, const char *json) { return peer_send_frame(peer, 1, json, strlen(json)); }

bool peer_challenge(peer *peer) {
  return peer_send_json(peer, "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":"
                              "{\"nonce\":\"4f7c0a52-7d1e-4e0b-9f58-3f6d1f0c2b11\",\"ts\":1750000000000}}");
}

static bool read_frame(peer *peer, unsigned *opcode, char *bytes, size_t size, size_t *length) {
  unsigned char head[2], extended[8], mask[4];
  if (!receive_all(peer, head, 2)) return false;
  size_t len = head[1] & 127, more = len == 126 ? 2 : len == 127 ? 8 : 0;
  if (!receive_all(peer, extended, more) || !receive_all(peer, mask, 4)) return false;
  if (more > 0) len = 0;
  for (size_t at = 0; at < more; ++at) len = len << 8 | extended[at];
  if (len >= size || !receive_all(peer, bytes, len)) return false;
  for (size_t at = 0; at < len; ++at) bytes[at] = (char)(bytes[at] ^ mask[at & 3]);
  bytes[len] = 0;
  *opcode = head[0] & 15;
  *length = len;
  return true;
}

bool peer_read_json(peer *peer, char *json, size_t size) {
  unsigned opcode;
  size_t len;
  while (read_frame(peer, &opcode, json, size, &len)) {
    if (opcode == 8) return false;
    if (opcode == 1) return true;
  }
  return false;
}

bool peer_read_binary(peer *peer, void *bytes, size_t size, size_t *len) {
  unsigned opcode;
  return read_frame(peer, &opcode, bytes, size, len) && opcode == 2;
}

bool peer_request_id(const char *json, char *id, size_t size) {
  const char *at = strstr(json, "\"id\":\"");
  if (at == NULL) return false;
  size_t len = strcspn(at + 6, "\"");
  if (len >= size) return false;
  memcpy(id, at + 6, len);
  id[len] = 0;
  return true;
}

bool peer_hello(peer *peer, unsigned tick_ms) {
  char json[8192], id[256], hello[1024];
  if (!peer_challenge(peer) || !peer_read_json(peer, json, sizeof json) || !peer_request_id(json, id, sizeof id))
    return false;
  snprintf(
      hello, sizeof hello,
      "{\"type\":\"res\",\"id\":\"%s\",\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"protocol\":4,"
      "\"server\":{\"version\":\"1\",\"connId\":\"c1\"},\"features\":{\"methods\":[\"health\"],\"events\":[\"tick\"]},"
      "\"snapshot\":{\"presence\":[],\"health\":{},\"stateVersion\":{\"presence\":0,\"health\":0},\"uptimeMs\":1},"
      "\"auth\":{\"role\":\"operator\",\"scopes\":[\"operator.read\",\"operator.write\"]},"
      "\"policy\":{\"maxPayload\":26214400,\"maxBufferedBytes\":52428800,\"tickIntervalMs\":%u}}}",
      id, tick_ms);
  return peer_send_json(peer, hello);
}

bool peer_ready(peer *peer) { return peer_upgrade(peer) && peer_hello(peer, 30000); }
