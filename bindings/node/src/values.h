/* Reading JavaScript values into C, and options objects into the library's option structs. */
#ifndef GATEWIRE_NODE_VALUES_H
#define GATEWIRE_NODE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAPI_VERSION 8
#include <node_api.h>

/* Memory for one argument, kept from call to call so that a call allocates nothing. */
struct scratch {
  char *bytes;
  size_t capacity;
};

bool scratch_reserve(struct scratch *scratch, size_t capacity);

/* Gives back what a rare large argument took. */
void scratch_trim(struct scratch *scratch);

void scratch_free(struct scratch *scratch);

/* Reads text into the scratch, with a NUL behind it.  False with an exception pending if the value is no string or
 * holds a NUL itself. */
bool read_text(napi_env env, napi_value value, struct scratch *scratch, size_t *length);

/* Bytes that are borrowed from an argument or from the scratch it was copied to. */
struct bytes {
  const void *ptr;
  size_t len;
};

/* Reads a string or a Uint8Array; undefined gives NULL and 0.  False with an exception pending for anything else. */
bool read_bytes(napi_env env, napi_value value, struct scratch *scratch, struct bytes *out);

bool read_u32(napi_env env, napi_value value, uint32_t *out);

/* Reads an id that JavaScript holds as two numbers. */
bool read_id(napi_env env, napi_value low, napi_value high, uint64_t *out);

/* Writes as many numbers as the Float64Array has room for.  False with an exception pending if it is none. */
bool fill_numbers(napi_env env, napi_value array, const double *numbers, size_t count);

/* A status or a handle number as a JavaScript number; NULL with an exception pending if that fails. */
napi_value make_i32(napi_env env, int32_t value);

napi_value make_text(napi_env env, const char *text, size_t length);

/* Sets a property; failures leave an exception pending. */
void set_number(napi_env env, napi_value object, const char *name, double value);
void set_text(napi_env env, napi_value object, const char *name, const char *text, size_t length);

enum option_kind {
  OPTION_TEXT,    /* const char * */
  OPTION_TEXTS,   /* const char *const * with a count */
  OPTION_HEADERS, /* const gw_header * with a count, from a flat array of names and values */
  OPTION_PERMISSIONS, /* const gw_permission * with a count, from a flat array of names and "1" or "0" */
  OPTION_TIME,    /* uint32_t milliseconds; Infinity is GW_NEVER */
  OPTION_COUNT,   /* uint32_t */
  OPTION_PORT     /* uint32_t, 0 has a meaning of its own */
};

/* Where the member of an option struct with a JavaScript name lies. */
struct option {
  const char *name;
  enum option_kind kind;
  size_t offset;
  size_t count_offset;
};

/* What options point to, until they have been handed over. */
struct option_memory {
  struct option_block *first;
};

/* Reads the options that the object has into the struct at base; undefined members are left as they are.  False with an
 * exception pending.  The struct is valid until option_memory_free, which wipes the texts. */
bool read_options(napi_env env, napi_value object, const struct option *options, size_t count, void *base,
                  struct option_memory *memory);

void option_memory_free(struct option_memory *memory);

/* An object from the names of options to the names of their kinds, for the checks in JavaScript. */
napi_value describe_options(napi_env env, const struct option *options, size_t count);

#endif
