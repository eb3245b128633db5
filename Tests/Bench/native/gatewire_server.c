/* gatewire as a server, on the raw interface: one thread, the host's own loop.  All connections of one run use the same path. */
#include <gatewire/gatewire.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { ECHO, SINK, RPC };

static const char *option(int argc, char **argv, const char *name, const char *otherwise) {
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0) return argv[i + 1];
    return otherwise;
}

static enum mode mode_of(const gw_event *event) {
    const char *text = (const char *)event->payload.ptr;
    if (memmem(text, event->payload.len, "\"/sink", 6)) return SINK;
    return memmem(text, event->payload.len, "\"/rpc", 5) ? RPC : ECHO;
}

static char *put(char *out, const char *text, size_t size) { return (char *)memcpy(out, text, size) + size; }

/* {"type":"req","id":X,..} -> {"type":"res","id":X,"ok":true,..}; X is at most 64 bytes */
static size_t answer(gw_slice request, char out[512]) {
    static const char head[] = "{\"type\":\"res\",\"id\":\"";
    static const char body[] = "\",\"ok\":true,\"payload\":{\"status\":\"ok\",\"seq\":4711,\"ts\":1732000000123,\"items\":[{\"k\":\"alpha\","
                               "\"v\":1.25},{\"k\":\"beta\",\"v\":2.5}],\"note\":\"ready\",\"next\":null}}";
    const char *text = (const char *)request.ptr, *limit = text + request.len;
    const char *id = memmem(text, request.len, "\"id\":\"", 6);
    const char *id_end = id ? memchr(id + 6, '"', (size_t)(limit - id - 6)) : NULL;
    if (!id_end || id_end - id > 64) return 0;
    char *at = put(out, head, sizeof head - 1);
    at = put(at, id + 6, (size_t)(id_end - id - 6));
    return (size_t)(put(at, body, sizeof body - 1) - out);
}

int main(int argc, char **argv) {
    static gw_event events[256];
    gw_context *context;
    gw_listener *listener;
    gw_socket_limits limits;
    gw_listener_options options;
    gw_batch batch;
    enum mode mode = ECHO;
    char out[512];
    int deflates = atoi(option(argc, argv, "--deflate", "0"));

    gw_batch_init(&batch);
    gw_socket_limits_init(&limits);
    gw_listener_options_init(&options);
    limits.max_message_bytes = 64u << 20;
    limits.deflate_threshold_bytes = 1;
    options.limits = &limits;
    options.port = (uint32_t)atoi(option(argc, argv, "--port", "9200"));
    options.certificate_file = option(argc, argv, "--cert", NULL);
    options.key_file = option(argc, argv, "--key", NULL);
    options.max_connections = 4096;
    options.flags = (deflates ? GW_LISTENER_DEFLATE_TAKEOVER : GW_LISTENER_NO_DEFLATE) |
                    (options.certificate_file ? 0u : GW_LISTENER_PLAINTEXT);
    if (gw_context_new(NULL, &context) != GW_OK || gw_listener_open(context, &options, &listener) != GW_OK) return 2;
    printf("READY %u\n", gw_listener_port(listener));
    fflush(stdout);
    while (gw_context_poll(context, -1, events, 256, sizeof events[0], &batch) >= 0) {
        for (uint32_t i = 0; i < batch.count; i++) {
            const gw_event *event = &events[i];
            if (event->type == GW_EVENT_SOCKET_OPEN) mode = mode_of(event);
            if (event->type != GW_EVENT_SOCKET_MESSAGE) continue;
            const void *data = event->payload.ptr;
            size_t size = event->payload.len;
            uint32_t kind = event->code;
            if (mode == SINK) data = "k", size = 1, kind = GW_TEXT;
            if (mode == RPC) data = out, size = answer(event->payload, out);
            gw_listener_send(listener, event->connection, kind, data, size, 0);
        }
    }
    return 1;
}
