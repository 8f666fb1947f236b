/* tests/sim/sim_watch.c - what came is held against the log. */
#include "sim_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "router/router_state.h"
#include "sim_fiber.h"
#include "wire/event_id.h"

static struct client_world world;

void watch_begin(const struct client_world *of)
{
	world = *of;
}

struct event_id watch_cursor(const struct client *client)
{
	struct cursors *cursors = &world.router->cursors;
	char user[8];

	snprintf(user, sizeof(user), "u%u", client->user);
	struct cursor *cursor =
		cursors_hold(cursors, slice_of_text(user), slice_of_text(client->device));

	ASSERT(cursor);
	struct event_id confirmed = cursor->confirmed;

	cursors_release(cursors, cursor);
	return confirmed;
}

static bool is_own(const struct client *client, uint32_t channel)
{
	return channel < SIM_FIRST_NAMED &&
	       (channel < SIM_USER || channel == SIM_USER + client->user);
}

/* ---- members of a message ---- */

static struct slice find(struct slice message, const char *name)
{
	const char *at = memmem(message.bytes, message.size, name, strlen(name));

	if (!at)
		return (struct slice){NULL, 0};
	at += strlen(name);
	const char *end =
		memchr(at, '"', (size_t)((const char *)message.bytes + message.size - at));

	ASSERT(end);
	return slice_of(at, (size_t)(end - at));
}

static bool has(struct slice message, const char *text)
{
	return memmem(message.bytes, message.size, text, strlen(text)) != NULL;
}

static struct event_id position_of(struct slice message, const char *name)
{
	struct event_id id;
	bool is_position = event_id_parse(find(message, name), &id);

	ASSERT(is_position);
	return id;
}

static uint32_t channel_of(struct slice message)
{
	struct slice name = find(message, "\"channel\":\"");

	for (uint32_t i = 0; i < SIM_CHANNELS; i++)
		if (slice_equal_text(name, sim_channels[i]))
			return i;
	abort();
}

/* ---- the word ---- */

static void check_gap(const struct client *client, uint32_t channel, uint32_t from, uint32_t until)
{
	const struct stream *stream = &client->streams[channel];

	if (stream->state != STREAM_ON)
		return;
	for (uint32_t i = from > stream->must ? from : stream->must; i < until; i++) {
		if (client->got[i] || !sim_log_is_in(i, channel) || sim_log_may_lack(i, channel))
			continue;
		fprintf(stderr, "sim: u%u '%s' lacks entry %u of %s (must %u, until %u)\n",
			client->user, client->device, i, sim_channels[channel], stream->must,
			until);
		ASSERT(false);
	}
}

static void check_base(const struct client *client, uint32_t until)
{
	for (uint32_t i = 0; i < SIM_FIRST_NAMED; i++)
		if (is_own(client, i))
			check_gap(client, i, 0, until);
}

static void check_all(const struct client *client, uint32_t until)
{
	for (uint32_t i = 0; i < SIM_CHANNELS; i++)
		check_gap(client, i, 0, until);
}

static void on_notification(struct client *client, struct slice message)
{
	uint32_t channel = channel_of(message), number = sim_log_read(message);
	struct stream *stream = &client->streams[channel];

	ASSERT(event_id_equal(position_of(message, "\"event_id\":\""), sim_log_id(number)));
	ASSERT(stream->state == STREAM_ON || stream->state == STREAM_LEAVING);
	ASSERT(sim_log_is_in(number, channel));
	ASSERT(!world.is_roomy || !sim_log_is_double(number, channel));
	ASSERT(number >= stream->next);
	check_gap(client, channel, stream->next, number);
	stream->next = number + 1;
	client->got[number] = 1;
	client_tally.notices++;
	if (channel >= SIM_FIRST_NAMED)
		return;
	ASSERT(number >= client->base_next);
	check_base(client, number);
	client->base_next = number + 1;
	client->seen = sim_log_id(number);
	client->has_seen = true;
}

/* From where on the channels of the route must be complete, and from where on they may come. */
static void begin_streams(struct client *client, bool recovered, uint32_t last)
{
	struct event_id cursor = watch_cursor(client);
	bool was_new = event_id_is_none(client->cursor), is_new = event_id_is_none(cursor);

	for (uint32_t i = 0; i < SIM_FIRST_NAMED; i++) {
		struct stream *stream = &client->streams[i];
		bool is_user = i >= SIM_USER;

		if (!is_own(client, i))
			continue;
		stream->state = STREAM_ON;
		stream->must = last;
		if (client->has_resumed) {
			stream->next = sim_log_after(client->seen);
			if (recovered)
				stream->must = stream->next;
			continue;
		}
		stream->next = sim_log_after(client->cursor);
		if (was_new && is_new && !is_user)
			stream->next = client->asked_at;
		if (recovered && (is_user || !was_new))
			stream->must = sim_log_after(cursor);
	}
}

static void on_connected(struct client *client, struct slice message)
{
	bool recovered = has(message, "\"recovered\":true");
	struct event_id last = position_of(message, "\"last_event_id\":\"");
	uint32_t replayed = (uint32_t)strtoul(
		(const char *)memmem(message.bytes, message.size, "\"replayed\":", 11) + 11, NULL,
		10);

	ASSERT(client->state == CLIENT_ASKING);
	client->state = CLIENT_OPEN;
	begin_streams(client, recovered, sim_log_after(last));
	client_tally.replayed += replayed;
	client_tally.lost += client->has_resumed && !recovered;
	ASSERT(!world.is_roomy || recovered ||
	       (!client->has_resumed && event_id_is_none(client->cursor)));
	/* It has nothing yet, and nothing older is to come. */
	if (replayed == 0 && !client->has_resumed) {
		client->seen = last;
		client->has_seen = true;
	}
}

static void on_subscribed(struct client *client, struct slice message)
{
	struct stream *stream = &client->streams[channel_of(message)];

	ASSERT(stream->state == STREAM_ASKED);
	stream->state = STREAM_ON;
	stream->must = sim_log_count();
	if (stream->has_position && has(message, "\"recovered\":true"))
		stream->must = stream->next;
	else
		ASSERT(!stream->has_position || !world.is_roomy);
}

static void on_unsubscribed(struct client *client, struct slice message)
{
	struct stream *stream = &client->streams[channel_of(message)];

	ASSERT(stream->state == STREAM_LEAVING);
	stream->state = STREAM_OFF;
}

/* With SIM_TRACE: what comes, in the order in which it does. */
static void trace(const struct client *client, struct slice message)
{
	if (getenv("SIM_TRACE"))
		fprintf(stderr, "%8lu us u%u '%s': %.*s\n", sim_now_ns() / 1000, client->user,
			client->device, (int)message.size, (const char *)message.bytes);
}

void watch_message(struct client *client, struct slice message)
{
	trace(client, message);
	if (slice_starts_with(message, SLICE("{\"type\":\"notification\"")))
		on_notification(client, message);
	else if (slice_starts_with(message, SLICE("{\"type\":\"connected\"")))
		on_connected(client, message);
	else if (slice_starts_with(message, SLICE("{\"type\":\"subscribed\"")))
		on_subscribed(client, message);
	else if (slice_starts_with(message, SLICE("{\"type\":\"unsubscribed\"")))
		on_unsubscribed(client, message);
	else
		ASSERT(!slice_starts_with(message, SLICE("{\"type\":\"error\"")));
}

void watch_position(struct client *client, struct event_id id)
{
	if (client->state != CLIENT_OPEN)
		return;
	check_all(client, sim_log_after(id));
}

void client_check_complete(const struct client *client)
{
	ASSERT(client->state == CLIENT_OPEN && client->in.size == 0);
	for (uint32_t i = 0; i < SIM_CHANNELS; i++)
		ASSERT(client->streams[i].state == STREAM_OFF ||
		       client->streams[i].state == STREAM_ON);
	check_all(client, sim_log_count());
}
