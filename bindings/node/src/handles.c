#include "handles.h"

#include <stdlib.h>

#include "gatewire/gatewire.h"

/* Stands at a place between its reservation and the handle. */
static char reserved;

bool handles_reserve(struct handles *handles, uint32_t *place) {
  uint32_t i = 0;
  while (i < handles->count && handles->items[i].pointer != NULL) i++;
  if (i == handles->count) {
    if (i == INT32_MAX) return false; /* places and statuses are one number for JavaScript */
    struct handle *items = realloc(handles->items, ((size_t)i + 1) * sizeof *items);
    if (items == NULL) return false;
    handles->items = items;
    handles->count = i + 1;
  }
  handles->items[i] = (struct handle){HANDLE_NONE, &reserved};
  *place = i;
  return true;
}

void handles_put(struct handles *handles, uint32_t place, enum handle_kind kind, void *pointer) {
  handles->items[place] = (struct handle){kind, pointer};
}

void *handles_get(const struct handles *handles, enum handle_kind kind, uint32_t place) {
  if (place >= handles->count || handles->items[place].kind != kind) return NULL;
  return handles->items[place].pointer;
}

void handles_release(struct handles *handles, uint32_t place) {
  if (place >= handles->count) return;
  struct handle handle = handles->items[place];
  handles->items[place] = (struct handle){HANDLE_NONE, NULL};
  switch (handle.kind) {
  case HANDLE_NONE: break;
  case HANDLE_CLIENT: gw_client_free(handle.pointer); break;
  case HANDLE_SERVER: gw_server_free(handle.pointer); break;
  case HANDLE_SOCKET: gw_socket_free(handle.pointer); break;
  case HANDLE_LISTENER: gw_listener_free(handle.pointer); break;
  }
}

void handles_release_all(struct handles *handles) {
  for (uint32_t i = 0; i < handles->count; i++) handles_release(handles, i);
  free(handles->items);
  *handles = (struct handles){NULL, 0};
}
