/* base/random.c - kernel randomness and xorshift64*. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

#include "base/assert.h"

void random_secret(void *bytes, size_t size)
{
	uint8_t *next = bytes;

	while (size > 0) {
		ssize_t got = getrandom(next, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		next += got;
		size -= (size_t)got;
	}
}

void random_init(struct random *random, uint64_t seed)
{
	random->state = seed ? seed : 1; /* zero is the one state it never leaves */
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	uint64_t x = random->state;

	ASSERT(bound > 0);
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	random->state = x;
	return (uint64_t)(((unsigned __int128)(x * 0x2545F4914F6CDD1Du) * bound) >> 64);
}
