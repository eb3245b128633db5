/* frames.h - what /source sends: frames of one kind, built once and kept for the process. */
#include "wsb.h"

typedef struct frames {
    struct frames *next;
    char key[96];
    unsigned char *data;
    size_t len;
    uint32_t *end; /* end offset of frame i, for paced sending */
    size_t count;
} frames;

static wblob blob[2];
static frames *all_frames;

static const frames *get_frames(size_t size, int bin, int set, int pmd, int wbits, int nct) {
    char key[96];
    snprintf(key, sizeof key, "%zu/%d/%d/%d/%d/%d", size, bin, set, pmd, wbits, nct);
    for (frames *f = all_frames; f; f = f->next)
        if (!strcmp(f->key, key)) return f;
    frames *f = calloc(1, sizeof *f);
    strcpy(f->key, key);
    size_t k = (1u << 20) / size;
    if (k < 4) k = 4;
    if (k > 4096) k = 4096;
    size_t cap = k * (size + size / 8 + 128);
    f->data = malloc(cap);
    f->end = malloc(k * sizeof *f->end);
    z_stream z;
    memset(&z, 0, sizeof z);
    if (pmd && deflateInit2(&z, 6, Z_DEFLATED, -wbits, 8, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
    unsigned char *tmp = malloc(size * 2 + 1024);
    for (size_t i = 0; i < k; i++) {
        const void *p = payload_at(&blob[set], size, i);
        size_t n = size;
        unsigned b0 = 0x80 | (bin ? 2 : 1);
        if (pmd) {
            n = pmd_deflate(&z, p, size, tmp, size * 2 + 1024);
            if (nct) deflateReset(&z);
            p = tmp;
            b0 |= 0x40;
        }
        f->len += put_header(f->data + f->len, b0, n, 0, 0);
        memcpy(f->data + f->len, p, n);
        f->len += n;
        f->end[i] = (uint32_t)f->len;
    }
    f->count = k;
    free(tmp);
    if (pmd) deflateEnd(&z);
    f->next = all_frames;
    all_frames = f;
    return f;
}
