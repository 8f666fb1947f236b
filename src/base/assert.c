/* base/assert.c - the end of a process with a broken invariant. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void assert_failed(const char *file, int line, const char *function,
			     const char *expression)
{
	fprintf(stderr, "belfry: %s:%d: %s: assertion failed: %s\n", file, line, function,
		expression);
	abort();
}
