/*
 * gatewire/trust.h: which servers are believed, and how TLS is spoken with them.
 *
 * For gw_client_options.trust and gw_socket_options.trust; NULL there: the pins alone decide if there are any, else the CA check does, with
 * the system's CA certificates or those of ca_file.  The verdict falls inside the TLS handshake: no byte of HTTP, and so no
 * credential, leaves before it.
 *
 * The CA check is OpenSSL's: chain, signatures, dates, purpose, strength of keys, and the name (RFC 5280, RFC 9525; addresses too).
 * The strength of the leaf's key counts in every mode: 112 bits are the least (RSA 2048), pinned or not.
 *
 * Pins.  Each is a SHA-256, of one of:
 *
 *   cert:      the leaf certificate; its renewal needs a new pin
 *   key:       the leaf's SubjectPublicKeyInfo, also spki:; it stays when the certificate is renewed for the same key
 *   ca:        the certificate of a CA above the leaf
 *   ca-key:    the SubjectPublicKeyInfo of a CA above the leaf, also ca-spki:
 *
 * A pin of a CA is matched when the chain that the server shows leads to that CA by the CA check, name and dates included, with it as
 * trust anchor; a CA that is not shown is found if it stands on the path that the CA certificates at hand give.
 *
 * After the label, which may be missing, comes the digest: 64 hex digits, with or without colons between bytes, with or without "sha256:"
 * in front; "sha256/" and base64, as HPKP (RFC 7469) and curl write it; or a line that openssl prints ("sha256 Fingerprint=AA:BB...",
 * "SHA2-256(stdin)= aabb...").  Without a label base64 is a key pin and everything else a certificate pin; `openssl dgst` prints the same
 * line for both, so key: must stand in front of that one.
 *
 * Resumption.  A client resumes its last TLS session (RFC 8446 section 2.2, RFC 5246 section 7.3), which shows no certificate: the one of
 * that session is judged again before it is offered, by the pins, CA certificates and clock of now, and a session that would not be
 * believed any more is dropped for a full handshake.  One session is kept, in memory, and used once.
 */
#ifndef GATEWIRE_TRUST_H
#define GATEWIRE_TRUST_H

#include "base.h"
#include "context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_trust_options.mode */
enum {
  GW_TRUST_DEFAULT = 0,    /* GW_TRUST_PIN if there are pins, else GW_TRUST_CA */
  GW_TRUST_CA = 1,         /* the CA check alone */
  GW_TRUST_PIN = 2,        /* a pin alone: neither chain nor name nor dates count for leaf pins */
  GW_TRUST_PIN_AND_CA = 3, /* both must hold */
  GW_TRUST_PIN_OR_CA = 4   /* one of them is enough */
};

/* gw_trust_options.flags */
enum {
  /* Trust on first use: instead of refusing a server for its certificate, ask with GW_EVENT_TRUST_REQUEST.  With GW_TRUST_PIN and no pins every
   * server is asked about. */
  GW_TRUST_ASK = 1u << 0,
  /* The system's CA certificates too, beside those of ca_file, ca_directory and ca_pem. */
  GW_TRUST_SYSTEM_CA = 1u << 1,
  GW_TRUST_NO_RESUMPTION = 1u << 2, /* every handshake is a full one */
  GW_TRUST_NO_SNI = 1u << 3         /* send no server name (RFC 6066 section 3); it is verified all the same */
};

/* gw_trust_options.min_version and max_version */
enum {
  GW_TLS_1_2 = 12,
  GW_TLS_1_3 = 13
};

typedef struct gw_trust_options {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t mode;              /* GW_TRUST_... */
  uint32_t answer_timeout_ms; /* for the host to answer GW_EVENT_TRUST_REQUEST.  0: 60000 */

  /* CA certificates, in place of the system's like ca_file, and together with it. */
  const char *ca_directory; /* PEM files under the names that "openssl rehash" makes */
  const char *ca_pem;       /* PEM text */

  const char *sni; /* server name to send in place of the one that is verified */

  /* What the client shows to servers that ask for a certificate (RFC 8446 section 4.3.2): two PEM files, or one PKCS #12
   * file.  Not shown to another origin that a redirect leads to. */
  const char *certificate_file; /* leaf first */
  const char *key_file;
  const char *pkcs12_file;
  const char *passphrase; /* of the key or the PKCS #12 file.  Never part of an event or error, wiped when it has been used */

  /* What is negotiated.  Lists are colon-separated, in OpenSSL's names. */
  const char *ciphers;       /* TLS 1.2.  NULL: ECDHE with AES-GCM or ChaCha20-Poly1305 */
  const char *cipher_suites; /* TLS 1.3.  NULL: all three of RFC 8446 section 9.1 */
  const char *groups;        /* of the key exchange.  NULL: OpenSSL's */
  uint32_t min_version;      /* 0: GW_TLS_1_2 */
  uint32_t max_version;      /* 0: GW_TLS_1_3 */

  /* Appends the secrets of every session to this file, made with mode 0600, in the NSS key log format: who has it can read the recorded
   * traffic.  For debugging; no environment variable does the same. */
  const char *key_log_file;
} gw_trust_options;

/* Fills in struct_size and zeroes the rest.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_trust_options_init(gw_trust_options *options);

/* Answers a GW_EVENT_TRUST_REQUEST: question is its subject; accept 0 refuses, which ends the connection with GW_ERR_TLS_REFUSED.
 * Nothing is remembered: a client asks again at its next attempt unless gw_client_set_pins has told it better.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE (answered already, too late, or the attempt has ended), GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_trust_answer(gw_context *context, uint64_t question, uint32_t accept);

/* gw_pin_read: what a pin is the SHA-256 of */
enum {
  GW_PIN_CERTIFICATE = 1,
  GW_PIN_KEY = 2,
  GW_PIN_CA = 3,
  GW_PIN_CA_KEY = 4
};

/* Reads a pin of any kind: kind is set to GW_PIN_..., out to 64 lower-case hex digits and NUL.  kind and out may be NULL.
 * Statuses: GW_OK, GW_ERR_ARGUMENT (text is NULL), GW_ERR_PIN_TEXT.  Threads: any. */
GW_EXPORT gw_status gw_pin_read(const char *text, uint32_t *kind, char out[65]);

/* What TLS agreed on (gw_client_get_tls, gw_socket_get_tls, gw_listener_get_tls). */
typedef struct gw_tls_state {
  uint32_t struct_size;
  uint32_t resumed; /* 1: an earlier session goes on, and chain is that one's */
  gw_slice version; /* "TLSv1.3" */
  gw_slice cipher;  /* "TLS_AES_128_GCM_SHA256" */
  gw_slice group;   /* "x25519"; empty if the session was resumed without a new key exchange */
  gw_slice chain;   /* the certificates that the peer showed, as PEM, leaf first */
} gw_tls_state;

#ifdef __cplusplus
}
#endif
#endif
