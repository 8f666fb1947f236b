/* shard/outbox.c - a list of chunks. */
#include "shard/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define CHUNK_SIZE_MIN 2000 /* with its head a chunk fits a 2 KiB allocation */
#define CHUNK_SIZE_MAX 65000

struct chunk {
	struct chunk *next;
	uint8_t *bytes; /* `room`, or memory of somebody else's making */
	size_t start;   /* bytes before it are out */
	size_t size;
	size_t capacity;
	uint8_t room[];
};

struct outbox {
	struct chunk *first;
	struct chunk *last;
	size_t size;
};

static struct chunk *chunk_create(size_t capacity)
{
	struct chunk *chunk = malloc(sizeof(*chunk) + capacity);

	if (chunk)
		*chunk = (struct chunk){.bytes = chunk->room, .capacity = capacity};
	return chunk;
}

static void chunk_destroy(struct chunk *chunk)
{
	if (chunk->bytes != chunk->room)
		free(chunk->bytes);
	free(chunk);
}

static struct outbox *need(struct outbox **outbox)
{
	if (!*outbox)
		*outbox = calloc(1, sizeof(**outbox));
	return *outbox;
}

static void link_last(struct outbox *outbox, struct chunk *chunk)
{
	if (outbox->last)
		outbox->last->next = chunk;
	else
		outbox->first = chunk;
	outbox->last = chunk;
	outbox->size += chunk->size;
}

/* An outbox that a failed call has just made goes away again. */
static enum status fail(struct outbox **outbox, enum status status)
{
	if (*outbox && !(*outbox)->first)
		outbox_destroy(outbox);
	return status;
}

/* As much again as waits already: a chunk is one send, so few should hold many bytes. */
static size_t capacity_for(const struct outbox *box, size_t size)
{
	size_t capacity = box->size < CHUNK_SIZE_MIN ? CHUNK_SIZE_MIN : box->size;

	if (capacity > CHUNK_SIZE_MAX)
		capacity = CHUNK_SIZE_MAX;
	return capacity > size ? capacity : size;
}

enum status outbox_append(struct outbox **outbox, struct slice bytes, size_t size_max)
{
	struct outbox *box = need(outbox);

	if (!box)
		return STATUS_NO_MEMORY;
	if (bytes.size > size_max || box->size > size_max - bytes.size)
		return fail(outbox, STATUS_TOO_LARGE);
	struct chunk *last = box->last;

	if (last && last->capacity - last->size >= bytes.size) {
		memcpy(last->bytes + last->size, bytes.bytes, bytes.size);
		last->size += bytes.size;
		box->size += bytes.size;
		return STATUS_OK;
	}
	struct chunk *chunk = chunk_create(capacity_for(box, bytes.size));

	if (!chunk)
		return fail(outbox, STATUS_NO_MEMORY);
	memcpy(chunk->bytes, bytes.bytes, bytes.size);
	chunk->size = bytes.size;
	link_last(box, chunk);
	return STATUS_OK;
}

enum status outbox_append_owned(struct outbox **outbox, uint8_t *bytes, size_t size)
{
	struct outbox *box = need(outbox);
	struct chunk *chunk = box ? chunk_create(0) : NULL;

	if (!chunk) {
		free(bytes);
		return fail(outbox, STATUS_NO_MEMORY);
	}
	chunk->bytes = bytes;
	chunk->size = chunk->capacity = size;
	link_last(box, chunk);
	return STATUS_OK;
}

enum status outbox_prepend(struct outbox **outbox, struct slice bytes)
{
	struct outbox *box = need(outbox);
	struct chunk *chunk = box ? chunk_create(bytes.size) : NULL;

	if (!chunk)
		return fail(outbox, STATUS_NO_MEMORY);
	memcpy(chunk->bytes, bytes.bytes, bytes.size);
	chunk->size = bytes.size;
	chunk->next = box->first;
	box->first = chunk;
	if (!box->last)
		box->last = chunk;
	box->size += bytes.size;
	return STATUS_OK;
}

size_t outbox_size(const struct outbox *outbox)
{
	return outbox ? outbox->size : 0;
}

struct slice outbox_first(const struct outbox *outbox)
{
	const struct chunk *chunk = outbox->first;

	ASSERT(chunk != NULL && chunk->size > chunk->start);
	return slice_of(chunk->bytes + chunk->start, chunk->size - chunk->start);
}

void outbox_consume(struct outbox **outbox, size_t size)
{
	struct outbox *box = *outbox;

	ASSERT(box != NULL && size <= box->size);
	box->size -= size;
	while (size > 0) {
		struct chunk *chunk = box->first;
		size_t here = chunk->size - chunk->start;

		if (here > size) {
			chunk->start += size;
			return;
		}
		size -= here;
		box->first = chunk->next;
		chunk_destroy(chunk);
	}
	if (!box->first)
		outbox_destroy(outbox);
}

void outbox_destroy(struct outbox **outbox)
{
	if (!*outbox)
		return;
	while ((*outbox)->first) {
		struct chunk *chunk = (*outbox)->first;

		(*outbox)->first = chunk->next;
		chunk_destroy(chunk);
	}
	free(*outbox);
	*outbox = NULL;
}
