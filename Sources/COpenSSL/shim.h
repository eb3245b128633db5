/* OpenSSL for Swift: the headers that we use, and its macros as functions, because the importer sees no macros with
 * casts or arguments.  Nothing else lives here. */
#ifndef GATEWIRE_COPENSSL_SHIM_H
#define GATEWIRE_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#endif
