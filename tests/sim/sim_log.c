/* tests/sim/sim_log.c - publications over the lane, and the entries they became. */
#include "sim_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "belfry/publication.h"
#include "belfry/ring_tag.h"
#include "broker/lanes.h"
#include "sim_fiber.h"
#include "sim_uring.h"

#define ITEMS_MAX 3u
#define TO_MAX 3u
#define FIELDS_MAX (TO_MAX + 4)
#define PENDING_MAX 64u

struct entry_sent {
	struct event_id id;
	uint8_t channels[TO_MAX];
	uint8_t channels_count;
	uint8_t key, producer_id; /* 0: none */
	uint32_t ttl_s;
	uint32_t size;
};

/* One heap block; what the fields point into is behind them. */
struct sent {
	struct publication *publication;
	uint32_t first, learned;
	struct entry_field fields[ITEMS_MAX][FIELDS_MAX];
	char small[ITEMS_MAX][3][16];
	char *data[ITEMS_MAX];
};

const char *const sim_channels[SIM_CHANNELS] = {
	"all",     "announcements", "user:u0", "user:u1", "user:u2",
	"user:u3", "topic:0",       "topic:1", "topic:2", "topic:3",
};

static struct lanes *lanes;
static uint32_t router;
static struct sim_habits habits;
static struct entry_sent entries[SIM_ENTRIES];
static uint32_t published, taken;
static struct sent *pending[PENDING_MAX];
static uint32_t pending_count;

void sim_log_begin(struct lanes *of, uint32_t router_ring, const struct sim_habits *with)
{
	lanes = of;
	router = router_ring;
	habits = *with;
	published = taken = pending_count = 0;
}

static void free_sent(struct sent *sent)
{
	for (uint32_t i = 0; i < ITEMS_MAX; i++)
		free(sent->data[i]);
	free(sent->publication);
	free(sent);
}

void sim_log_end(void)
{
	while (pending_count > 0)
		free_sent(pending[--pending_count]);
}

/* ---- publishing ---- */

static struct entry_sent some_entry(void)
{
	uint32_t large = sim_chance(habits.large_percent) ? habits.size_max : 64;
	struct entry_sent entry = {
		.channels_count = 1,
		.size = sim_pick(large + 1),
	};

	if (sim_chance(habits.many_percent))
		entry.channels_count = (uint8_t)(1 + sim_pick(TO_MAX));
	for (uint32_t i = 0; i < entry.channels_count; i++)
		entry.channels[i] = (uint8_t)(sim_chance(25) ? SIM_ALL : sim_pick(SIM_CHANNELS));
	if (sim_chance(habits.key_percent))
		entry.key = (uint8_t)(1 + sim_pick(3));
	if (sim_chance(habits.id_percent))
		entry.producer_id = (uint8_t)(1 + sim_pick(100));
	if (sim_chance(habits.ttl_percent))
		entry.ttl_s = 1 + sim_pick(3);
	return entry;
}

static struct slice small_text(char *bytes, const char *format, uint32_t number)
{
	return slice_of(bytes, (size_t)snprintf(bytes, 16, format, number));
}

/* {"n":17,"p":"..."}: letters that the number says. */
static char *write_data(uint32_t number, uint32_t size, size_t *ret_size)
{
	char *text = malloc(size + 32);

	ASSERT(text);
	size_t at = (size_t)snprintf(text, 32, "{\"n\":%u,\"p\":\"", number);

	memset(text + at, (int)('a' + number % 26), size);
	memcpy(text + at + size, "\"}", 2);
	*ret_size = at + size + 2;
	return text;
}

static void write_item(struct sent *sent, uint32_t index, const struct entry_sent *entry)
{
	struct publication_item *item = &sent->publication->items[index];
	struct entry_field *fields = sent->fields[index];
	uint32_t count = 0;
	size_t size;

	for (uint32_t i = 0; i < entry->channels_count; i++)
		fields[count++] = (struct entry_field){
			SLICE("to"), slice_of_text(sim_channels[entry->channels[i]])};
	if (entry->key)
		fields[count++] = (struct entry_field){
			SLICE("key"), small_text(sent->small[index][0], "k%u", entry->key)};
	if (entry->producer_id)
		fields[count++] = (struct entry_field){
			SLICE("id"), small_text(sent->small[index][1], "i%u", entry->producer_id)};
	if (entry->ttl_s)
		fields[count++] = (struct entry_field){
			SLICE("ttl"), small_text(sent->small[index][2], "%u", entry->ttl_s)};
	sent->data[index] = write_data(published, entry->size, &size);
	fields[count++] = (struct entry_field){SLICE("data"), slice_of(sent->data[index], size)};
	item->publication = sent->publication;
	item->fields = fields;
	item->fields_count = count;
	entries[published++] = *entry;
}

void sim_log_publish(void)
{
	uint32_t count = 1 + sim_pick(ITEMS_MAX);

	if (pending_count == PENDING_MAX || published + count > habits.entries_max)
		return;
	struct sent *sent = calloc(1, sizeof(*sent));

	ASSERT(sent);
	sent->publication =
		calloc(1, sizeof(struct publication) + count * sizeof(struct publication_item));
	ASSERT(sent->publication);
	sent->publication->items_count = count;
	sent->first = published;
	for (uint32_t i = 0; i < count; i++) {
		struct entry_sent entry = some_entry();

		write_item(sent, i, &entry);
	}
	pending[pending_count++] = sent;
	bool pushed = ring_push(&lanes->publications.ring, &sent->publication);

	ASSERT(pushed);
	if (sleeper_must_wake(&lanes->router_sleeper))
		sim_ring_post(router, ring_tag(RING_OP_WAKE, 0), 0);
}

/* ---- what is in the log ---- */

static bool learn(struct sent *sent)
{
	const struct publication *publication = sent->publication;

	while (sent->learned < publication->items_count) {
		const struct publication_item *item = &publication->items[sent->learned];

		if (item->outcome == PUBLICATION_PENDING)
			return false;
		ASSERT(item->outcome == PUBLICATION_TAKEN);
		ASSERT(taken == sent->first + sent->learned);
		ASSERT(taken == 0 || event_id_is_after(item->event_id, entries[taken - 1].id));
		entries[taken++].id = item->event_id;
		sent->learned++;
	}
	return true;
}

void sim_log_learn(void)
{
	struct publication *done;
	uint32_t first = 0;

	while (first < pending_count && learn(pending[first]))
		first++;
	for (uint32_t i = 0; i < first; i++) {
		bool popped = ring_pop(&lanes->outcomes.ring, &done);

		ASSERT(popped && done == pending[i]->publication);
		free_sent(pending[i]);
	}
	pending_count -= first;
	memmove(pending, pending + first, pending_count * sizeof(struct sent *));
}

uint32_t sim_log_count(void)
{
	return taken;
}

bool sim_log_is_settled(void)
{
	return pending_count == 0;
}

struct event_id sim_log_id(uint32_t number)
{
	ASSERT(number < taken);
	return entries[number].id;
}

uint32_t sim_log_after(struct event_id id)
{
	uint32_t number = taken;

	while (number > 0 && event_id_is_after(entries[number - 1].id, id))
		number--;
	return number;
}

bool sim_log_is_in(uint32_t number, uint32_t channel)
{
	const struct entry_sent *entry = &entries[number];

	for (uint32_t i = 0; i < entry->channels_count; i++)
		if (entry->channels[i] == channel)
			return true;
	return false;
}

bool sim_log_is_double(uint32_t number, uint32_t channel)
{
	for (uint32_t i = 0; entries[number].producer_id && i < number; i++)
		if (entries[i].producer_id == entries[number].producer_id &&
		    sim_log_is_in(i, channel))
			return true;
	return false;
}

bool sim_log_may_lack(uint32_t number, uint32_t channel)
{
	const struct entry_sent *entry = &entries[number];

	if (entry->ttl_s && clock_unix_ms() >= entry->id.ms + (uint64_t)entry->ttl_s * 1000)
		return true;
	for (uint32_t i = number + 1; entry->key && i < taken; i++)
		if (entries[i].key == entry->key && sim_log_is_in(i, channel))
			return true;
	return sim_log_is_double(number, channel);
}

uint32_t sim_log_read(struct slice message)
{
	static const char mark[] = ",\"data\":{\"n\":";
	const char *at = memmem(message.bytes, message.size, mark, sizeof(mark) - 1);

	ASSERT(at);
	uint32_t number = (uint32_t)strtoul(at + sizeof(mark) - 1, NULL, 10);
	size_t size;

	ASSERT(number < taken);
	char *data = write_data(number, entries[number].size, &size);

	at += sizeof(",\"data\":") - 1;
	ASSERT(size + 1 == (size_t)((const char *)message.bytes + message.size - at));
	ASSERT(memcmp(at, data, size) == 0);
	free(data);
	return number;
}
