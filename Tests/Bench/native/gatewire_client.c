/* gatewire as a client, on the raw interface and, for rpc, as a gateway client: one thread, the host's own loop (gw_context_poll). */
#include <gatewire/gatewire.h>

#include "wsb.h"

static wargs A;
static wblob blob;
static gw_context *context;
static gw_event events[256];
static gw_batch batch;
static uint64_t messages, bytes, sent, start, end;
static int started, over;
static wmark from;

static void check(gw_status status, const char *what) {
    gw_error error = {.struct_size = sizeof error};
    if (status >= 0) return;
    gw_context_last_error(context, &error);
    fprintf(stderr, "gatewire: %s: %s %.*s\n", what, gw_status_name(status), (int)error.text.len, (const char *)error.text.ptr);
    exit(2);
}

static void ended(const gw_event *event) {
    fprintf(stderr, "gatewire: %s %.*s\n", gw_status_name(event->status), (int)event->text.len, (const char *)event->text.ptr);
    exit(2);
}

static void poll_events(void) { check(gw_context_poll(context, -1, events, 256, sizeof events[0], &batch), "poll"); }

static gw_socket *open_socket(void) {
    gw_socket_limits limits;
    gw_socket_options options;
    gw_socket *made;
    gw_socket_limits_init(&limits);
    gw_socket_options_init(&options);
    limits.max_message_bytes = 64u << 20;
    limits.deflate_threshold_bytes = 1;
    limits.deflate_level = (uint32_t)A.level;
    limits.deflate_memory_level = (uint32_t)A.memlevel;
    options.url = A.url;
    options.ca_file = A.tls ? A.ca : NULL;
    options.limits = &limits;
    options.flags = A.deflate ? GW_SOCKET_DEFLATE_TAKEOVER : GW_SOCKET_NO_DEFLATE;
    check(gw_socket_open(context, &options, &made), "open");
    return made;
}

/* Polls until an event of that type comes; of sockets that were aborted the end is still to come. */
static void wait_for(uint32_t type) {
    for (;;) {
        poll_events();
        for (uint32_t i = 0; i < batch.count; i++) {
            if (events[i].type == type) return;
            if (events[i].type == GW_EVENT_SOCKET_CLOSED && events[i].status != GW_ERR_CANCELLED) ended(&events[i]);
        }
    }
}

/* Counts `count` messages; restarts the clock after the warm-up. */
static void counted(uint32_t count, uint64_t size) {
    uint64_t t = now_ns();
    messages += count;
    bytes += size;
    if (!started && t >= start) {
        started = 1;
        messages = bytes = 0;
        from = mark();
    }
    if (t >= end) over = 1;
}

static void begin(void) {
    start = now_ns() + (uint64_t)(A.warmup * 1e9);
    end = start + (uint64_t)(A.seconds * 1e9);
    from = mark();
}

static void run_messages(void) {
    gw_socket *made = open_socket();
    uint32_t kind = A.kind[0] == 'b' ? GW_BINARY : GW_TEXT;
    int receives = !strcmp(A.workload, "recv");
    wait_for(GW_EVENT_SOCKET_OPEN);
    begin();
    uint32_t due = receives ? 0 : (uint32_t)A.window;
    while (!over) {
        for (; due > 0; due--) check(gw_socket_send(made, kind, payload_at(&blob, A.size, sent++), A.size, 0), "send");
        poll_events();
        uint64_t size = 0;
        uint32_t count = 0;
        for (uint32_t i = 0; i < batch.count; i++) {
            const gw_event *event = &events[i];
            if (event->type == GW_EVENT_SOCKET_CLOSED) ended(event);
            if (event->type != GW_EVENT_SOCKET_MESSAGE) continue;
            size += event->payload.len;
            count++;
        }
        counted(count, size);
        due = receives ? 0 : count;
    }
    report(&A, "gatewire", &from, messages, strcmp(A.workload, "send") ? bytes : messages * A.size, NULL);
}

static void run_calls(void) {
    static const char params[] = "{\"session\":\"main\",\"text\":\"hello gateway\",\"limit\":50,"
                                 "\"flags\":{\"stream\":true,\"trace\":false},\"tags\":[\"a\",\"b\",\"c\"]}";
    gw_client_options options;
    gw_client *client;
    gw_client_options_init(&options);
    options.url = A.url;
    options.ca_file = A.tls ? A.ca : NULL;
    options.flags = GW_CLIENT_NO_DEVICE;
    check(gw_client_open(context, &options, &client), "open");
    wait_for(GW_EVENT_CLIENT_CONNECTED);
    begin();
    uint32_t due = (uint32_t)A.window;
    while (!over) {
        for (; due > 0; due--) {
            uint64_t call;
            check(gw_client_call(client, "m", params, sizeof params - 1, NULL, &call), "call");
        }
        poll_events();
        uint64_t size = 0;
        for (uint32_t i = 0; i < batch.count; i++) {
            const gw_event *event = &events[i];
            if (event->type != GW_EVENT_CALL_DONE || event->status != GW_OK) ended(event);
            size += event->payload.len;
        }
        counted(batch.count, size);
        due = batch.count;
    }
    report(&A, "gatewire", &from, messages, bytes, NULL);
}

static void run_connect(void) {
    size_t most = (size_t)A.maxcount, n = 0;
    double *latency = malloc(most * sizeof *latency);
    char extra[96];
    from = mark();
    end = from.t0 + (uint64_t)(A.seconds * 1e9);
    while (n < most && now_ns() < end) {
        uint64_t t = now_ns();
        gw_socket *made = open_socket();
        wait_for(GW_EVENT_SOCKET_OPEN);
        latency[n++] = (double)(now_ns() - t) / 1e3;
        check(gw_socket_abort(made), "abort");
        gw_socket_free(made);
    }
    double p50 = percentile(latency, n, .5), p90 = percentile(latency, n, .9);
    snprintf(extra, sizeof extra, ",\"p50_us\":%.1f,\"p90_us\":%.1f", p50, p90);
    report(&A, "gatewire", &from, n, 0, extra);
}

static void run_idle(void) {
    int n = A.conns < 200 ? 1000 : A.conns;
    long before = 0;
    char extra[64];
    from = mark();
    for (int i = 0; i < n; i++) {
        gw_socket *made = open_socket();
        wait_for(GW_EVENT_SOCKET_OPEN);
        check(gw_socket_send(made, GW_TEXT, blob.data, 32, 0), "send");
        wait_for(GW_EVENT_SOCKET_MESSAGE);
        if (i == n / 10 - 1) before = rss_kib();
    }
    snprintf(extra, sizeof extra, ",\"rss_per_conn\":%.0f", (double)(rss_kib() - before) * 1024. / (n - n / 10));
    report(&A, "gatewire", &from, (uint64_t)n, 0, extra);
}

int main(int argc, char **argv) {
    A = parse_args(argc, argv);
    blob = load_payload(A.payload);
    gw_batch_init(&batch);
    if (A.resume) {
        printf("{\"lib\":\"gatewire\",\"skip\":\"no session resumption: every handshake shows a certificate\"}\n");
        return 0;
    }
    if (gw_context_new(NULL, &context) != GW_OK) die("gw_context_new");
    if (!strcmp(A.workload, "rpc")) run_calls();
    else if (!strcmp(A.workload, "connect")) run_connect();
    else if (!strcmp(A.workload, "idle")) run_idle();
    else run_messages();
    return 0;
}
