/* Handles by place: JavaScript knows what it opened by a small number, which events carry too. */
#ifndef GATEWIRE_NODE_HANDLES_H
#define GATEWIRE_NODE_HANDLES_H

#include <stdbool.h>
#include <stdint.h>

enum handle_kind { HANDLE_NONE, HANDLE_CLIENT, HANDLE_SERVER, HANDLE_SOCKET, HANDLE_LISTENER };

struct handle {
  enum handle_kind kind;
  void *pointer;
};

struct handles {
  struct handle *items;
  uint32_t count;
};

/* Takes a free place.  False if there is no memory. */
bool handles_reserve(struct handles *handles, uint32_t *place);

/* Puts a handle at a place that was reserved; a NULL pointer gives the place back. */
void handles_put(struct handles *handles, uint32_t place, enum handle_kind kind, void *pointer);

/* The handle at a place, NULL if there is none of this kind. */
void *handles_get(const struct handles *handles, enum handle_kind kind, uint32_t place);

/* Frees the handle at a place, if there is one. */
void handles_release(struct handles *handles, uint32_t place);

/* Frees all of them and the table. */
void handles_release_all(struct handles *handles);

#endif
