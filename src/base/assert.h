/* base/assert.h - assertions that stay on in release builds.
 *
 * Layer   base
 * Threads any
 * Memory  none
 * Errors  a false one prints file, line and expression and aborts the process: a broken
 *         invariant is a bug, never an answer to input
 */
#ifndef BELFRY_BASE_ASSERT_H
#define BELFRY_BASE_ASSERT_H

#include "base/compiler.h"

#define ASSERT(expression)                                                        \
	do {                                                                      \
		if (unlikely(!(expression)))                                      \
			assert_failed(__FILE__, __LINE__, __func__, #expression); \
	} while (0)

/* Prints what was expected and where, then aborts. */
_Noreturn void assert_failed(const char *file, int line, const char *function,
			     const char *expression);

#endif
