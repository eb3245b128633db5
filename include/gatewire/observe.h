/*
 * gatewire/observe.h: what a client has done: sums, how long answers took, a log, and a flight recorder.
 *
 * Nothing here ever holds a credential: in frames the values of all members whose names end like a credential's (token, password,
 * secret, signature, ...) are null.  What people have written is not hidden.
 */
#ifndef GATEWIRE_OBSERVE_H
#define GATEWIRE_OBSERVE_H

#include "base.h"
#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* gw_observe_options.log_level, and code of GW_EVENT_LOG */
enum {
  GW_LOG_NONE = 0,
  GW_LOG_ERROR = 1,   /* why a client has ended */
  GW_LOG_WARNING = 2, /* why a connection or an attempt has ended */
  GW_LOG_INFO = 3,    /* states */
  GW_LOG_DEBUG = 4    /* frames */
};

/* gw_observe_options.flags */
enum {
  GW_OBSERVE_METHODS = 1u << 0,        /* time the answers, by method */
  GW_OBSERVE_DUMP_ON_FAILURE = 1u << 1 /* each time a connection or an attempt fails, GW_EVENT_LOG "dump" has what the flight recorder holds */
};

typedef struct gw_observe_options {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t log_level;      /* up to which GW_EVENT_LOG comes */
  uint32_t recorder_bytes; /* what the flight recorder keeps of states and frames, the oldest going first.  0: there is none */
  uint32_t frame_bytes;    /* of each frame that is logged or recorded.  0: 512 */
  uint32_t max_methods;    /* 0: 64; those beyond share the entry "*" */
} gw_observe_options;

/* Fills in the defaults.  NULL is ignored.  Threads: any. */
GW_EXPORT void gw_observe_options_init(gw_observe_options *options);

/* Sums over the client's whole life, whichever connection. */
typedef struct gw_client_stats {
  uint32_t struct_size;
  uint32_t methods;     /* how many gw_client_get_method_stats knows */
  uint64_t attempts;    /* to connect */
  uint64_t connections; /* that reached their hello */
  uint64_t messages_received;
  uint64_t messages_sent;
  uint64_t bytes_received; /* of messages, uncompressed */
  uint64_t bytes_sent;
  uint64_t wire_bytes_received; /* of frames with their headers, below TLS */
  uint64_t wire_bytes_sent;
  uint64_t round_trip_us; /* last ping of this connection, 0 if none was answered */
  uint64_t calls_waiting; /* for a connection (gw_offline_options) */
  /* Time spent so far. */
  uint64_t waiting_us;    /* for the next attempt */
  uint64_t connecting_us; /* from the name to the hello */
  uint64_t ready_us;
  uint64_t closing_us;
} gw_client_stats;

/* Fills in the sums.  out: struct_size must be set.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_STRUCT_SIZE, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any. */
GW_EXPORT gw_status gw_client_get_stats(const gw_client *client, gw_client_stats *out);

/* How long the answers of one method took, from the call to its final answer. */
typedef struct gw_method_stats {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t answers; /* rejections count as answers */
  uint64_t least_us;
  uint64_t mean_us;
  uint64_t greatest_us;
  gw_slice method; /* "*": all beyond max_methods */
} gw_method_stats;

/* Fills in the times of a method.
 *   index   0 to gw_client_stats.methods - 1; a method keeps its index
 *   out     struct_size must be set.  Borrowed: method lives until the next call of this function with this handle, or gw_client_free.
 * Statuses: GW_OK, GW_ERR_ARGUMENT (there is none of that index), GW_ERR_STRUCT_SIZE, GW_ERR_GONE, GW_ERR_FORKED.
 * Threads: any, one at a time for one handle. */
GW_EXPORT gw_status gw_client_get_method_stats(gw_client *client, uint32_t index, gw_method_stats *out);

/* What the flight recorder holds, as lines of JSON, the oldest first; empty without one.  Each has "ms" (since gw_client_open), "kind"
 * ("state", "failure", "in", "out"), "text", and of a frame "bytes" (all of it, however much of it the text has).
 * Borrowed: the lines live until the next call of this function with this handle, or gw_client_free.
 * Statuses: GW_OK, GW_ERR_ARGUMENT, GW_ERR_GONE, GW_ERR_FORKED.  Threads: any, one at a time for one handle. */
GW_EXPORT gw_status gw_client_dump(gw_client *client, gw_slice *out);

#ifdef __cplusplus
}
#endif
#endif
