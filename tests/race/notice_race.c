/* tests/race/notice_race.c - threads read and drop the same notices at the same time. That each is
 * freed once, and after the last read, is seen by ThreadSanitizer and AddressSanitizer. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "lane/notice.h"

#define THREADS 4
#define ROUNDS 3000
#define NOTICES 32
#define BYTES 200

static struct notice *notices[NOTICES];
static pthread_barrier_t barrier;

static struct notice *make(uint32_t number)
{
	uint8_t *bytes;
	struct notice *notice = notice_create(1 + number % 3, BYTES, &bytes);

	ASSERT(notice != NULL);
	memset(bytes, (int)(number & 0xFF), BYTES);
	notice->event_id.sequence = number;
	notice->frame = slice_of(bytes, BYTES);
	return notice;
}

/* Each thread has one reference; it takes two more for a while. */
static void use(struct notice *notice)
{
	uint8_t expected = (uint8_t)notice->event_id.sequence;

	notice_ref(notice, 2);
	ASSERT(notice->frame.bytes[0] == expected);
	notice_unref(notice);
	ASSERT(notice->frame.bytes[BYTES - 1] == expected);
	notice_unref(notice);
	ASSERT(notice->channels_count == 1 + notice->event_id.sequence % 3);
	notice_unref(notice);
}

static void *drop(void *owner)
{
	uint32_t index = *(const uint32_t *)owner;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(&barrier);
		for (uint32_t i = 0; i < NOTICES; i++) /* half of them from the other end */
			use(notices[index % 2 ? i : NOTICES - 1 - i]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	uint32_t indices[THREADS];

	ASSERT(pthread_barrier_init(&barrier, NULL, THREADS + 1) == 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		indices[i] = i;
		ASSERT(pthread_create(&threads[i], NULL, drop, &indices[i]) == 0);
	}
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < NOTICES; i++) {
			notices[i] = make(round * NOTICES + i);
			notice_ref(notices[i], THREADS - 1);
		}
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return 0;
}
