/* tests/fuzz/ws_inbound_fuzz.c - frames from a client, cut in any way.
 *
 * Byte 0 chooses the largest message and, by its highest bit, whether compressed ones are taken;
 * byte 1 how the rest is cut. What the reader tells must not
 * depend on the cutting, and a violation must be the last word.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/writer.h"
#include "wire/ws_inbound.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define INPUT_SIZE_MAX (1u << 16)

static void check_piece(const struct ws_inbound_event *event, bool takes_compressed, bool *open)
{
	ASSERT(event->opcode == WS_TEXT || event->opcode == WS_BINARY);
	ASSERT(event->first == !*open);
	ASSERT(event->payload.size > 0 || event->last);
	ASSERT(!event->compressed || takes_compressed);
	*open = !event->last;
}

static void check_event(const struct ws_inbound_event *event)
{
	ASSERT((event->type == WS_EVENT_VIOLATION) == (event->reason != NULL));
	switch (event->type) {
	case WS_EVENT_PING:
	case WS_EVENT_PONG:
		ASSERT(event->payload.size <= CONTROL_PAYLOAD_MAX);
		break;
	case WS_EVENT_CLOSE:
		ASSERT(event->payload.size <= CONTROL_PAYLOAD_MAX - 2);
		ASSERT(event->code >= 1000 && event->code < 5000);
		ASSERT(utf8_is_valid(event->payload));
		break;
	case WS_EVENT_VIOLATION:
		ASSERT(event->code == 1002 || event->code == 1007 || event->code == 1009);
		break;
	case WS_EVENT_NONE:
	case WS_EVENT_PIECE:
		break;
	}
}

/* Written down byte by byte: the same text however a payload was cut into pieces. */
static void write_event(struct writer *told, const struct ws_inbound_event *event)
{
	if (event->type == WS_EVENT_NONE)
		return;
	if (event->type != WS_EVENT_PIECE)
		writer_format(told, "%d %d %zu:", event->type, event->code, event->payload.size);
	else if (event->first)
		writer_format(told, "m%d%d:", event->opcode, event->compressed);
	for (size_t i = 0; i < event->payload.size; i++) {
		writer_bytes(told, ".", 1);
		writer_bytes(told, &event->payload.bytes[i], 1);
	}
	if (event->type == WS_EVENT_PIECE && event->last)
		writer_text(told, "end");
}

struct run {
	struct ws_inbound in;
	struct writer told;
	uint8_t *bytes; /* all of the input, unmasked as it goes */
	bool open;      /* inside of a message that was told */
	bool closed;
	uint8_t text[INPUT_SIZE_MAX * 3 + 4096];
};

static void check_after_violation(struct run *run)
{
	uint8_t more[4] = {0x81, 0x80, 0, 0};
	struct ws_inbound_event event;

	for (size_t size = 0; size <= sizeof(more); size++) {
		ASSERT(ws_inbound_next(&run->in, more, size, &event) <= size);
		ASSERT(event.type == WS_EVENT_VIOLATION && event.code == run->in.violation_code);
	}
}

/* False: a violation ended it. */
static bool feed(struct run *run, uint8_t *bytes, size_t size)
{
	struct ws_inbound_event event;

	while (size > 0) {
		size_t used = ws_inbound_next(&run->in, bytes, size, &event);

		ASSERT(used <= size);
		ASSERT(event.type != WS_EVENT_NONE || used == size);
		ASSERT(event.type == WS_EVENT_VIOLATION || used > 0);
		ASSERT(!run->closed || event.type == WS_EVENT_NONE);
		check_event(&event);
		if (event.type == WS_EVENT_PIECE)
			check_piece(&event, run->in.takes_compressed, &run->open);
		write_event(&run->told, &event);
		if (event.type == WS_EVENT_VIOLATION) {
			check_after_violation(run);
			return false;
		}
		run->closed = run->closed || event.type == WS_EVENT_CLOSE;
		bytes += used;
		size -= used;
	}
	return true;
}

/* Cut 0: whole. 1: byte by byte. Else pieces of pseudo-random sizes that the cut chooses. */
static size_t piece_size(uint32_t cut, uint32_t *random, size_t left)
{
	if (cut == 0)
		return left;
	if (cut == 1)
		return 1;
	*random = *random * 1664525 + 1013904223;

	size_t size = 1 + (*random >> 16) % (cut % 64 + 1);

	return size < left ? size : left;
}

static struct run *read_all(struct slice input, uint64_t size_max, bool takes_compressed,
			    uint32_t cut)
{
	const uint8_t *bytes = input.bytes;
	size_t size = input.size;
	struct run *run = malloc(sizeof(*run));
	uint32_t random = cut;
	size_t at = 0;
	bool good = true;

	ASSERT(run != NULL);
	run->bytes = malloc(size ? size : 1);
	ASSERT(run->bytes != NULL);
	if (size > 0)
		memcpy(run->bytes, bytes, size);
	run->open = false;
	run->closed = false;
	ws_inbound_init(&run->in, size_max);
	run->in.takes_compressed = takes_compressed;
	writer_init(&run->told, run->text, sizeof(run->text));
	while (good && at < size) {
		size_t step = piece_size(cut, &random, size - at);

		good = feed(run, run->bytes + at, step);
		at += step;
	}
	/* a violation never waits for a byte that may not come */
	ASSERT(good == (run->in.violation_code == 0));
	ASSERT(!run->told.overflow);
	ASSERT(run->in.message_size <= size_max ||
	       (run->in.compressed && run->in.message_size <= ws_inbound_compressed_max(size_max)));
	return run;
}

static void run_free(struct run *run)
{
	free(run->bytes);
	free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint64_t sizes_max[] = {1u << 20, 0, 10, 125, 126, 300, 70000, UINT64_MAX};

	if (size < 2 || size > INPUT_SIZE_MAX)
		return 0;

	uint64_t size_max = sizes_max[bytes[0] % ARRAY_SIZE(sizes_max)];
	bool takes_compressed = bytes[0] & 0x80;
	struct slice input = slice_of(bytes + 2, size - 2);
	struct run *whole = read_all(input, size_max, takes_compressed, 0);
	struct run *cut = read_all(input, size_max, takes_compressed, 1u + bytes[1]);

	ASSERT(slice_equal(writer_written(&whole->told), writer_written(&cut->told)));
	ASSERT(ws_inbound_is_idle(&whole->in) == ws_inbound_is_idle(&cut->in));
	run_free(cut);
	run_free(whole);
	return 0;
}
