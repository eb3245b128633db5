/* Versions, layouts, names, defaults and pin texts: what needs no network. */
#include "test.h"

#include <stdlib.h>

static void versions_agree(void) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", GW_VERSION_MAJOR, GW_VERSION_MINOR, GW_VERSION_PATCH);
  CHECK(strcmp(gw_version(), text) == 0);
  CHECK(gw_abi_version() == GW_ABI_VERSION);
  CHECK(strstr(gw_dependencies(), "OpenSSL 3") != NULL);
  CHECK(strstr(gw_dependencies(), "zlib") != NULL);
}

static void struct_sizes_agree(void) {
  static const struct {
    uint32_t which;
    size_t size;
  } structs[] = {
      {GW_STRUCT_SLICE, sizeof(gw_slice)},
      {GW_STRUCT_EVENT, sizeof(gw_event)},
      {GW_STRUCT_BATCH, sizeof(gw_batch)},
      {GW_STRUCT_CONTEXT_OPTIONS, sizeof(gw_context_options)},
      {GW_STRUCT_ERROR, sizeof(gw_error)},
      {GW_STRUCT_HEADER, sizeof(gw_header)},
      {GW_STRUCT_CLIENT_OPTIONS, sizeof(gw_client_options)},
      {GW_STRUCT_CALL_OPTIONS, sizeof(gw_call_options)},
      {GW_STRUCT_CLIENT_STATE, sizeof(gw_client_state)},
      {GW_STRUCT_SERVER_OPTIONS, sizeof(gw_server_options)},
      {GW_STRUCT_SOCKET_LIMITS, sizeof(gw_socket_limits)},
      {GW_STRUCT_SOCKET_OPTIONS, sizeof(gw_socket_options)},
      {GW_STRUCT_SOCKET_STATE, sizeof(gw_socket_state)},
      {GW_STRUCT_LISTENER_OPTIONS, sizeof(gw_listener_options)},
  };
  for (size_t at = 0; at < sizeof structs / sizeof *structs; ++at)
    CHECK(gw_struct_size(structs[at].which) == structs[at].size);
  CHECK(gw_struct_size(0) == 0);
  CHECK(gw_struct_size(1000) == 0);
  CHECK(gw_struct_size(UINT32_MAX) == 0);
}

static void every_number_has_a_name(void) {
  CHECK(strcmp(gw_status_name(GW_OK), "GW_OK") == 0);
  CHECK(strcmp(gw_status_name(GW_ERR_TLS_PIN), "GW_ERR_TLS_PIN") == 0);
  CHECK(strcmp(gw_status_name(GW_ERR_INTERNAL), "GW_ERR_INTERNAL") == 0);
  CHECK(strcmp(gw_event_type_name(GW_EVENT_CALL_DONE), "GW_EVENT_CALL_DONE") == 0);
  CHECK(strcmp(gw_event_type_name(GW_EVENT_SERVER_CLOSED), "GW_EVENT_SERVER_CLOSED") == 0);
  CHECK(strcmp(gw_event_type_name(0), "GW_EVENT_UNKNOWN") == 0);
  CHECK(strcmp(gw_event_type_name(UINT32_MAX), "GW_EVENT_UNKNOWN") == 0);
  static const gw_status unknown[] = {INT32_MIN, -1000, -998, -99, -1, 3, INT32_MAX};
  for (size_t at = 0; at < sizeof unknown / sizeof *unknown; ++at) {
    CHECK(strcmp(gw_status_name(unknown[at]), "GW_ERR_UNKNOWN") == 0);
    CHECK(gw_status_text(unknown[at]) != NULL);
  }
  for (gw_status status = -999; status <= 2; ++status) {
    CHECK(gw_status_text(status) != NULL && gw_status_text(status)[0] != 0);
    CHECK(strchr(gw_status_text(status), '\n') == NULL);
  }
}

static void init_fills_size_and_zeroes(void) {
  gw_client_options client;
  memset(&client, 0xff, sizeof client);
  gw_client_options_init(&client);
  CHECK(client.struct_size == sizeof client);
  CHECK(client.flags == 0 && client.url == NULL && client.pins == NULL && client.pin_count == 0);
  CHECK(client.token == NULL && client.password == NULL && client.user_data == NULL && client.dialect == 0);

  gw_server_options server;
  memset(&server, 0xff, sizeof server);
  gw_server_options_init(&server);
  CHECK(server.struct_size == sizeof server);
  CHECK(server.flags == 0 && server.address == NULL && server.port == 0 && server.dialect == GW_DIALECT_OPENCLAW);

  gw_context_options context;
  memset(&context, 0xff, sizeof context);
  gw_context_options_init(&context);
  CHECK(context.struct_size == sizeof context);
  CHECK(context.flags == 0);
  CHECK(context.takeover_ms == 0 || context.takeover_ms == GW_TAKEOVER_NEVER);

  gw_call_options call;
  memset(&call, 0xff, sizeof call);
  gw_call_options_init(&call);
  CHECK(call.struct_size == sizeof call);
  CHECK(call.flags == 0 && call.user_data == NULL);

  gw_batch batch;
  memset(&batch, 0xff, sizeof batch);
  gw_batch_init(&batch);
  CHECK(batch.struct_size == sizeof batch);
  CHECK(batch.count == 0 && batch.flags == 0 && batch.arena == NULL && batch.arena_len == 0);
}

#define HEX_UPPER "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789"
#define HEX_LOWER "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"

static void pins_are_read_in_every_usual_form(void) {
  static const char *const forms[] = {
      HEX_UPPER,
      HEX_LOWER,
      ("sha256:" HEX_LOWER),
      ("SHA256:" HEX_UPPER),
      ("sha-256:" HEX_LOWER),
      "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89",
  };
  for (size_t at = 0; at < sizeof forms / sizeof *forms; ++at) {
    char out[65];
    memset(out, 'x', sizeof out);
    CHECK_STATUS(gw_pin_normalize(forms[at], out), GW_OK);
    CHECK(memcmp(out, HEX_LOWER, 65) == 0);
  }
}

static void other_texts_are_no_pins(void) {
  static const char *const forms[] = {
      "",
      "sha256:",
      "abc",
      (HEX_LOWER "0"),
      (HEX_LOWER HEX_LOWER),
      ("sha1:" HEX_LOWER),
      "zbcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789",
  };
  for (size_t at = 0; at < sizeof forms / sizeof *forms; ++at) {
    char out[65];
    gw_status status = gw_pin_normalize(forms[at], out);
    if (status != GW_ERR_PIN_TEXT) printf("# \"%s\"\n", forms[at]);
    CHECK_STATUS(status, GW_ERR_PIN_TEXT);
  }
  char out[65];
  CHECK_STATUS(gw_pin_normalize(NULL, out), GW_ERR_ARGUMENT);
  CHECK_STATUS(gw_pin_normalize(HEX_LOWER, NULL), GW_ERR_ARGUMENT);
}

static void long_texts_are_refused(void) {
  size_t size = 1 << 20;
  char *text = malloc(size + 1), out[65];
  memset(text, 'a', size);
  text[size] = 0;
  CHECK_STATUS(gw_pin_normalize(text, out), GW_ERR_PIN_TEXT);
  free(text);
}

int main(void) {
  RUN("version numbers of header and library agree", versions_agree);
  RUN("struct sizes of header and library agree", struct_sizes_agree);
  RUN("every status and event type has a name and a text", every_number_has_a_name);
  RUN("init functions set struct_size and clear the rest", init_fills_size_and_zeroes);
  RUN("pin texts are read in every usual form", pins_are_read_in_every_usual_form);
  RUN("other texts are refused as pins", other_texts_are_no_pins);
  RUN("a long text is refused as pin", long_texts_are_refused);
  return test_finish();
}
