/* tests/unit/log/scratch.h - a folder for one test, and its files.
 *
 * Layer   tests
 * Threads one
 * Memory  static
 * Errors  ASSERT aborts
 */
#ifndef BELFRY_TESTS_UNIT_LOG_SCRATCH_H
#define BELFRY_TESTS_UNIT_LOG_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fresh_folder.h"
#include "base/assert.h"
#include "base/slice.h"

static char scratch_folder[FRESH_FOLDER_SIZE];
static char scratch_log[128]; /* a path of a log in it */

static inline void scratch_make(void)
{
	fresh_folder(scratch_folder, "log");
	snprintf(scratch_log, sizeof(scratch_log), "%s/log", scratch_folder);
}

/* Removes the files in it, but not the folder. */
static inline void scratch_empty(void)
{
	DIR *folder = opendir(scratch_folder);
	struct dirent *item;

	ASSERT(folder != NULL);
	while ((item = readdir(folder)) != NULL)
		if (item->d_name[0] != '.')
			ASSERT(unlinkat(dirfd(folder), item->d_name, 0) == 0);
	closedir(folder);
}

static inline void scratch_remove(void)
{
	scratch_empty();
	ASSERT(rmdir(scratch_folder) == 0);
}

static inline const char *scratch_segment(unsigned number)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s.%06u", scratch_log, number);
	return path;
}

static inline bool scratch_has(const char *path)
{
	return access(path, F_OK) == 0;
}

/* On the heap. */
static inline struct slice scratch_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat there;

	ASSERT(file && fstat(fileno(file), &there) == 0);
	size_t size = (size_t)there.st_size;
	uint8_t *bytes = malloc(size + 1);

	ASSERT(bytes && fread(bytes, 1, size, file) == size);
	fclose(file);
	return slice_of(bytes, size);
}

static inline void scratch_write(const char *path, struct slice bytes)
{
	FILE *file = fopen(path, "wb");

	ASSERT(file && fwrite(bytes.bytes, 1, bytes.size, file) == bytes.size);
	ASSERT(fclose(file) == 0);
}

#endif
