/* nserver - the neutral server for client benchmarks. One thread, epoll, no
 * allocation per message. Paths:
 *   /echo                      every data message back as it came (a compressed message
 *                              goes back as the same compressed bytes: no zlib work here)
 *                              pmd=0 in any query declines permessage-deflate
 *   /sink                      payload skipped; a 1-byte text message per whole message; what
 *                              came in is printed when the connection ends
 *   /source?size=N&op=text|bin&set=ascii|utf8&rate=R   frames built once, sent until the
 *                              peer closes; rate (messages/s) sends one frame per write
 *   /rpc                       {"type":"req","id":X,..} -> {"type":"res","id":X,"ok":true,..}
 *   /gateway                   the same behind the handshake of a gateway
 * A connection whose first bytes are "RAW echo|sink|source <size>\n" gets the same
 * without HTTP or framing (limit measurements).
 * Usage: nserver --port P [--tls-port Q --cert F --key F] [--payload F --payload-utf8 F] */
#include "frames.h"
#include "replies.h"

enum { M_HTTP, M_ECHO, M_SINK, M_SOURCE, M_RPC, M_GATEWAY, M_RAW_ECHO, M_RAW_SINK, M_RAW_SOURCE };

typedef struct conn {
    wio io;
    int mode, closing, want_out, pmd;
    unsigned char *in; /* incomplete input */
    size_t in_len, in_cap;
    uint64_t skip; /* sink: payload bytes still to skip; raw sink: bytes towards next ack */
    int skip_ack;
    size_t raw_size;
    const frames *src;
    size_t src_off, src_i;
    uint64_t next_due, interval;
    uint64_t sunk_bytes, sunk_msgs; /* sink: frame bytes and messages, told at the end */
    struct conn *paced_next;
} conn;

static int ep;
static SSL_CTX *tls;
static unsigned char *rbuf, *obuf;
static size_t ocap;
static conn *paced;
static unsigned char ack_pmd[16]; /* the 1-byte answer of /sink as a compressed message (lws 4.1 never */
static size_t ack_pmd_n;          /* finishes an uncompressed one on a permessage-deflate connection) */

static void obuf_need(size_t n) {
    if (n <= ocap) return;
    ocap = n * 2;
    obuf = realloc(obuf, ocap);
}

static void arm(conn *c, int out) {
    if (c->want_out == out) return;
    c->want_out = out;
    struct epoll_event e = {.events = out ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (out && (c->mode == M_SOURCE || c->mode == M_RAW_SOURCE)) e.events = EPOLLOUT | EPOLLIN;
    epoll_ctl(ep, EPOLL_CTL_MOD, c->io.fd, &e);
}

static size_t put_ack(const conn *c, size_t o) {
    obuf_need(o + sizeof ack_pmd);
    if (c->pmd) {
        memcpy(obuf + o, ack_pmd, ack_pmd_n);
        return o + ack_pmd_n;
    }
    memcpy(obuf + o, "\x81\x01k", 3);
    return o + 3;
}

static void drop(conn *c) {
    for (conn **p = &paced; *p; p = &(*p)->paced_next)
        if (*p == c) {
            *p = c->paced_next;
            break;
        }
    if (c->sunk_msgs) {
        printf("SINK %llu bytes %llu messages\n", (unsigned long long)c->sunk_bytes, (unsigned long long)c->sunk_msgs);
        fflush(stdout);
    }
    if (c->io.ssl) SSL_free(c->io.ssl);
    close(c->io.fd);
    free(c->io.pend);
    free(c->in);
    free(c);
}

/* 0 fine, -1 gone */
static int out(conn *c, const void *d, size_t n) {
    int r = wio_write(&c->io, d, n);
    if (r < 0) return -1;
    arm(c, r);
    return 0;
}

static const char *find_header(const char *req, const char *name, char *val, size_t cap) {
    size_t nl = strlen(name);
    for (const char *p = strstr(req, "\r\n"); p && p[2] && p[2] != '\r'; p = strstr(p + 2, "\r\n"))
        if (!strncasecmp(p + 2, name, nl) && p[2 + nl] == ':') {
            p += 3 + nl;
            while (*p == ' ') p++;
            size_t n = strcspn(p, "\r");
            if (n >= cap) n = cap - 1;
            memcpy(val, p, n);
            val[n] = 0;
            return val;
        }
    return NULL;
}

static const char *query(const char *path, const char *name, char *val, size_t cap) {
    const char *q = strchr(path, '?');
    size_t nl = strlen(name);
    while (q) {
        q++;
        if (!strncmp(q, name, nl) && q[nl] == '=') {
            size_t n = strcspn(q + nl + 1, "&");
            if (n >= cap) n = cap - 1;
            memcpy(val, q + nl + 1, n);
            val[n] = 0;
            return val;
        }
        q = strchr(q, '&');
    }
    return NULL;
}

static int pump_source(conn *c);

static int upgrade(conn *c, char *req) {
    char path[256] = "/", key[64], ext[512] = "", v[64], acc[32], resp[700], extout[256] = "";
    sscanf(req, "GET %255s", path);
    if (!find_header(req, "Sec-WebSocket-Key", key, sizeof key)) return -1;
    int pmd = 0, wbits = 15, nct = 0;
    int decline = query(path, "pmd", v, sizeof v) && v[0] == '0';
    if (!decline && find_header(req, "Sec-WebSocket-Extensions", ext, sizeof ext) && strstr(ext, "permessage-deflate")) {
        char *first = strchr(ext, ',');
        if (first) *first = 0; /* first offer only */
        pmd = 1;
        strcpy(extout, "Sec-WebSocket-Extensions: permessage-deflate");
        const char *w = strstr(ext, "server_max_window_bits=");
        if (w) {
            wbits = atoi(w + 23 + (w[23] == '"'));
            sprintf(extout + strlen(extout), "; server_max_window_bits=%d", wbits);
            if (strstr(ext, "client_max_window_bits")) sprintf(extout + strlen(extout), "; client_max_window_bits=%d", wbits);
        }
        if (strstr(ext, "server_no_context_takeover")) {
            nct = 1;
            strcat(extout, "; server_no_context_takeover");
        }
        if (strstr(ext, "client_no_context_takeover")) strcat(extout, "; client_no_context_takeover");
        strcat(extout, "\r\n");
    }
    c->pmd = pmd;
    ws_accept(key, acc);
    int n = snprintf(resp, sizeof resp,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                     acc, extout);
    if (out(c, resp, (size_t)n) < 0) return -1;
    if (!strncmp(path, "/sink", 5))
        c->mode = M_SINK;
    else if (!strncmp(path, "/rpc", 4))
        c->mode = M_RPC;
    else if (!strncmp(path, "/gateway", 8)) {
        c->mode = M_GATEWAY;
        return out(c, obuf, put_text(obuf, CHALLENGE, sizeof CHALLENGE - 1));
    }
    else if (!strncmp(path, "/source", 7)) {
        c->mode = M_SOURCE;
        size_t size = query(path, "size", v, sizeof v) ? (size_t)atol(v) : 32;
        int bin = query(path, "op", v, sizeof v) && v[0] == 'b';
        int set = query(path, "set", v, sizeof v) && v[0] == 'u';
        if (query(path, "rate", v, sizeof v) && atof(v) > 0) c->interval = (uint64_t)(1e9 / atof(v));
        c->src = get_frames(size, bin, set, pmd, wbits, nct);
        if (c->interval) {
            c->next_due = now_ns() + 20000000;
            c->paced_next = paced;
            paced = c;
        } else
            return pump_source(c);
    } else
        c->mode = M_ECHO;
    return 0;
}

static int pump_source(conn *c) {
    for (int i = 0; i < 8; i++) {
        int f = wio_flush(&c->io);
        if (f < 0) return -1;
        if (f) {
            arm(c, 1);
            return 0;
        }
        size_t n = c->src->len - c->src_off;
        if (!c->io.ssl) {
            ssize_t k = send(c->io.fd, c->src->data + c->src_off, n, MSG_NOSIGNAL);
            if (k < 0) {
                if (errno != EAGAIN) return -1;
                arm(c, 1);
                return 0;
            }
            c->src_off += (size_t)k;
        } else {
            if (n > (128u << 10)) n = 128u << 10;
            if (wio_write(&c->io, c->src->data + c->src_off, n) < 0) return -1;
            c->src_off += n;
        }
        if (c->src_off == c->src->len) c->src_off = 0;
    }
    arm(c, 1);
    return 0;
}

static void pump_paced(void) {
    uint64_t t = now_ns();
    for (conn *c = paced, *nx; c; c = nx) {
        nx = c->paced_next;
        while (c->next_due <= t) {
            const frames *f = c->src;
            size_t a = c->src_i ? f->end[c->src_i - 1] : 0, b = f->end[c->src_i];
            c->next_due += c->interval;
            if (c->next_due + 2000000 < t) c->next_due = t + c->interval; /* never a burst after a stall */
            if (c->io.plen > c->io.poff) break;
            if (++c->src_i == f->count) c->src_i = 0;
            if (out(c, f->data + a, b - a) < 0) break;
        }
    }
}

static int on_data(conn *c, unsigned char *p, size_t n);

/* data: everything not yet parsed; returns bytes used, or -1 */
static ssize_t frames_in(conn *c, unsigned char *p, size_t n, size_t *outn) {
    size_t used = 0, o = *outn;
    while (used < n) {
        if (c->skip) {
            uint64_t k = n - used < c->skip ? n - used : c->skip;
            c->skip -= k;
            used += (size_t)k;
            if (!c->skip && c->skip_ack) o = put_ack(c, o);
            continue;
        }
        unsigned b0;
        uint64_t len;
        int masked;
        uint32_t key;
        size_t h = get_header(p + used, n - used, &b0, &len, &masked, &key);
        if (!h) break;
        unsigned op = b0 & 15;
        if (op < 8 && (c->mode == M_SINK || c->mode == M_SOURCE)) {
            used += h;
            c->sunk_bytes += h + len;
            c->sunk_msgs += b0 >> 7;
            c->skip = len;
            c->skip_ack = c->mode == M_SINK && (b0 & 0x80);
            if (!len && c->skip_ack) o = put_ack(c, o);
            continue;
        }
        if (n - used < h + len) {
            if (len > (64u << 20)) return -1;
            break;
        }
        obuf_need(o + len + 1024);
        if (op >= 8 || c->mode == M_ECHO) {
            unsigned ob = b0;
            if (op == 9) ob = 0x8a;
            if (op == 10) {
                used += h + len;
                continue;
            }
            o += put_header(obuf + o, ob, len, 0, 0);
            xor_copy(obuf + o, p + used + h, len, key, 0);
            o += len;
            if (op == 8) {
                c->closing = 1;
                used = n;
                break;
            }
        } else {
            xor_copy(p + used + h, p + used + h, len, key, 0);
            int greets = c->mode == M_GATEWAY;
            o += rpc_reply(p + used + h, len, greets ? HELLO : ANSWER, (greets ? sizeof HELLO : sizeof ANSWER) - 1, obuf + o);
            c->mode = M_RPC;
        }
        used += h + len;
    }
    *outn = o;
    return (ssize_t)used;
}

static int on_data(conn *c, unsigned char *p, size_t n) {
    size_t o = 0;
    ssize_t used;
    switch (c->mode) {
    case M_HTTP: {
        unsigned char *e = memmem(p, n, "\r\n\r\n", 4);
        if (n >= 4 && !memcmp(p, "RAW ", 4)) {
            unsigned char *nl = memchr(p, '\n', n);
            char what[16];
            if (!nl) {
                used = 0;
                break;
            }
            *nl = 0;
            if (sscanf((char *)p + 4, "%15s %zu", what, &c->raw_size) < 1) return -1;
            c->mode = what[0] == 'e' ? M_RAW_ECHO : what[1] == 'i' ? M_RAW_SINK : M_RAW_SOURCE;
            if (c->mode == M_RAW_SOURCE) {
                c->src = get_frames(c->raw_size ? c->raw_size : 32, 1, 0, 0, 15, 0);
                return pump_source(c);
            }
            size_t k = (size_t)(nl + 1 - p);
            return n > k ? on_data(c, nl + 1, n - k) : 0;
        }
        if (!e) {
            used = 0;
            if (n > 16384) return -1;
            break;
        }
        *e = 0;
        e[1] = 0;
        /* keep the last header line terminated for find_header */
        if (upgrade(c, (char *)p) < 0) return -1;
        size_t k = (size_t)(e + 4 - p);
        return n > k ? on_data(c, e + 4, n - k) : 0;
    }
    case M_RAW_ECHO: return out(c, p, n);
    case M_RAW_SINK: {
        c->skip += n;
        while (c->skip >= c->raw_size) {
            c->skip -= c->raw_size;
            obuf_need(o + 8);
            obuf[o++] = 'k';
        }
        return o ? out(c, obuf, o) : 0;
    }
    case M_RAW_SOURCE: return 0;
    default:
        used = frames_in(c, p, n, &o);
        if (used < 0) return -1;
        if (o && out(c, obuf, o) < 0) return -1;
        if (c->closing) return -1;
    }
    size_t left = n - (size_t)used;
    if (left && p + used != c->in) {
        if (left > c->in_cap) {
            c->in_cap = left * 2;
            unsigned char *nb = malloc(c->in_cap);
            memcpy(nb, p + used, left);
            free(c->in);
            c->in = nb;
        } else
            memmove(c->in, p + used, left);
    }
    c->in_len = left;
    return 0;
}

static int readable(conn *c) {
    ssize_t k;
    if (c->in_len) { /* append to what is kept: no second copy for big messages */
        if (c->in_cap < c->in_len + WSB_CAP) {
            c->in_cap = c->in_len * 2 + WSB_CAP;
            c->in = realloc(c->in, c->in_cap);
        }
        k = wio_read(&c->io, c->in + c->in_len, WSB_CAP);
        if (k <= 0) return (int)k;
        size_t n = c->in_len + (size_t)k;
        c->in_len = 0;
        return on_data(c, c->in, n);
    }
    k = wio_read(&c->io, rbuf, WSB_CAP);
    if (k <= 0) return (int)k;
    return on_data(c, rbuf, (size_t)k);
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 1024) < 0) die("listen");
    return fd;
}

int main(int argc, char **argv) {
    int port = atoi(arg_of(argc, argv, "--port", "9100")), tport = atoi(arg_of(argc, argv, "--tls-port", "0"));
    double lifetime = atof(arg_of(argc, argv, "--lifetime", "7200"));
    signal(SIGPIPE, SIG_IGN);
    blob[0] = load_payload(arg_of(argc, argv, "--payload", NULL));
    blob[1] = load_payload(arg_of(argc, argv, "--payload-utf8", arg_of(argc, argv, "--payload", NULL)));
    rbuf = malloc(WSB_CAP + 64);
    {
        z_stream z;
        unsigned char t[64];
        memset(&z, 0, sizeof z);
        if (deflateInit2(&z, 6, Z_DEFLATED, -9, 1, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
        size_t n = pmd_deflate(&z, "k", 1, t, sizeof t);
        ack_pmd_n = put_header(ack_pmd, 0xc1, n, 0, 0);
        memcpy(ack_pmd + ack_pmd_n, t, n);
        ack_pmd_n += n;
        deflateEnd(&z);
    }
    obuf_need(1u << 20);
    ep = epoll_create1(EPOLL_CLOEXEC);
    int lfd[2] = {listen_on(port), -1};
    if (tport) {
        tls = tls_server_ctx(arg_of(argc, argv, "--cert", "cert.pem"), arg_of(argc, argv, "--key", "key.pem"));
        lfd[1] = listen_on(tport);
    }
    for (int i = 0; i < 2; i++)
        if (lfd[i] >= 0) {
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = &lfd[i]};
            epoll_ctl(ep, EPOLL_CTL_ADD, lfd[i], &e);
        }
    printf("READY %d\n", port);
    fflush(stdout);
    uint64_t stop = now_ns() + (uint64_t)(lifetime * 1e9);
    struct epoll_event ev[256];
    while (now_ns() < stop) {
        int n = epoll_wait(ep, ev, 256, paced ? 0 : 1000);
        if (paced) pump_paced();
        for (int i = 0; i < n; i++) {
            if (ev[i].data.ptr == &lfd[0] || ev[i].data.ptr == &lfd[1]) {
                int fd, one = 1, is_tls = ev[i].data.ptr == &lfd[1];
                while ((fd = accept4(is_tls ? lfd[1] : lfd[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    conn *c = calloc(1, sizeof *c);
                    c->io.fd = fd;
                    if (is_tls) wio_tls(&c->io, tls, 1);
                    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
                }
                continue;
            }
            conn *c = ev[i].data.ptr;
            int bad = 0;
            if (ev[i].events & (EPOLLERR | EPOLLHUP)) bad = 1;
            if (!bad && (ev[i].events & EPOLLIN)) bad = readable(c) < 0;
            if (!bad && (ev[i].events & EPOLLOUT)) {
                if (c->mode == M_SOURCE && c->interval) {
                    int f = wio_flush(&c->io);
                    bad = f < 0;
                    if (!f) arm(c, 0);
                } else if (c->mode == M_SOURCE || c->mode == M_RAW_SOURCE)
                    bad = pump_source(c) < 0;
                else {
                    int f = wio_flush(&c->io);
                    bad = f < 0;
                    if (!f) arm(c, 0);
                }
            }
            if (bad) drop(c);
        }
    }
    return 0;
}
