/* zlib for Swift: its header, and its macros as functions, because the importer sees no macros with arguments. */
#ifndef GATEWIRE_CZLIB_SHIM_H
#define GATEWIRE_CZLIB_SHIM_H

#include <zlib.h>

static inline int gw_deflate_init(z_stream *stream, int level, int window_bits, int memory_level) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int gw_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

#endif
