/* tests/unit/refused_memory.h - allocations that fail, and how many are held.
 *
 * Layer   tests
 * Threads one
 * Memory  static
 * Errors  none
 *
 * For one source of a test that is linked with --wrap for malloc, calloc, realloc and free.
 */
#ifndef BELFRY_TESTS_UNIT_REFUSED_MEMORY_H
#define BELFRY_TESTS_UNIT_REFUSED_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static uint32_t refused_after = UINT32_MAX; /* so many more are granted */
static int64_t refused_held;                /* allocations that are not freed */

static inline bool refused_one(bool is_new)
{
	if (refused_after == 0)
		return true;
	refused_after -= refused_after < UINT32_MAX;
	refused_held += is_new;
	return false;
}

void *__wrap_malloc(size_t size)
{
	return refused_one(true) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refused_one(true) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return refused_one(memory == NULL) ? NULL : __real_realloc(memory, size);
}

void __wrap_free(void *memory)
{
	refused_held -= memory != NULL;
	__real_free(memory);
}

#endif
