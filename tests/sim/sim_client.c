/* tests/sim/sim_client.c - HTTP, frames, and the whims of a client. */
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/writer.h"
#include "sim_fiber.h"
#include "sim_uring.h"
#include "wire/event_id.h"

enum { FRAME_TEXT = 1, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10 };

struct client_tally client_tally;
static struct client_world world;

void client_begin(const struct client_world *of)
{
	world = *of;
	watch_begin(of);
}

/* ---- buffers ---- */

static uint8_t *reserve(struct buffer *buffer, size_t size)
{
	while (buffer->capacity - buffer->size < size) {
		buffer->capacity = buffer->capacity * 2 + 1024;
		buffer->bytes = realloc(buffer->bytes, buffer->capacity);
		ASSERT(buffer->bytes);
	}
	return buffer->bytes + buffer->size;
}

static void drop(struct buffer *buffer, size_t size)
{
	if (size == 0)
		return;
	memmove(buffer->bytes, buffer->bytes + size, buffer->size - size);
	buffer->size -= size;
}

/* A masked frame; the mask is zero. */
static void say(struct client *client, uint8_t opcode, struct slice payload)
{
	uint8_t *bytes = reserve(&client->out, payload.size + 8);
	size_t at = 0;

	bytes[at++] = (uint8_t)(0x80 | opcode);
	if (payload.size < 126) {
		bytes[at++] = (uint8_t)(0x80 | payload.size);
	} else {
		bytes[at++] = 0x80 | 126;
		bytes[at++] = (uint8_t)(payload.size >> 8);
		bytes[at++] = (uint8_t)payload.size;
	}
	memset(bytes + at, 0, 4);
	at += 4;
	if (payload.size > 0)
		memcpy(bytes + at, payload.bytes, payload.size);
	client->out.size += at + payload.size;
}

static void say_text(struct client *client, const char *text)
{
	say(client, FRAME_TEXT, slice_of_text(text));
}

/* ---- coming and going ---- */

void client_connect(struct client *client, bool with_position)
{
	struct buffer in = client->in, out = client->out;
	char position[80] = "", device[32] = "";
	struct client fresh = {
		.user = client->user,
		.has_seen = client->has_seen,
		.seen = client->seen,
		.greed = client->greed,
		.state = CLIENT_ASKING,
		.has_resumed = with_position && client->has_seen,
	};

	ASSERT(client->state == CLIENT_AWAY);
	fresh.socket = sim_socket_open(sim_pick(world.shards));
	if (!fresh.socket)
		return;
	memcpy(fresh.device, client->device, sizeof(fresh.device));
	*client = fresh;
	in.size = out.size = 0;
	client->in = in;
	client->out = out;
	client->asked_at = sim_log_count();
	client->cursor = watch_cursor(client);
	if (client->has_resumed)
		snprintf(position, sizeof(position), "&last_event_id=%lu-%lu", client->seen.ms,
			 client->seen.sequence);
	if (client->device[0] != '\0')
		snprintf(device, sizeof(device), "&device=%s", client->device);
	client->out.size += (size_t)snprintf(
		(char *)reserve(&client->out, 512), 512,
		"GET /ws?user_id=u%u%s%s HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		client->user, position, device);
	client_tally.connections++;
	client_tally.resumed += client->has_resumed;
}

void client_leave(struct client *client, bool is_reset)
{
	if (!client->socket)
		return;
	sim_socket_close(client->socket, is_reset);
	client->socket = NULL;
	client->state = CLIENT_AWAY;
}

void client_end(struct client *client)
{
	client_leave(client, true);
	free(client->in.bytes);
	free(client->out.bytes);
}

/* ---- reading ---- */

static void read_close(struct client *client, struct slice payload)
{
	uint32_t code = 0;

	if (payload.size >= 2)
		code = (uint32_t)(payload.bytes[0] << 8 | payload.bytes[1]);
	if (client->state != CLIENT_CLOSING) {
		ASSERT(code == 4410 || code == 4408 || code == 1001);
		say(client, FRAME_CLOSE, payload);
	}
	client_tally.slow += code == 4410;
	client->state = CLIENT_CLOSING;
	client->has_closed = true;
}

static void read_ping(struct client *client, struct slice payload)
{
	struct event_id id;

	if (payload.size > 0) {
		bool is_position = event_id_parse(payload, &id);

		ASSERT(is_position);
		client_tally.positions++;
		watch_position(client, id);
	}
	if (client->state == CLIENT_OPEN && !sim_chance(10))
		say(client, FRAME_PONG, payload);
}

/* Size of the first frame, 0 when it is not whole. */
static size_t read_frame(struct client *client, const uint8_t *bytes, size_t size)
{
	size_t header = 2, payload_size;

	if (size < 2)
		return 0;
	payload_size = bytes[1];
	ASSERT(payload_size < 127 && (bytes[0] & 0xF0) == 0x80);
	if (payload_size == 126) {
		header = 4;
		if (size < header)
			return 0;
		payload_size = (size_t)(bytes[2] << 8 | bytes[3]);
	}
	if (size < header + payload_size)
		return 0;
	struct slice payload = slice_of(bytes + header, payload_size);

	ASSERT(!client->has_closed); /* nothing follows a close */
	switch (bytes[0] & 0x0F) {
	case FRAME_TEXT:
		watch_message(client, payload);
		break;
	case FRAME_PING:
		read_ping(client, payload);
		break;
	case FRAME_PONG:
		break;
	case FRAME_CLOSE:
		read_close(client, payload);
		break;
	default:
		ASSERT(false);
	}
	return header + payload_size;
}

/* Bytes of the answer to the request, 0 when it is not whole. */
static size_t read_answer(struct client *client)
{
	const char *end = client->in.size == 0
				  ? NULL
				  : memmem(client->in.bytes, client->in.size, "\r\n\r\n", 4);

	if (!end)
		return 0;
	ASSERT(memcmp(client->in.bytes, "HTTP/1.1 101 ", 13) == 0);
	client->is_upgraded = true;
	return (size_t)(end + 4 - (const char *)client->in.bytes);
}

static void parse(struct client *client)
{
	size_t done = 0, size;

	if (!client->is_upgraded)
		done = read_answer(client);
	while (client->is_upgraded &&
	       (size = read_frame(client, client->in.bytes + done, client->in.size - done)) > 0)
		done += size;
	drop(&client->in, done);
}

static bool read_some(struct client *client, size_t most)
{
	size_t size = sim_socket_read(client->socket, reserve(&client->in, most), most);

	client->in.size += size;
	if (size > 0)
		parse(client);
	if (sim_socket_is_over(client->socket))
		client_leave(client, false);
	return size > 0;
}

static bool write_some(struct client *client, size_t most)
{
	size_t size = client->out.size < most ? client->out.size : most;

	size = sim_socket_write(client->socket, client->out.bytes, size);
	drop(&client->out, size);
	return size > 0;
}

bool client_pump(struct client *client)
{
	bool has_moved = false;

	if (client->socket && client->out.size > 0)
		has_moved |= write_some(client, SIZE_MAX);
	if (client->socket)
		has_moved |= read_some(client, 1u << 16);
	return has_moved;
}

/* ---- whims ---- */

static void subscribe(struct client *client, uint32_t channel)
{
	struct stream *stream = &client->streams[channel];
	char text[160], position[80] = "";

	stream->has_position = world.has_positions && sim_log_count() > 0 && sim_chance(50);
	stream->next = sim_log_count();
	if (stream->has_position) {
		stream->next = sim_pick(sim_log_count());
		struct event_id id = sim_log_id(stream->next++);

		snprintf(position, sizeof(position), ",\"last_event_id\":\"%lu-%lu\"", id.ms,
			 id.sequence);
	}
	snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"channel\":\"%s\"%s}",
		 sim_channels[channel], position);
	say_text(client, text);
	stream->state = STREAM_ASKED;
	client_tally.subscribes++;
}

static void change_channel(struct client *client)
{
	uint32_t channel = SIM_FIRST_NAMED + sim_pick(SIM_NAMED);
	struct stream *stream = &client->streams[channel];
	char text[80];

	if (stream->state == STREAM_OFF) {
		subscribe(client, channel);
	} else if (stream->state == STREAM_ON) {
		snprintf(text, sizeof(text), "{\"type\":\"unsubscribe\",\"channel\":\"%s\"}",
			 sim_channels[channel]);
		say_text(client, text);
		stream->state = STREAM_LEAVING;
	}
}

static void acknowledge(struct client *client)
{
	char text[96];

	if (!client->has_seen)
		return;
	snprintf(text, sizeof(text), "{\"type\":\"ack\",\"event_id\":\"%lu-%lu\"}", client->seen.ms,
		 client->seen.sequence);
	say_text(client, text);
}

static void act_open(struct client *client)
{
	uint32_t what = sim_pick(100);

	if (what < 12)
		change_channel(client);
	else if (what < 16)
		acknowledge(client);
	else if (what < 18)
		say_text(client, "ping");
	else if (what < 24)
		client->greed = sim_chance(40) ? 0 : 1 + sim_pick(1u << sim_pick(14));
	else if (what < 26)
		client_leave(client, sim_chance(50));
	else if (what < 27) {
		say(client, FRAME_CLOSE, (struct slice){NULL, 0});
		client->state = CLIENT_CLOSING;
	}
}

void client_act(struct client *client)
{
	if (client->state == CLIENT_AWAY) {
		if (sim_chance(30))
			client_connect(client, sim_chance(60));
		return;
	}
	if (client->state == CLIENT_OPEN && client->out.size < 4096)
		act_open(client);
	else if (sim_chance(1))
		client_leave(client, true);
	if (client->socket && client->out.size > 0)
		write_some(client, sim_chance(20) ? 1 + sim_pick(8) : SIZE_MAX);
	if (client->socket && client->greed > 0)
		read_some(client, client->greed);
}
