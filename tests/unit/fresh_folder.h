/* tests/unit/fresh_folder.h - an empty folder of its own for a test. */
#ifndef BELFRY_TESTS_UNIT_FRESH_FOLDER_H
#define BELFRY_TESTS_UNIT_FRESH_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define FRESH_FOLDER_SIZE 64
#define FRESH_LETTERS 6 /* that mkdtemp() fills in */

/* Makes it and writes its path; `name` says whose it is. The caller removes it. */
static inline void fresh_folder(char path[FRESH_FOLDER_SIZE], const char *name)
{
	int size = snprintf(path, FRESH_FOLDER_SIZE, "/tmp/belfry-%s-", name);

	ASSERT(size > 0 && size + FRESH_LETTERS < FRESH_FOLDER_SIZE);
	memset(path + size, 'X', FRESH_LETTERS);
	path[size + FRESH_LETTERS] = '\0';
	ASSERT(mkdtemp(path) != NULL);
}

#endif
