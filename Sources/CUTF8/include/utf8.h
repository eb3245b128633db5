/* UTF-8 in vectors, where the processor has the instructions for it: what Swift has no per-function target for. */
#ifndef GATEWIRE_UTF8_H
#define GATEWIRE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* How many of the bytes, from the first on, are known to be whole code points of RFC 3629.  What follows is not judged:
 * it may be the rest that fills no vector, a code point without its end, or invalid.  0 where there are no vectors. */
__attribute__((visibility("hidden"))) size_t gw_utf8_valid_prefix(const uint8_t *bytes, size_t count);

#endif
