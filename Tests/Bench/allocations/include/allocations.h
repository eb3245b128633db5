/* Counts what is allocated, by standing in front of the C library's functions. */
#ifndef GATEWIRE_BENCH_ALLOCATIONS_H
#define GATEWIRE_BENCH_ALLOCATIONS_H

#include <stddef.h>

/* Calls of malloc, calloc, realloc, posix_memalign and aligned_alloc so far. */
size_t allocation_count(void);

#endif
