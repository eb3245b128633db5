/* Sixteen bytes of JSON at a time: what Swift's vectors cannot turn into a bit mask.  Here, because the functions are to
 * be inlined into the scanner's loops; SSE2 is in every x86-64. */
#ifndef GATEWIRE_CJSON_H
#define GATEWIRE_CJSON_H

#include <stdint.h>

/* Each function reads 16 bytes and answers one bit for each, the first byte's lowest. */

#ifdef __SSE2__
#include <emmintrin.h>

/* A quote, a backslash or a control character: what a string cannot hold as it is (RFC 8259 section 7). */
static inline uint32_t gw_json_special(const void *bytes) {
  __m128i input = _mm_loadu_si128((const __m128i *)bytes);
  /* With bit 1 flipped, the quote and the control characters are the bytes up to 0x20. */
  __m128i flipped = _mm_xor_si128(input, _mm_set1_epi8(0x02));
  __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(flipped, _mm_set1_epi8(0x20)), flipped);
  return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(input, _mm_set1_epi8('\\'))));
}

/* No ASCII. */
static inline uint32_t gw_json_not_ascii(const void *bytes) {
  return (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)bytes));
}

/* No decimal digit. */
static inline uint32_t gw_json_not_digit(const void *bytes) {
  __m128i value = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)bytes), _mm_set1_epi8('0'));
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(value, _mm_set1_epi8(10)), value));
}

#else

static inline uint32_t gw_json_special(const void *bytes) {
  const uint8_t *input = (const uint8_t *)bytes;
  uint32_t mask = 0;
  for (int i = 0; i < 16; i++) mask |= (uint32_t)(input[i] < 0x20 || input[i] == '"' || input[i] == '\\') << i;
  return mask;
}

static inline uint32_t gw_json_not_ascii(const void *bytes) {
  const uint8_t *input = (const uint8_t *)bytes;
  uint32_t mask = 0;
  for (int i = 0; i < 16; i++) mask |= (uint32_t)(input[i] >> 7) << i;
  return mask;
}

static inline uint32_t gw_json_not_digit(const void *bytes) {
  const uint8_t *input = (const uint8_t *)bytes;
  uint32_t mask = 0;
  for (int i = 0; i < 16; i++) mask |= (uint32_t)(input[i] < '0' || input[i] > '9') << i;
  return mask;
}

#endif
#endif
