/* The lookup method of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021): every error of
 * two neighbouring bytes is a bit that three tables have in common, one for each half of the first byte and one for the
 * upper half of the second.  What remains, the third and fourth bytes of long code points, must stand exactly where two
 * continuation bytes meet. */
#include "utf8.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum {
  SHORT = 1 << 0,      /* a lead byte without its continuation */
  LONG = 1 << 1,       /* a continuation behind ASCII */
  OVERLONG_3 = 1 << 2, /* e0 80..9f */
  LARGE = 1 << 3,      /* f4 90..bf, f5 and up with 90..bf */
  SURROGATE = 1 << 4,  /* ed a0..bf */
  OVERLONG_2 = 1 << 5, /* c0, c1 */
  FOUR = 1 << 6,       /* f0 80..8f overlong; f5 and up with 80..8f */
  PAIR = 1 << 7,       /* two continuations: an error unless a longer code point wants them */
  ANY = SHORT | LONG | PAIR,
  MORE = LARGE | FOUR
};

static const uint8_t first_upper[16] = {
    LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG, PAIR, PAIR, PAIR, PAIR,
    SHORT | OVERLONG_2, SHORT, SHORT | OVERLONG_3 | SURROGATE, SHORT | MORE};
static const uint8_t first_lower[16] = {
    ANY | OVERLONG_3 | OVERLONG_2 | FOUR, ANY | OVERLONG_2, ANY, ANY, ANY | LARGE, ANY | MORE, ANY | MORE, ANY | MORE,
    ANY | MORE, ANY | MORE, ANY | MORE, ANY | MORE, ANY | MORE, ANY | MORE | SURROGATE, ANY | MORE, ANY | MORE};
static const uint8_t second_upper[16] = {
    SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, LONG | OVERLONG_2 | PAIR | OVERLONG_3 | FOUR,
    LONG | OVERLONG_2 | PAIR | OVERLONG_3 | LARGE, LONG | OVERLONG_2 | PAIR | SURROGATE | LARGE,
    LONG | OVERLONG_2 | PAIR | SURROGATE | LARGE, SHORT, SHORT, SHORT, SHORT};

/* Where the last code point of the first `count` bytes, which are valid up to it, begins if it is not whole. */
static size_t without_cut(const uint8_t *bytes, size_t count) {
  if (count >= 1 && bytes[count - 1] >= 0xc0) return count - 1;
  if (count >= 2 && bytes[count - 2] >= 0xe0) return count - 2;
  if (count >= 3 && bytes[count - 3] >= 0xf0) return count - 3;
  return count;
}

__attribute__((target("ssse3"))) static inline __m128i table_16(const uint8_t *table, __m128i index) {
  return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)table), _mm_and_si128(index, _mm_set1_epi8(15)));
}

__attribute__((target("ssse3"))) static inline __m128i errors_16(__m128i input, __m128i before) {
  __m128i first = _mm_alignr_epi8(input, before, 15);
  __m128i found = _mm_and_si128(table_16(first_upper, _mm_srli_epi16(first, 4)), table_16(first_lower, first));
  found = _mm_and_si128(found, table_16(second_upper, _mm_srli_epi16(input, 4)));
  /* Behind e0 and up by two, behind f0 and up by three, there must be a continuation that follows one. */
  __m128i third = _mm_subs_epu8(_mm_alignr_epi8(input, before, 14), _mm_set1_epi8(0xe0 - 0x80));
  __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(input, before, 13), _mm_set1_epi8(0xf0 - 0x80));
  return _mm_xor_si128(_mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8((char)0x80)), found);
}

__attribute__((target("ssse3"))) static size_t prefix_ssse3(const uint8_t *bytes, size_t count) {
  __m128i before = _mm_setzero_si128();
  size_t at = 0;
  for (; count - at >= 32; at += 32) {
    __m128i a = _mm_loadu_si128((const __m128i *)(bytes + at));
    __m128i b = _mm_loadu_si128((const __m128i *)(bytes + at + 16));
    __m128i errors = _mm_or_si128(errors_16(a, before), errors_16(b, a));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(errors, _mm_setzero_si128())) != 0xffff) break;
    before = b;
  }
  return without_cut(bytes, at);
}

__attribute__((target("avx2"))) static inline __m256i table_32(const uint8_t *table, __m256i index) {
  __m256i both = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
  return _mm256_shuffle_epi8(both, _mm256_and_si256(index, _mm256_set1_epi8(15)));
}

__attribute__((target("avx2"))) static inline __m256i errors_32(__m256i input, __m256i before) {
  __m256i joined = _mm256_permute2x128_si256(before, input, 0x21);
  __m256i first = _mm256_alignr_epi8(input, joined, 15);
  __m256i found = _mm256_and_si256(table_32(first_upper, _mm256_srli_epi16(first, 4)), table_32(first_lower, first));
  found = _mm256_and_si256(found, table_32(second_upper, _mm256_srli_epi16(input, 4)));
  __m256i third = _mm256_subs_epu8(_mm256_alignr_epi8(input, joined, 14), _mm256_set1_epi8(0xe0 - 0x80));
  __m256i fourth = _mm256_subs_epu8(_mm256_alignr_epi8(input, joined, 13), _mm256_set1_epi8(0xf0 - 0x80));
  return _mm256_xor_si256(_mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80)), found);
}

__attribute__((target("avx2"))) static size_t prefix_avx2(const uint8_t *bytes, size_t count) {
  __m256i before = _mm256_setzero_si256();
  size_t at = 0;
  for (; count - at >= 64; at += 64) {
    __m256i a = _mm256_loadu_si256((const __m256i *)(bytes + at));
    __m256i b = _mm256_loadu_si256((const __m256i *)(bytes + at + 32));
    __m256i errors = errors_32(a, before);
    /* ASCII is wrong only behind a code point that lacks its end. */
    if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) != 0) errors = _mm256_or_si256(errors, errors_32(b, a));
    if (!_mm256_testz_si256(errors, errors)) break;
    before = b;
  }
  return without_cut(bytes, at);
}

size_t gw_utf8_valid_prefix(const uint8_t *bytes, size_t count) {
  if (__builtin_cpu_supports("avx2")) return prefix_avx2(bytes, count);
  if (__builtin_cpu_supports("ssse3")) return prefix_ssse3(bytes, count);
  return 0;
}

#else

size_t gw_utf8_valid_prefix(const uint8_t *bytes, size_t count) {
  (void)bytes;
  (void)count;
  return 0;
}

#endif
