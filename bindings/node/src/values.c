#include "values.h"

#include <stdlib.h>
#include <string.h>

#include "gatewire/client.h"

enum {
  SCRATCH_FIRST = 4096,
  SCRATCH_KEPT = 1024 * 1024,
  UTF8_LONGEST = 4 /* bytes of one character */
};

bool scratch_reserve(struct scratch *scratch, size_t capacity) {
  if (capacity <= scratch->capacity) return true;
  size_t grown = scratch->capacity < SCRATCH_FIRST ? SCRATCH_FIRST : scratch->capacity;
  while (grown < capacity) {
    if (grown > SIZE_MAX / 2) return false;
    grown *= 2;
  }
  char *bytes = realloc(scratch->bytes, grown);
  if (bytes == NULL) return false;
  scratch->bytes = bytes;
  scratch->capacity = grown;
  return true;
}

void scratch_trim(struct scratch *scratch) {
  if (scratch->capacity > SCRATCH_KEPT) scratch_free(scratch);
}

void scratch_free(struct scratch *scratch) {
  free(scratch->bytes);
  scratch->bytes = NULL;
  scratch->capacity = 0;
}

static bool out_of_memory(napi_env env) {
  napi_throw_error(env, "ERR_MEMORY_ALLOCATION_FAILED", "out of memory");
  return false;
}

/* Copies a string as UTF-8.  One crossing when it fits, which the caller's scratch makes the rule. */
static napi_status copy_text(napi_env env, napi_value value, struct scratch *scratch, size_t *length) {
  if (!scratch_reserve(scratch, SCRATCH_FIRST)) return napi_generic_failure;
  napi_status status = napi_get_value_string_utf8(env, value, scratch->bytes, scratch->capacity, length);
  if (status != napi_ok) return status;
  /* Whole characters only are copied, so a cut text may leave a few bytes unused. */
  if (*length + UTF8_LONGEST < scratch->capacity) return napi_ok;
  size_t needed = 0;
  status = napi_get_value_string_utf8(env, value, NULL, 0, &needed);
  if (status != napi_ok) return status;
  if (!scratch_reserve(scratch, needed + 1)) return napi_generic_failure;
  return napi_get_value_string_utf8(env, value, scratch->bytes, scratch->capacity, length);
}

bool read_text(napi_env env, napi_value value, struct scratch *scratch, size_t *length) {
  napi_status status = copy_text(env, value, scratch, length);
  if (status == napi_string_expected) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a string");
    return false;
  }
  if (status != napi_ok) return out_of_memory(env);
  if (memchr(scratch->bytes, 0, *length) != NULL) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "text must not hold a NUL character");
    return false;
  }
  return true;
}

bool read_bytes(napi_env env, napi_value value, struct scratch *scratch, struct bytes *out) {
  *out = (struct bytes){NULL, 0};
  size_t length = 0;
  napi_status status = copy_text(env, value, scratch, &length);
  if (status == napi_ok) {
    *out = (struct bytes){scratch->bytes, length};
    return true;
  }
  if (status != napi_string_expected) return out_of_memory(env);

  bool is_array = false;
  if (napi_is_typedarray(env, value, &is_array) == napi_ok && is_array) {
    napi_typedarray_type type;
    void *data = NULL;
    status = napi_get_typedarray_info(env, value, &type, &length, &data, NULL, NULL);
    if (status == napi_ok && type == napi_uint8_array) {
      /* An empty array may have no address; empty is not the same as absent. */
      *out = (struct bytes){data != NULL ? data : "", length};
      return true;
    }
  }
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_undefined) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a string or a Uint8Array");
  return false;
}

bool read_u32(napi_env env, napi_value value, uint32_t *out) {
  if (napi_get_value_uint32(env, value, out) == napi_ok) return true;
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a number");
  return false;
}

bool read_id(napi_env env, napi_value low, napi_value high, uint64_t *out) {
  uint32_t halves[2];
  if (!read_u32(env, low, &halves[0]) || !read_u32(env, high, &halves[1])) return false;
  *out = (uint64_t)halves[1] << 32 | halves[0];
  return true;
}

bool fill_numbers(napi_env env, napi_value array, const double *numbers, size_t count) {
  bool is_array = false;
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  if (napi_is_typedarray(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_float64_array) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a Float64Array");
    return false;
  }
  if (length > 0 && data != NULL) memcpy(data, numbers, (length < count ? length : count) * sizeof *numbers);
  return true;
}

napi_value make_i32(napi_env env, int32_t value) {
  napi_value made = NULL;
  napi_create_int32(env, value, &made);
  return made;
}

napi_value make_text(napi_env env, const char *text, size_t length) {
  napi_value made = NULL;
  napi_create_string_utf8(env, text != NULL ? text : "", length, &made);
  return made;
}

void set_number(napi_env env, napi_value object, const char *name, double value) {
  napi_value number;
  if (napi_create_double(env, value, &number) == napi_ok) napi_set_named_property(env, object, name, number);
}

void set_text(napi_env env, napi_value object, const char *name, const char *text, size_t length) {
  napi_value made = make_text(env, text, length);
  if (made != NULL) napi_set_named_property(env, object, name, made);
}

/* --- options --- */

struct option_block {
  struct option_block *next;
  size_t size;
  max_align_t data[];
};

static void *option_allocate(struct option_memory *memory, size_t size) {
  struct option_block *block = calloc(1, sizeof *block + size);
  if (block == NULL) return NULL;
  block->next = memory->first;
  block->size = size;
  memory->first = block;
  return block->data;
}

void option_memory_free(struct option_memory *memory) {
  while (memory->first != NULL) {
    struct option_block *block = memory->first;
    memory->first = block->next;
    explicit_bzero(block->data, block->size);
    free(block);
  }
}

static const char *option_text(napi_env env, napi_value value, struct option_memory *memory) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a string");
    return NULL;
  }
  char *text = option_allocate(memory, length + 1);
  if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok) {
    out_of_memory(env);
    return NULL;
  }
  if (strlen(text) != length) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "text must not hold a NUL character");
    return NULL;
  }
  return text;
}

/* Reads an array of strings.  The array is never NULL, so that an empty one is not taken for a missing one. */
static const char **option_texts(napi_env env, napi_value value, struct option_memory *memory, uint32_t *length) {
  if (napi_get_array_length(env, value, length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected an array of strings");
    return NULL;
  }
  const char **texts = option_allocate(memory, ((size_t)*length + 1) * sizeof *texts);
  if (texts == NULL) {
    out_of_memory(env);
    return NULL;
  }
  for (uint32_t i = 0; i < *length; i++) {
    napi_value element;
    if (napi_get_element(env, value, i, &element) != napi_ok) return NULL;
    texts[i] = option_text(env, element, memory);
    if (texts[i] == NULL) return NULL;
  }
  return texts;
}

static bool read_option(napi_env env, napi_value value, const struct option *option, char *base,
                        struct option_memory *memory) {
  switch (option->kind) {
  case OPTION_TEXT: {
    const char *text = option_text(env, value, memory);
    if (text == NULL) return false;
    memcpy(base + option->offset, &text, sizeof text);
    return true;
  }
  case OPTION_TEXTS: {
    uint32_t length = 0;
    const char **texts = option_texts(env, value, memory, &length);
    if (texts == NULL) return false;
    size_t count = length;
    memcpy(base + option->offset, &texts, sizeof texts);
    memcpy(base + option->count_offset, &count, sizeof count);
    return true;
  }
  case OPTION_HEADERS: {
    uint32_t length = 0;
    const char **texts = option_texts(env, value, memory, &length);
    if (texts == NULL) return false;
    size_t count = length / 2;
    gw_header *headers = option_allocate(memory, (count + 1) * sizeof *headers);
    if (headers == NULL) return out_of_memory(env);
    for (size_t i = 0; i < count; i++) headers[i] = (gw_header){texts[2 * i], texts[2 * i + 1]};
    memcpy(base + option->offset, &headers, sizeof headers);
    memcpy(base + option->count_offset, &count, sizeof count);
    return true;
  }
  case OPTION_PERMISSIONS: {
    uint32_t length = 0;
    const char **texts = option_texts(env, value, memory, &length);
    if (texts == NULL) return false;
    size_t count = length / 2;
    gw_permission *permissions = option_allocate(memory, (count + 1) * sizeof *permissions);
    if (permissions == NULL) return out_of_memory(env);
    for (size_t i = 0; i < count; i++) {
      permissions[i] = (gw_permission){.name = texts[2 * i], .granted = texts[2 * i + 1][0] == '1'};
    }
    memcpy(base + option->offset, &permissions, sizeof permissions);
    memcpy(base + option->count_offset, &count, sizeof count);
    return true;
  }
  case OPTION_TIME:
  case OPTION_COUNT:
  case OPTION_PORT: {
    double number = 0;
    if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0)) {
      napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a number");
      return false;
    }
    uint32_t field = number >= UINT32_MAX ? UINT32_MAX : (uint32_t)number;
    memcpy(base + option->offset, &field, sizeof field);
    return true;
  }
  }
  return true;
}

bool read_options(napi_env env, napi_value object, const struct option *options, size_t count, void *base,
                  struct option_memory *memory) {
  for (size_t i = 0; i < count; i++) {
    napi_value value;
    napi_valuetype type;
    if (napi_get_named_property(env, object, options[i].name, &value) != napi_ok) return false;
    if (napi_typeof(env, value, &type) != napi_ok) return false;
    if (type != napi_undefined && !read_option(env, value, &options[i], base, memory)) return false;
  }
  return true;
}

napi_value describe_options(napi_env env, const struct option *options, size_t count) {
  static const char *const kinds[] = {
      [OPTION_TEXT] = "text", [OPTION_TEXTS] = "texts", [OPTION_HEADERS] = "headers",
      [OPTION_PERMISSIONS] = "permissions",
      [OPTION_TIME] = "time", [OPTION_COUNT] = "count", [OPTION_PORT] = "port",
  };
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  for (size_t i = 0; i < count; i++) set_text(env, object, options[i].name, kinds[options[i].kind], NAPI_AUTO_LENGTH);
  return object;
}
