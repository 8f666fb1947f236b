/* router/partitions.c - one key after the other. */
#include "router/partitions.h"

#include <stdlib.h>

#include "base/assert.h"
#include "wire/partition.h"

enum status partitions_init(struct partitions *partitions, struct slice stream, uint32_t count)
{
	size_t size = count * (stream.size + PARTITION_SUFFIX_MAX);
	struct writer writer;

	*partitions = (struct partitions){.count = count};
	partitions->keys = calloc(count, sizeof(*partitions->keys));
	partitions->bytes = malloc(size + 1);
	if (!partitions->keys || !partitions->bytes)
		return STATUS_NO_MEMORY;
	writer_init(&writer, partitions->bytes, size + 1);
	for (uint32_t i = 0; i < count; i++) {
		size_t start = writer.size;

		partition_write_key(&writer, stream, i, count);
		partitions->keys[i] = slice_of(partitions->bytes + start, writer.size - start);
	}
	ASSERT(!writer.overflow);
	return STATUS_OK;
}

void partitions_deinit(struct partitions *partitions)
{
	free(partitions->keys);
	free(partitions->bytes);
}
