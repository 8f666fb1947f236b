/* tests/race/parcel_race.c - blocks go to another thread over a pipe, which orders nothing that
 * ThreadSanitizer knows of, as the tag of a ring does. That all of a block is there when it is
 * opened is seen by it, and by what the block says of itself. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "lane/parcel.h"

#define BLOCKS 20000
#define BYTES 100

struct block {
	struct parcel parcel;
	unsigned char bytes[BYTES];
};

static int ends[2];

/* Past the sanitizer's own view of pipes. */
static void give(struct block *block)
{
	long written = syscall(SYS_write, ends[1], &block, sizeof(block));

	ASSERT(written == (long)sizeof(block));
}

static struct block *take(void)
{
	struct block *block = NULL;
	long taken = syscall(SYS_read, ends[0], &block, sizeof(block));

	ASSERT(taken == (long)sizeof(block));
	return block;
}

static void *take_all(void *owner)
{
	(void)owner;
	for (unsigned number = 0; number < BLOCKS; number++) {
		struct block *block = take();

		parcel_open(&block->parcel);
		ASSERT(block->bytes[0] == (number & 0xFF) &&
		       block->bytes[BYTES - 1] == (number & 0xFF));
		free(block);
	}
	return NULL;
}

int main(void)
{
	pthread_t taker;

	ASSERT(pipe(ends) == 0);
	ASSERT(pthread_create(&taker, NULL, take_all, NULL) == 0);
	for (unsigned number = 0; number < BLOCKS; number++) {
		struct block *block = calloc(1, sizeof(*block));

		ASSERT(block != NULL);
		memset(block->bytes, (int)(number & 0xFF), BYTES);
		parcel_seal(&block->parcel);
		give(block);
	}
	pthread_join(taker, NULL);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
