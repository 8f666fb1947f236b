/* wsbench/talk.c - messages of a client. */
#include "wsbench/talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/event_id.h"
#include "wsbench/stamp.h"
#include "wsbench/stopwatch.h"

#define MASK_BIT 0x80
#define MASK_SIZE 4
#define FIRST_FRAME_MAX 8192

void talk_note_failure(struct flotilla *flotilla, enum failure failure, const char *format, ...)
{
	struct failure_note *note = &flotilla->failures[failure];
	va_list values;

	if (note->count++ > 0)
		return;
	va_start(values, format);
	vsnprintf(note->first, sizeof(note->first), format, values);
	va_end(values);
}

/* RFC 6455 section 5.3. Any key will do against a server under test. */
static void write_masked(uint8_t *bytes, enum ws_opcode opcode, struct slice payload)
{
	static const uint8_t mask[MASK_SIZE] = {0x37, 0xfa, 0x21, 0x3d};
	size_t header_size = ws_frame_write_header(bytes, opcode, payload.size);

	bytes[1] |= MASK_BIT;
	memcpy(bytes + header_size, mask, MASK_SIZE);
	bytes += header_size + MASK_SIZE;
	for (size_t i = 0; i < payload.size; i++)
		bytes[i] = payload.bytes[i] ^ mask[i % MASK_SIZE];
}

void talk_send(struct flotilla *flotilla, uint32_t index, enum ws_opcode opcode,
	       struct slice payload)
{
	size_t size = ws_frame_header_size(payload.size) + MASK_SIZE + payload.size;
	uint8_t *bytes = malloc(size < FRAME_HEADER_MAX ? FRAME_HEADER_MAX : size);

	ASSERT(bytes);
	write_masked(bytes, opcode, payload);
	sockets_send(&flotilla->sockets, index, slice_of(bytes, size));
}

void talk_send_close(struct flotilla *flotilla, uint32_t index)
{
	static const uint8_t normal[] = {1000 >> 8, 1000 & 0xFF};

	talk_send(flotilla, index, WS_CLOSE, slice_of(normal, sizeof(normal)));
}

void talk_send_first(struct flotilla *flotilla, uint32_t index)
{
	uint8_t bytes[FIRST_FRAME_MAX];
	struct writer writer;

	if (!flotilla->plan->options->first_frame)
		return;
	writer_init(&writer, bytes, sizeof(bytes));
	requests_write_template(flotilla->plan->requests, flotilla->plan->options->first_frame,
				flotilla_client(flotilla, index), &writer);
	talk_send(flotilla, index, WS_TEXT, writer_written(&writer));
}

static bool contains(struct slice text, struct slice part)
{
	return memmem(text.bytes, text.size, part.bytes, part.size) != NULL;
}

bool talk_is_greeting(const struct flotilla *flotilla, uint32_t index, struct slice text)
{
	const struct options *options = flotilla->plan->options;
	uint8_t bytes[128];
	struct writer user;

	if (!contains(text, slice_of_text(options->greeting)))
		return false;
	if (options->against || !options->secret)
		return true;
	writer_init(&user, bytes, sizeof(bytes));
	writer_text(&user, "\"user_id\":\"");
	requests_write_user(flotilla->plan->requests, flotilla_client(flotilla, index), &user);
	writer_text(&user, "\"");
	return contains(text, writer_written(&user)) &&
	       contains(text, SLICE("\"connection_id\":\""));
}

/* "event_id":"ID" of a message, "last_event_id":"ID" of the greeting: before anything that a
 * producer could have written. */
static void keep_position(const struct flotilla *flotilla, struct conn *conn, struct slice text)
{
	static const char name[] = "event_id\":\"";
	const uint8_t *found;
	struct event_id id;

	if (flotilla->plan->options->mode != MODE_RESUME)
		return;
	found = memmem(text.bytes, text.size, name, sizeof(name) - 1);
	if (!found)
		return;
	struct slice rest = slice_skip(text, (size_t)(found - text.bytes) + sizeof(name) - 1);
	if (event_id_parse(slice_cut(&rest, '"'), &id) && event_id_is_after(id, conn->position))
		conn->position = id;
}

void talk_take_greeting(struct flotilla *flotilla, uint32_t index, struct slice text)
{
	struct conn *conn = &flotilla->conns[index];

	if (conn->position.ms > 0 && contains(text, SLICE("\"recovered\":false")))
		count_add(&flotilla->counts.unrecovered, 1);
	if (!conn->is_again)
		keep_position(flotilla, conn, text);
}

static void take_number(struct flotilla *flotilla, struct sequence *sequence, uint32_t number)
{
	switch (sequence_take(sequence, number)) {
	case ARRIVAL_LATE:
		count_add(&flotilla->counts.reordered, 1);
		break;
	case ARRIVAL_DOUBLE:
		count_add(&flotilla->counts.doubles, 1);
		break;
	case ARRIVAL_NEXT:
	case ARRIVAL_AFTER_GAP: /* what is missing is counted at the end */
		break;
	}
}

static void record_latency(struct flotilla *flotilla, const struct stamp *stamp)
{
	uint64_t now_ns = stopwatch_now_ns();

	/* What was missed is as old as the one who missed it wants. */
	if (flotilla->plan->options->mode == MODE_RESUME)
		return;
	if (now_ns >= stamp->published_ns)
		histogram_add(&flotilla->latency, now_ns - stamp->published_ns);
}

static void take_broadcast(struct flotilla *flotilla, struct conn *conn, const struct stamp *stamp)
{
	struct rounds *rounds = flotilla->plan->rounds;

	take_number(flotilla, &conn->broadcast, stamp->number);
	tally_add(&flotilla->tally, rounds, stamp->number);
	if (stamp->number >=
	    atomic_load_explicit(&rounds->recorded_from, memory_order_relaxed))
		record_latency(flotilla, stamp);
}

static void take_unstamped(struct flotilla *flotilla, uint32_t index, struct slice text)
{
	if (slice_starts_with(text, SLICE("{\"type\":\"ping\""))) {
		count_add(&flotilla->counts.pings, 1);
		talk_send(flotilla, index, WS_TEXT, SLICE("{\"type\":\"pong\"}"));
	} else if (slice_starts_with(text, SLICE("{\"type\":\"error\""))) {
		count_add(&flotilla->counts.errors, 1);
		talk_note_failure(flotilla, FAILURE_ERROR, "%.*s",
				  (int)(text.size < 120 ? text.size : 120),
				  (const char *)text.bytes);
	} else {
		count_add(&flotilla->counts.unstamped, 1);
	}
}

void talk_take_message(struct flotilla *flotilla, uint32_t index, struct slice text)
{
	struct conn *conn = &flotilla->conns[index];
	struct stamp stamp;

	if (!stamp_find(text, slice_of_text(flotilla->plan->options->marker), &stamp)) {
		take_unstamped(flotilla, index, text);
		return;
	}
	keep_position(flotilla, conn, text);
	count_add(&flotilla->counts.messages, 1);
	if (stamp.user == STAMP_NO_USER) {
		take_broadcast(flotilla, conn, &stamp);
	} else if (stamp.user == flotilla_client(flotilla, index)) {
		take_number(flotilla, &conn->own, stamp.number);
		record_latency(flotilla, &stamp);
	} else {
		count_add(&flotilla->counts.misrouted, 1);
	}
}
