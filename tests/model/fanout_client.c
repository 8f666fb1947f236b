/* tests/model/fanout_client.c - reads frames and compares. */
#include "fanout_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "wire/ws_frame.h"

const char *const fanout_names[] = {"all", "c1", "c2", "c3", "c4", "c5", "conn"};

void client_expect(struct client *client, uint32_t channel, uint32_t number)
{
	struct fifo *fifo = &client->expected[channel];

	if (fifo->count == fifo->capacity) {
		fifo->capacity = fifo->capacity ? fifo->capacity * 2 : 16;
		fifo->items = realloc(fifo->items, fifo->capacity * sizeof(uint32_t));
		ASSERT(fifo->items);
	}
	fifo->items[fifo->count++] = number;
}

void client_reset(struct client *client)
{
	for (uint32_t i = 0; i <= CHANNELS; i++)
		free(client->expected[i].items);
	free(client->bytes);
	*client = (struct client){0};
}

/* PAYLOAD_MAX bytes that fill a notice: the alphabet again and again, from a letter on that its
 * number says. */
static const uint8_t *pattern(uint32_t number)
{
	static uint8_t letters[26 + PAYLOAD_MAX];

	for (size_t i = 0; letters[0] == 0 && i < sizeof(letters); i++)
		letters[sizeof(letters) - 1 - i] =
			(uint8_t)('a' + (sizeof(letters) - 1 - i) % 26);
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

/* "%08x", the channel in quotes, the pattern. */
static void read_text(struct client *client, const uint8_t *text, size_t size)
{
	char digits[9] = {0};
	size_t name_size;

	ASSERT(size >= 8 + 4);
	memcpy(digits, text, 8);
	uint32_t number = (uint32_t)strtoul(digits, NULL, 16);
	struct fifo *fifo = &client->expected[channel_named(text + 8, &name_size)];

	while (fifo->first < fifo->left && fifo->items[fifo->first] != number)
		fifo->first++;
	ASSERT(number >= client->next);
	client->next = number + 1;
	ASSERT(fifo->first < fifo->count);
	ASSERT(fifo->items[fifo->first++] == number);
	ASSERT(memcmp(text + 8 + name_size, pattern(number), size - 8 - name_size) == 0);
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
	else
		ASSERT(bytes[0] == (0x80 | WS_PING) && payload == 3 &&
		      memcmp(bytes + header, "abc", 3) == 0);
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

bool client_has_read(const struct fifo *fifo)
{
	return fifo->first == fifo->count || fifo->left == fifo->count;
}

size_t client_write(uint8_t *bytes, uint32_t channel, uint32_t number, size_t pattern_size)
{
	size_t name_size = strlen(fanout_names[channel]);
	uint8_t *start = bytes;
	char text[32];

	bytes += ws_frame_write_header(bytes, WS_TEXT, 8 + 2 + name_size + pattern_size);
	snprintf(text, sizeof(text), "%08x\"%s\"", number, fanout_names[channel]);
	memcpy(bytes, text, 8 + 2 + name_size);
	bytes += 8 + 2 + name_size;
	memcpy(bytes, pattern(number), pattern_size);
	return (size_t)(bytes - start) + pattern_size;
}
