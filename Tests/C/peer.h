/* A gateway that is not ours: sockets and OpenSSL, so that a test can say byte for byte what the library meets. */
#ifndef GATEWIRE_TEST_PEER_H
#define GATEWIRE_TEST_PEER_H

#include <stdbool.h>
#include <stddef.h>

/* One accepted connection, inside a script. */
typedef struct peer peer;

/* What a peer does with its connection; runs on a thread of its own. */
typedef void peer_script(peer *peer);

typedef struct peer_server peer_server;

/* Listens on a free port of 127.0.0.1 and runs the script for each of at most `connections` connections, one after
 * another.  certificate: path of a PEM file with certificate and key, or NULL for no TLS (a script may begin it). */
peer_server *peer_listen(peer_script *script, const char *certificate, int connections);

/* "ws://127.0.0.1:PORT" or, with a certificate, wss. */
const char *peer_url(const peer_server *server);

/* Waits until all connections were served or `connections` cannot come any more, and frees. */
void peer_join(peer_server *server);

/* Bytes of the application that the peers have got so far, behind TLS if there is any. */
size_t peer_received(const peer_server *server);

/* A client that is not ours: connects to 127.0.0.1 and says these bytes.  The socket, or -1. */
int peer_connect(unsigned port, const void *bytes, size_t len);
void peer_disconnect(int socket);

/* --- for scripts --- */

bool peer_tls(peer *peer);         /* does the handshake as server; without it a certificate is not used */
void peer_refuse_alpn(peer *peer); /* before peer_tls: no protocol that the client offers will do */
bool peer_resumed(const peer *peer);                     /* the client has resumed a session */
void peer_limit_tls(peer *peer, int version);            /* before peer_tls: OpenSSL's number of the highest version */
void peer_want_certificate(peer *peer, const char *ca);  /* before peer_tls: clients must show a certificate of this CA */
bool peer_send(peer *peer, const void *bytes, size_t len);
bool peer_send_text(peer *peer, const char *text);
bool peer_send_raw(peer *peer, const char *text);         /* past TLS */
bool peer_read(peer *peer, void *bytes, size_t len);      /* exactly that many */
bool peer_read_head(peer *peer, char *head, size_t size); /* an HTTP head, to its empty line */
bool peer_upgrade(peer *peer);                            /* reads the request and answers 101 */
bool peer_accept_upgrade(peer *peer, const char *head); /* answers 101 to a request that was read */
bool peer_send_frame(peer *peer, unsigned opcode, const void *bytes, size_t len);
bool peer_send_json(peer *peer, const char *json); /* one text message */
bool peer_challenge(peer *peer);
/* The next text message of the client, unmasked and with NUL behind it; false at its end or a close frame. */
bool peer_read_json(peer *peer, char *json, size_t size);
/* The next message of the client, which must be a binary one of fewer than size bytes. */
bool peer_read_binary(peer *peer, void *bytes, size_t size, size_t *len);
/* Challenge, connect request, hello; the gateway says that it ticks every tick_ms. */
bool peer_hello(peer *peer, unsigned tick_ms);
/* Upgrade and hello with the usual 30 s. */
bool peer_ready(peer *peer);
/* The string member "id" of a request, as it stands there. */
bool peer_request_id(const char *json, char *id, size_t size);
void peer_wait_end(peer *peer); /* reads until the client is gone, at most 20 s */
void peer_reset(peer *peer);    /* ends the connection with a reset */

#endif
