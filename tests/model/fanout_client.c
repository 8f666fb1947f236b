/* tests/model/fanout_client.c - reads frames and compares. */
#include "fanout_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "fanout_router.h"
#include "wire/event_id.h"
#include "wire/ws_frame.h"

#define PREFIX 9 /* digits and kind */

const char *const fanout_names[] = {"all", "c1", "c2", "c3", "c4", "c5", "conn"};

static void *grown(void *items, uint32_t count, uint32_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 16;
	items = realloc(items, *capacity * size);
	ASSERT(items);
	return items;
}

void client_want(struct client *client, struct want want)
{
	client->wants =
		grown(client->wants, client->wants_count, &client->wants_capacity, sizeof(want));
	client->wants[client->wants_count++] = want;
}

void client_expect(struct client *client, struct replay replay)
{
	client->replays = grown(client->replays, client->replays_count, &client->replays_capacity,
				sizeof(replay));
	client->replays[client->replays_count++] = replay;
}

void client_leave(struct client *client, uint32_t channel)
{
	for (uint32_t i = client->wants_first; i < client->wants_count; i++)
		client->wants[i].must &= (uint8_t) ~(1u << channel);
}

void client_reset(struct client *client)
{
	free(client->wants);
	free(client->replays);
	free(client->bytes);
	*client = (struct client){0};
}

/* PAYLOAD_MAX bytes that fill a notice: the alphabet again and again, from a letter on that its
 * number says. */
static const uint8_t *pattern(uint32_t number)
{
	static uint8_t letters[26 + PAYLOAD_MAX];

	for (size_t i = 0; letters[0] == 0 && i < sizeof(letters); i++)
		letters[sizeof(letters) - 1 - i] = (uint8_t)('a' + (sizeof(letters) - 1 - i) % 26);
	return letters + number % 26;
}

static uint32_t channel_named(const uint8_t *text, size_t *ret_size)
{
	for (uint32_t i = 0; i <= CHANNELS; i++) {
		*ret_size = strlen(fanout_names[i]) + 2;
		if (text[0] == '"' && memcmp(text + 1, fanout_names[i], *ret_size - 2) == 0 &&
		    text[*ret_size - 1] == '"')
			return i;
	}
	abort();
}

static void read_replay(struct client *client, struct replay what)
{
	const struct replay *expected = &client->replays[client->replays_first++];

	ASSERT(client->replays_first <= client->replays_count);
	ASSERT(expected->number == what.number && expected->channel == what.channel &&
	       expected->kind == what.kind);
	if (what.kind == KIND_SUBSCRIBE)
		return;
	ASSERT(!client->is_live && what.number >= client->attach_next);
	ASSERT(what.number > client->confirmed);
	client->attach_next = what.number + 1;
}

static void read_notice(struct client *client, struct replay what)
{
	while (client->wants_first < client->wants_count &&
	       client->wants[client->wants_first].number < what.number)
		ASSERT(client->wants[client->wants_first++].must == 0);
	ASSERT(client->wants_first < client->wants_count);
	const struct want *want = &client->wants[client->wants_first++];

	ASSERT(want->number == what.number && (want->may & 1u << what.channel) != 0);
	ASSERT(what.number >= client->next && what.number >= client->attach_next);
	ASSERT(what.number > client->confirmed || router_is_ephemeral(what.number));
	client->next = what.number + 1;
	client->is_live = true;
}

/* "%08x", the kind, the channel in quotes, the pattern. */
static void read_text(struct client *client, const uint8_t *text, size_t size)
{
	char digits[9] = {0};
	size_t name_size;

	ASSERT(size >= PREFIX + 4);
	memcpy(digits, text, 8);
	struct replay what = {
		.number = (uint32_t)strtoul(digits, NULL, 16),
		.kind = text[8],
		.channel = (uint8_t)channel_named(text + PREFIX, &name_size),
	};
	uint8_t bit = (uint8_t)(1u << what.channel);

	if (what.kind == KIND_SUBSCRIBED) {
		client->gone &= (uint8_t)~bit;
		return;
	}
	ASSERT((client->gone & bit) == 0);
	if (what.kind == KIND_UNSUBSCRIBED) {
		client->gone |= bit;
		return;
	}
	if (what.kind == KIND_NOTICE)
		read_notice(client, what);
	else
		read_replay(client, what);
	ASSERT(memcmp(text + PREFIX + name_size, pattern(what.number), size - PREFIX - name_size) ==
	       0);
}

/* With a position: whatever was for the client up to there has come. */
static void read_ping(struct client *client, struct slice payload)
{
	struct event_id id;

	if (slice_equal_text(payload, "abc"))
		return;
	ASSERT(payload.size == 0 || event_id_parse(payload, &id));
	if (payload.size == 0)
		return;
	client->pings++;
	client->confirmed = router_number_of(id);
	for (uint32_t i = client->wants_first; i < client->wants_count; i++)
		ASSERT(client->wants[i].must == 0 || client->wants[i].number > client->confirmed);
	for (uint32_t i = client->replays_first; i < client->replays_count; i++)
		ASSERT(client->replays[i].kind != KIND_ATTACH);
}

/* Reads one frame; returns its size, 0 when it is not whole. */
static size_t read_frame(struct client *client, const uint8_t *bytes, size_t size)
{
	size_t header = 2, payload;

	if (size < 2)
		return 0;
	payload = bytes[1];
	if (payload == 126) {
		header = 4;
		if (size < header)
			return 0;
		payload = (size_t)bytes[2] << 8 | bytes[3];
	} else if (payload == 127) {
		header = 10;
		if (size < header)
			return 0;
		payload = (size_t)bytes[7] << 16 | (size_t)bytes[8] << 8 | bytes[9];
	}
	ASSERT(!client->has_close);
	if (size < header + payload)
		return 0;
	if (bytes[0] == (0x80 | WS_TEXT))
		read_text(client, bytes + header, payload);
	else if (bytes[0] == (0x80 | WS_CLOSE))
		client->has_close = true;
	else {
		ASSERT(bytes[0] == (0x80 | WS_PING));
		read_ping(client, slice_of(bytes + header, payload));
	}
	return header + payload;
}

void client_take(struct client *client, const uint8_t *bytes, size_t size)
{
	size_t done = 0, frame;

	if (client->capacity - client->size < size) {
		client->capacity = (client->size + size) * 2;
		client->bytes = realloc(client->bytes, client->capacity);
		ASSERT(client->bytes);
	}
	memcpy(client->bytes + client->size, bytes, size);
	client->size += size;
	while ((frame = read_frame(client, client->bytes + done, client->size - done)) > 0)
		done += frame;
	memmove(client->bytes, client->bytes + done, client->size - done);
	client->size -= done;
}

bool client_has_read(const struct client *client)
{
	for (uint32_t i = client->wants_first; i < client->wants_count; i++)
		if (client->wants[i].must != 0)
			return false;
	return client->replays_first == client->replays_count;
}

size_t client_write(uint8_t *bytes, struct replay what, size_t pattern_size)
{
	size_t name_size = strlen(fanout_names[what.channel]);
	uint8_t *start = bytes;
	char text[32];

	bytes += ws_frame_write_header(bytes, WS_TEXT, PREFIX + 2 + name_size + pattern_size);
	snprintf(text, sizeof(text), "%08x%c\"%s\"", what.number, what.kind,
		 fanout_names[what.channel]);
	memcpy(bytes, text, PREFIX + 2 + name_size);
	bytes += PREFIX + 2 + name_size;
	memcpy(bytes, pattern(what.number), pattern_size);
	return (size_t)(bytes - start) + pattern_size;
}
