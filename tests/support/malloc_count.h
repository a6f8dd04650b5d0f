/* malloc_count.h: how many allocations the process has made. Compile malloc_count.c into the test program itself. */
#ifndef MALLOC_COUNT_H
#define MALLOC_COUNT_H

#include <stddef.h>

extern size_t malloc_calls;

#endif
