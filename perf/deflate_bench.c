/* perf/deflate_bench.c - what compressing a notification saves and costs, and inflating it.
 *
 *   deflatebench [milliseconds]      for each row, default 200
 *
 * Envelopes of several sizes as the router makes them, with data of a list of items that differ in
 * their numbers, names and times (the seed is fixed; each of 64 messages is another one). They go
 * through wire/deflate.h as a shard's do: one codec, no window from the message before. Beside it
 * the same bytes by memcpy, in the same run and in turns, since that is what writing them
 * uncompressed costs. One thread; nothing is sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/writer.h"
#include "wire/deflate.h"

#define MESSAGES 64
#define SIZE_MAX_HERE (16u << 10)
#define ROOM (2 * SIZE_MAX_HERE)
#define MILLISECONDS_DEFAULT 200
#define SEED 20260125

static const char *const words[] = {
	"Anna",    "order",   "shipped", "comment", "mentioned", "you",     "in",    "release",
	"invoice", "payment", "failed",  "build",   "passed",    "Oskar",   "liked", "your",
	"photo",   "meeting", "moved",   "to",      "tomorrow",  "changed", "price", "of",
};

struct messages {
	uint8_t bytes[MESSAGES][SIZE_MAX_HERE];
	size_t size; /* of each */
	uint8_t compressed[MESSAGES][ROOM];
	size_t compressed_sizes[MESSAGES];
	uint8_t copy[ROOM];
};

/* One way of spending time on message `index`. Answers bytes made. */
typedef size_t (*doing)(struct messages *messages, struct deflate *codec, unsigned index);

/* Processor time of this thread: what else runs meanwhile is not in it. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void write_text(struct writer *writer, struct random *random)
{
	for (unsigned i = 0; i < 8; i++)
		writer_format(writer, "%s%s", i ? " " : "",
			      words[random_below(random, ARRAY_SIZE(words))]);
}

static void write_item(struct writer *writer, struct random *random)
{
	writer_format(writer, "{\"id\":%u,\"kind\":\"%s\",\"actor\":{\"id\":%u,\"name\":\"%s\"},",
		      (unsigned)random_below(random, 1u << 30),
		      words[random_below(random, ARRAY_SIZE(words))],
		      (unsigned)random_below(random, 1000000),
		      words[random_below(random, ARRAY_SIZE(words))]);
	writer_text(writer, "\"text\":\"");
	write_text(writer, random);
	writer_format(writer, "\",\"url\":\"/items/%08x\",\"read\":%s}",
		      (unsigned)random_below(random, UINT32_MAX),
		      random_below(random, 4) ? "false" : "true");
}

/* Items until the size is reached; what is over is cut off: it is for bytes, not for sense. */
static void write_message(uint8_t *bytes, size_t size, struct random *random)
{
	uint8_t room[SIZE_MAX_HERE + 1024];
	struct writer writer;
	unsigned ms = (unsigned)random_below(random, 1000000000);

	writer_init(&writer, room, sizeof(room));
	writer_format(&writer,
		      "{\"type\":\"notification\",\"event\":\"items.changed\",\"event_id\":"
		      "\"1700%09u-0\",\"channel\":\"user:%u\",\"timestamp\":"
		      "\"2026-01-25T12:%02u:%02u.%03uZ\",\"data\":[",
		      ms, ms % 100000, ms % 60, ms / 60 % 60, ms / 3600 % 1000);
	write_item(&writer, random);
	while (writer.size < size) {
		writer_text(&writer, ",");
		write_item(&writer, random);
	}
	ASSERT(!writer.overflow);
	memcpy(bytes, room, size);
}

static size_t copy(struct messages *messages, struct deflate *codec, unsigned index)
{
	(void)codec;
	memcpy(messages->copy, messages->bytes[index], messages->size);
	__asm__ volatile("" : : "r"(messages->copy) : "memory"); /* it is not left out */
	return messages->size;
}

static size_t compress(struct messages *messages, struct deflate *codec, unsigned index)
{
	struct writer writer;
	enum status status;

	writer_init(&writer, messages->compressed[index], ROOM);
	status = deflate_compress(codec, slice_of(messages->bytes[index], messages->size), &writer);
	ASSERT(status == STATUS_OK);
	messages->compressed_sizes[index] = writer.size;
	return writer.size;
}

static size_t inflate(struct messages *messages, struct deflate *codec, unsigned index)
{
	enum status status;
	size_t size;

	deflate_begin(codec,
		      slice_of(messages->compressed[index], messages->compressed_sizes[index]));
	status = deflate_inflate(codec, messages->copy, ROOM, &size);
	ASSERT(status == STATUS_OK && size == messages->size);
	ASSERT(memcmp(messages->copy, messages->bytes[index], size) == 0);
	return size;
}

/* Microseconds of processor time a message. All messages in turn, so that none is found in the
 * caches of the processor more than in a broker that has others, too. */
static double measure(struct messages *messages, struct deflate *codec, doing work,
		      uint64_t span_ns)
{
	uint64_t began = now_ns();
	uint64_t count = 0;
	uint64_t passed;

	do {
		for (unsigned i = 0; i < MESSAGES; i++)
			work(messages, codec, i);
		count += MESSAGES;
		passed = now_ns() - began;
	} while (passed < span_ns);
	return (double)passed / (double)count / 1000;
}

static void run_row(struct messages *messages, int level, uint64_t span_ns)
{
	void *memory = malloc(DEFLATE_MEMORY_SIZE);
	struct deflate *codec = memory ? deflate_init(memory, DEFLATE_MEMORY_SIZE, level) : NULL;
	double compress_us;
	double inflate_us;
	size_t made = 0;

	ASSERT(codec != NULL);
	double copy_us = measure(messages, codec, copy, span_ns);

	compress_us = measure(messages, codec, compress, span_ns);
	inflate_us = measure(messages, codec, inflate, span_ns);
	for (unsigned i = 0; i < MESSAGES; i++)
		made += messages->compressed_sizes[i];
	printf("%7zu %6d %8zu %9.2f %8.2f %9.3f %9.2f %7zu\n", messages->size, level,
	       made / MESSAGES, (double)messages->size * MESSAGES / (double)made, compress_us,
	       copy_us, inflate_us, deflate_memory_used(codec));
	free(memory);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {256, 1024, 4096, 16384};
	static const int levels[] = {1, 3, 6};
	static struct messages messages;
	int milliseconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : MILLISECONDS_DEFAULT;
	struct random random;
	struct utsname machine;

	random_init(&random, SEED);
	uname(&machine);
	printf("%s %s, window of %d bits\n", machine.sysname, machine.release, DEFLATE_WINDOW_BITS);
	printf("  bytes  level  smaller  times     us each  memcpy us  inflate  memory\n");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		messages.size = sizes[i];
		for (unsigned j = 0; j < MESSAGES; j++)
			write_message(messages.bytes[j], sizes[i], &random);
		for (unsigned j = 0; j < ARRAY_SIZE(levels); j++)
			run_row(&messages, levels[j], (uint64_t)milliseconds * 1000000u);
	}
	return 0;
}
