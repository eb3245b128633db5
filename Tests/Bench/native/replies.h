/* replies.h - what /rpc and /gateway answer.  A gateway opens with a challenge and answers the first request with a hello. */
#include "wsb.h"

static const char CHALLENGE[] =
    "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":\"0123456789abcdef\",\"ts\":1732000000123}}";
static const char ANSWER[] = "{\"status\":\"ok\",\"seq\":4711,\"ts\":1732000000123,"
                             "\"items\":[{\"k\":\"alpha\",\"v\":1.25},{\"k\":\"beta\",\"v\":2.5}],\"note\":\"ready\",\"next\":null}}";
static const char HELLO[] =
    "{\"type\":\"hello-ok\",\"protocol\":4,\"server\":{\"version\":\"bench\",\"connId\":\"1\"},"
    "\"features\":{\"methods\":[],\"events\":[]},\"snapshot\":{},\"auth\":{\"role\":\"operator\",\"scopes\":[\"operator.admin\"]},"
    "\"policy\":{\"maxPayload\":26214400,\"maxBufferedBytes\":52428800,\"tickIntervalMs\":30000}}}";

static size_t put_text(unsigned char *out, const char *text, size_t size) {
    size_t head = put_header(out, 0x81, size, 0, 0);
    memcpy(out + head, text, size);
    return head + size;
}

/* The answer to a request; `body` is its payload and the brace that ends the frame.  0 if the request has no id. */
static size_t rpc_reply(const unsigned char *m, size_t n, const char *body, size_t body_size, unsigned char *out) {
    static const char A[] = "{\"type\":\"res\",\"id\":\"", B[] = "\",\"ok\":true,\"payload\":";
    const unsigned char *p = memmem(m, n, "\"id\":", 5);
    if (!p) return 0;
    p += 5;
    while (p < m + n && *p != '"') p++;
    p++;
    const unsigned char *q = p < m + n ? memchr(p, '"', (size_t)(m + n - p)) : NULL;
    if (!q) return 0;
    size_t head = put_header(out, 0x81, sizeof A - 1 + (size_t)(q - p) + sizeof B - 1 + body_size, 0, 0);
    unsigned char *o = out + head;
    o = (unsigned char *)mempcpy(o, A, sizeof A - 1);
    o = (unsigned char *)mempcpy(o, p, (size_t)(q - p));
    o = (unsigned char *)mempcpy(o, B, sizeof B - 1);
    o = (unsigned char *)mempcpy(o, body, body_size);
    return (size_t)(o - out);
}
